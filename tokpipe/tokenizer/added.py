"""Added tokens in raw text, found as `tokenizers` finds them.

References
----------
huggingface/tokenizers, ``added_vocabulary.rs``, ``find_matches``.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, padded
from tokpipe.tokenizer.kernels.added import find_tokens
from tokpipe.tokenizer.kernels.tables import WORD_ROOT, add_to_trie
from tokpipe.tokenizer.spec import AddedToken, Spec
from tokpipe.tokenizer.tables import empty_table
from tokpipe.words.normalizers import normalize
from tokpipe.words.tables import names
from tokpipe.words.tables.unicode import record_of, unicode_tables

_ROWS = 1 << 14  # matches of one call: 512 KB; a text with more takes more calls


class TokenFinder:
    """Finds one set of added tokens, none of them empty.

    Attributes
    ----------
    trie : uint64[2 * C], starts : uint8[256]
        As `kernels.added.find_tokens` takes them.
    """

    def __init__(self, tokens: Sequence[AddedToken]) -> None:
        self.by_id = {token.id: token for token in tokens}
        texts = Strings.from_list(token.content for token in tokens)
        ids = np.array([token.id for token in tokens], np.int32)
        self.trie = empty_table(texts.nbytes)
        add_to_trie(texts.data, texts.offsets, ids, WORD_ROOT, 2, self.trie)
        self.starts = np.zeros(256, np.uint8)
        self.starts[texts.data[texts.offsets[:-1]]] = 1
        self._plain = not any(t.single_word or t.lstrip or t.rstrip for t in tokens)

    def __len__(self) -> int:
        return len(self.by_id)

    def find(self, texts: Strings) -> NDArray[np.int64]:
        """Find the tokens in texts.

        Returns
        -------
        int64[M, 4]
            Start and end in ``texts.data``, id, and number of the text, ascending.
        """
        rows, progress, found = np.empty((_ROWS, 4), np.int64), np.zeros(2, np.int64), []
        while self.by_id and progress[0] < len(texts):
            count = find_tokens(texts.data, texts.offsets, self.starts, self.trie, progress, rows)
            found.append(rows[:count].copy())
        matches = np.concatenate(found) if found else rows[:0]
        return matches if self._plain or not len(matches) else self._trim(texts, matches)

    def _trim(self, texts: Strings, matches: NDArray[np.int64]) -> NDArray[np.int64]:
        """Leave out what is inside a word, and widen over white space, as the tokens ask for."""
        kept: list[tuple[int, int, int, int]] = []
        text_before, free = -1, 0
        for start, end, id, text in matches.tolist():
            first, last = texts.offsets[text : text + 2].tolist()
            free = free if text == text_before else first
            text_before, token, data = text, self.by_id[id], texts.data
            if token.single_word and (
                has_flag(_char_before(data, start, first), names.WORD)
                or has_flag(_char_at(data, end, last), names.WORD)
            ):
                continue
            if token.lstrip:
                start = max(_space_start(data, start, free), free)
            if token.rstrip:
                end = _space_end(data, end, last)
            if start < end:  # else the token before took it all
                kept.append((start, end, id, text))
            free = end
        return np.array(kept, np.int64).reshape(-1, 4)


class Cut(NamedTuple):
    """T texts cut at the M tokens that were found in them, into ``T + 2 * M`` pieces."""

    # what stands between tokens; the piece in a token's place is empty. Begins its data
    pieces: Strings
    # int64[N]: where in the data of the texts each byte stood; None: where it stands now
    places: NDArray[np.int64] | None
    first: NDArray[np.int64]  # int64[T + 1]: the number of the first piece of each text
    tokens: NDArray[np.int64]  # int64[M]: the numbers of the pieces in whose place tokens stand

    def origins(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where in the data of the texts some bytes of the pieces stood."""
        return places if self.places is None else self.places[places]


def cut_out(texts: Strings, matches: NDArray[np.int64]) -> Cut:
    """Cut texts at tokens, int64[M, 4] as `TokenFinder.find` gives them."""
    count, found = len(texts), len(matches)
    if not found:
        return Cut(texts, None, np.arange(count + 1), np.zeros(0, np.int64))
    starts, ends, _, owners = matches.T
    tokens = owners + 2 * np.arange(found) + 1
    first = np.arange(count + 1) + 2 * np.searchsorted(owners, np.arange(count + 1))
    borders = np.empty(count + 2 * found + 1, np.int64)
    borders[first], borders[tokens], borders[tokens + 1] = texts.offsets, starts, ends
    sizes = np.maximum(np.diff(borders), 0)  # a token may reach over the next, as it takes spaces
    sizes[tokens] = 0
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    places = np.repeat(borders[:-1] - offsets[:-1], sizes) + np.arange(offsets[-1])
    return Cut(Strings(padded(texts.data[places]), offsets), places, first, tokens)


def has_flag(char: str, flag: int) -> bool:
    """Say whether a character (or none) has a flag of `words.tables.names`."""
    return bool(char) and bool(unicode_tables()["flags"][record_of(ord(char))] & flag)


def _char_before(data: NDArray[np.uint8], position: int, first: int) -> str:
    start = position - 1
    while start >= first and data[start] & 0xC0 == 0x80:
        start -= 1
    return data[start:position].tobytes().decode() if start >= first else ""


def _char_at(data: NDArray[np.uint8], position: int, last: int) -> str:
    end = position + 1
    while end < last and data[end] & 0xC0 == 0x80:
        end += 1
    return data[position:end].tobytes().decode() if position < last else ""


def _space_start(data: NDArray[np.uint8], position: int, first: int) -> int:
    while has_flag(char := _char_before(data, position, first), names.SPACE):
        position -= len(char.encode())
    return position


def _space_end(data: NDArray[np.uint8], position: int, last: int) -> int:
    while has_flag(char := _char_at(data, position, last), names.SPACE):
        position += len(char.encode())
    return position


def normalized_tokens(spec: Spec) -> list[AddedToken]:
    """Return the tokens that are looked for in normalised text, normalised themselves."""
    tokens = [t for t in spec.added_tokens if t.normalized]
    texts = normalize(Strings.from_list(t.content for t in tokens), spec.words)
    contents = [text.decode() for text in texts.iter_bytes()]
    return [
        replace(token, content=content)
        for token, content in zip(tokens, contents, strict=True)
        if content
    ]


def one_finder(spec: Spec) -> TokenFinder | None:
    """Return what finds all added tokens in one pass over raw text, or None if that takes two."""
    raw = [t for t in spec.added_tokens if not t.normalized]
    normalized = [t for t in spec.added_tokens if t.normalized]
    words = spec.words
    changes = words.normalizer != "none" or words.lowercase or words.add_prefix_space
    if normalized and (raw or changes):
        return None
    return TokenFinder(raw or normalized)
