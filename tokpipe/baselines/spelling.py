"""Words as bags: the word itself, lower-cased, its shape, and the n-grams of its characters.

What was never met, or rarely, is still known by its beginning, its end and its capitals. A shape
tells capitals, small letters, digits and signs, each run of them once: "McDonald's" is "AaAa'a".

References
----------
P. Bojanowski, E. Grave, A. Joulin, T. Mikolov: Enriching Word Vectors with Subword Information,
TACL 5, 2017.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.kernels.hashing import hash_strings
from tokpipe.baselines.kernels.spelling import character_grams
from tokpipe.baselines.kernels.vectors import Bags
from tokpipe.foundation.arrays import Strings, take_strings
from tokpipe.words.config import BERT_UNCASED
from tokpipe.words.pre_tokenizers import split_words

# a word, and a shape, is another feature than an n-gram of the same letters
_WORD, _SHAPE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC4CEB9FE1A85EC53)
_KINDS = np.arange(256, dtype=np.uint8)  # what stands for a byte in a shape
_KINDS[ord("A") : ord("Z") + 1] = ord("A")
_KINDS[ord("a") : ord("z") + 1] = ord("a")
_KINDS[ord("0") : ord("9") + 1] = ord("0")
_KINDS[128:] = ord("a")
UNKNOWN = 0  # row of the table: a word that has none of its own


class Spelled(NamedTuple):
    """Words, each a bag of rows of a table.

    The first K bags are of the K different words; the second K of the same words as if the word
    itself were unknown.
    """

    bags: Bags
    kinds: NDArray[np.int64]  # int64[W]: which of the K each word is
    counts: NDArray[np.int64]  # int64[K]: how often each of them is there

    @property
    def types(self) -> int:
        """How many different words there are."""
        return len(self.counts)


class _Parts(NamedTuple):
    # `words`, `shapes`: uint64[K]: hashes of the different words
    words: NDArray[np.uint64]
    shapes: NDArray[np.uint64]
    grams: NDArray[np.uint64]  # uint64[G]: of all their n-grams
    owners: NDArray[np.int64]  # int64[G]: which word each is of
    kinds: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spelling:
    """Which words and n-grams have a row of the table.

    Attributes
    ----------
    hashes : uint64[F]
        Ascending; feature f has row ``f + 1``.
    longest
        Characters of the longest n-gram.
    """

    hashes: NDArray[np.uint64]
    longest: int

    @property
    def rows(self) -> int:
        """Rows of the table, that of what is unknown with them."""
        return len(self.hashes) + 1

    @classmethod
    def of(cls, words: Strings, longest: int, least: int, most: int) -> tuple["Spelling", Spelled]:
        """Return what is met often enough in words to learn from, and their bags.

        Parameters
        ----------
        words
            All of them, in order.
        longest
            Characters of the longest n-gram; below 2: words only.
        least
            How often a word or n-gram must be there.
        most
            Rows at most: of what is there most often.
        """
        parts = _parts(words, longest)
        found = np.concatenate([parts.words, parts.shapes, parts.grams])
        hashes, place = np.unique(found, return_inverse=True)
        times = np.concatenate([parts.counts, parts.counts, parts.counts[parts.owners]])
        met = np.bincount(place, times, len(hashes))
        kept = np.flatnonzero(met >= least)
        kept = np.sort(kept[np.argsort(-met[kept], kind="stable")[:most]])
        made = cls(hashes[kept], longest)
        return made, made._spelled(parts)

    def spelled(self, words: Strings) -> Spelled:
        """Return the bags of words; n-grams without a row are left out."""
        return self._spelled(_parts(words, self.longest))

    def _spelled(self, parts: _Parts) -> Spelled:
        types = np.arange(len(parts.words))
        rows = np.concatenate([self._places(each) for each in parts[:3]])
        owners = np.concatenate([types, types, parts.owners])
        known = (rows != UNKNOWN) | (np.arange(len(rows)) < len(types))
        grams = known & (np.arange(len(rows)) >= 2 * len(types))
        sizes = np.bincount(owners[grams], minlength=len(types))
        weights = np.where(grams, 1 / np.sqrt(np.maximum(sizes, 1))[owners], 1).astype(np.float32)
        order = np.argsort(owners[known], kind="stable")  # the word is the first of its bag
        features, weights = rows[known][order].astype(np.int32), weights[known][order]
        borders = np.searchsorted(owners[known][order], np.arange(len(types) + 1))
        unknown = features.copy()
        unknown[borders[:-1]] = UNKNOWN
        return Spelled(
            Bags(
                np.concatenate([borders, borders[-1] + borders[1:]]),
                np.concatenate([features, unknown]),
                np.concatenate([weights, weights]),
            ),
            parts.kinds,
            parts.counts,
        )

    def _places(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        if not len(self.hashes):
            return np.full(len(hashes), UNKNOWN)
        places = np.searchsorted(self.hashes, hashes)
        places[places == len(self.hashes)] = 0
        return np.where(self.hashes[places] == hashes, places + 1, UNKNOWN)


def _parts(words: Strings, longest: int) -> _Parts:
    cased = hash_strings(words.data, words.offsets)
    _, first, index, counts = np.unique(
        cased, return_index=True, return_inverse=True, return_counts=True
    )
    types = take_strings(words, first)
    lower, borders = split_words(types, BERT_UNCASED)
    hashes = hash_strings(lower.data, lower.offsets[borders]) ^ _WORD
    grams, of_type = character_grams(types.data, types.offsets, longest)
    owners = np.repeat(np.arange(len(types)), np.diff(of_type))
    return _Parts(
        hashes, _shapes(types), grams, owners, index.astype(np.int64), counts.astype(np.int64)
    )


def _shapes(words: Strings) -> NDArray[np.uint64]:
    """Return hashes of shapes; letters beyond ASCII count as small."""
    kinds = _KINDS[words.data[: words.offsets[-1]]]
    kept = np.ones(len(kinds), bool)
    kept[1:] = kinds[1:] != kinds[:-1]
    kept[words.offsets[:-1][np.diff(words.offsets) > 0]] = True
    borders = np.concatenate([[0], np.cumsum(kept)])[words.offsets]
    return hash_strings(kinds[kept], borders) ^ _SHAPE
