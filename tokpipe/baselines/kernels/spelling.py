"""N-grams of the characters of words, as numbers of 64 bits.

References
----------
P. Bojanowski, E. Grave, A. Joulin, T. Mikolov: Enriching Word Vectors with Subword Information,
TACL 5, 2017.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.kernels.hashing import (
    HASH_BASIS,
    hash_byte,
    hash_strings_reference,
    spread_hash,
)
from tokpipe.foundation.jit import inlined_helper, kernel

BEGIN, END = 1, 2  # bytes that stand for the ends of a word; no text has them as characters


def character_grams_reference(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], longest: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return hashes of the n-grams of characters of each word, its ends being characters too.

    Parameters
    ----------
    data : uint8[N]
        UTF-8 of all words.
    offsets : int64[W + 1]
        Borders of the words.
    longest
        Characters of the longest n-gram; the shortest has two.

    Returns
    -------
    hashes : uint64[G]
        Those of a word by where they begin, the shortest first.
    borders : int64[W + 1]
        Which are of which word.
    """
    found, borders = [], [0]
    for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        word = bytes([BEGIN]) + data[a:b].tobytes() + bytes([END])
        starts = [i for i, byte in enumerate(word) if byte & 0xC0 != 0x80]
        ends = [*starts[1:], len(word)]
        for i, start in enumerate(starts):
            found += [
                word[start : ends[i + n - 1]] for n in range(2, longest + 1) if i + n <= len(ends)
            ]
        borders.append(len(found))
    places = np.cumsum([0, *map(len, found)])
    hashes = hash_strings_reference(np.frombuffer(b"".join(found), np.uint8), places)
    return hashes.astype(np.uint64), np.array(borders, np.int64)


@kernel(reference=character_grams_reference)
def character_grams(data, offsets, longest):
    """Return hashes (uint64[G]) of n-grams of characters, and their borders (int64[W + 1])."""
    words = offsets.size - 1
    borders = np.zeros(words + 1, np.int64)
    for w in range(words):
        characters = 2
        for place in range(offsets[w], offsets[w + 1]):
            characters += (data[place] & 0xC0) != 0x80
        count = 0
        for n in range(2, longest + 1):
            count += max(characters - n + 1, 0)
        borders[w + 1] = borders[w] + count
    hashes = np.empty(borders[words], np.uint64)
    at = 0
    for w in range(words):
        first, size = offsets[w], offsets[w + 1] - offsets[w] + 2
        for start in range(size):
            if (_byte(data, first, size, start) & 0xC0) == 0x80:
                continue
            state, characters = HASH_BASIS, 0
            for place in range(start, size):
                state = hash_byte(state, _byte(data, first, size, place))
                is_last = place + 1 == size
                if not is_last and (_byte(data, first, size, place + 1) & 0xC0) == 0x80:
                    continue
                characters += 1
                if characters > longest:
                    break
                if characters > 1:
                    hashes[at] = spread_hash(state)
                    at += 1
    return hashes, borders


@inlined_helper
def _byte(data, first, size, place):
    # of a word with its ends
    if place == 0:
        return np.uint8(BEGIN)
    return np.uint8(END) if place == size - 1 else data[first + place - 1]
