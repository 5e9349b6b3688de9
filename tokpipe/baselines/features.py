"""Texts as bags: how often each word and n-gram is in each text, as a sparse matrix.

A word is what BERT's own rules split, lower-cased; a feature is a hash of 64 bits of one word or of
several that follow each other (two of a million are the same with a chance of 1 in 10 million). Of
a pair of texts a feature belongs to the first, to the second, or, once more, to both, and how much
of their words they share is a feature too: what a pair has in common is nothing that the words of
either side say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.kernels.hashing import hash_strings
from tokpipe.baselines.method import Needs
from tokpipe.foundation.arrays import Strings
from tokpipe.words.config import BERT_UNCASED
from tokpipe.words.pre_tokenizers import split_words

Sparse = (
    Any  # `scipy.sparse.csr_array`: what types SciPy has know neither its shape nor its indices
)

_ORDER = np.uint64(0x9E3779B97F4A7C15)  # odd: "a b" and "b a" are two features
_SPREAD, _SHIFT = np.uint64(0xC4CEB9FE1A85EC53), np.uint64(29)
_SIDES = tuple(np.uint64(n * 0xA24BAED4963EE407 % 2**64) for n in range(5))
_BOTH, _SHARE = 3, 4  # of `_SIDES`: in both texts of a pair, and how much is
_STEPS = 10  # that a share is told in

_WORD_BYTES = 5  # of a word of English with the space behind it
_MEMORY, _DISK = 60, 3  # bytes of each word and n-gram of the text
_SECONDS = 3e-6  # of each, all models that are tried together


def gram_needs(parts: Mapping[str, Any], config: Any, threads: int) -> Needs:
    """Return what a method takes whose features are words and n-grams of `config.ngrams` words."""
    text = sum(column.nbytes for part in parts.values() for column in part.texts)
    grams = text // _WORD_BYTES * config.ngrams
    hints = {"words and n-grams": "Lower --ngrams, or take a part of the rows."}
    return Needs({"words and n-grams": grams * _MEMORY}, hints, grams * _DISK, grams * _SECONDS)


class Grams(NamedTuple):
    """Every word and n-gram of every text, in no order."""

    hashes: NDArray[np.uint64]  # uint64[G]
    texts: NDArray[np.int32]  # int32[G]: which text each is of
    rows: int  # how many texts there are


def grams_of(texts: tuple[Strings, ...], longest: int) -> Grams:
    """Return the words and n-grams of up to `longest` words of texts, or of pairs of texts."""
    sides = [list(_of_one(column, longest)) for column in texts]
    found = [
        (hashes ^ _SIDES[number], owners)
        for number, side in enumerate(sides)
        for hashes, owners in side
    ]
    if len(sides) == 2:
        for size, (first, second) in enumerate(zip(*sides, strict=True)):
            found += _shared(first, second, size, len(texts[0]))
    hashes, owners = zip(*found, strict=True)
    return Grams(np.concatenate(hashes), np.concatenate(owners), len(texts[0]))


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The features that count.

    Attributes
    ----------
    hashes : uint64[F]
        Ascending.
    """

    hashes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.hashes)

    @classmethod
    def of(cls, grams: Grams, min_texts: int, most: int) -> tuple["Vocabulary", Sparse]:
        """Return the features of texts to learn from, and how often each is in each of them.

        Parameters
        ----------
        grams
            Of the texts.
        min_texts
            In how many texts a feature must be.
        most
            How many features are kept at most: those in most texts.
        """
        hashes, places = np.unique(grams.hashes, return_inverse=True)
        counts = _matrix(grams.texts, places, (grams.rows, len(hashes)))
        texts = np.bincount(counts.indices, minlength=len(hashes))
        kept = np.flatnonzero(texts >= min_texts)
        if len(kept) > most:
            kept = np.sort(kept[np.argsort(-texts[kept], kind="stable")[:most]])
        return cls(hashes[kept]), counts[:, kept]

    def counts(self, grams: Grams) -> Sparse:
        """Return how often each feature is in each text; others are left out."""
        places = np.searchsorted(self.hashes, grams.hashes)
        places[places == len(self)] = 0
        known = self.hashes[places] == grams.hashes if len(self) else np.zeros(len(places), bool)
        return _matrix(grams.texts[known], places[known], (grams.rows, len(self)))


def _matrix(rows: NDArray[np.int32], columns: NDArray[np.int64], shape: tuple[int, int]) -> Sparse:
    from scipy.sparse import csr_array

    ones = np.ones(len(rows), np.float32)
    counts = csr_array((ones, (rows, columns.astype(np.int32))), shape=shape)
    counts.sum_duplicates()
    return counts


def _of_one(texts: Strings, longest: int) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int32]]]:
    """Yield the hashes of all words, pairs of words, and so on, and which text each is of."""
    words, borders = split_words(texts, BERT_UNCASED)
    single = hash_strings(words.data, words.offsets)
    owners = np.repeat(np.arange(len(texts), dtype=np.int32), np.diff(borders))
    grams, kept = single, owners
    yield grams, kept
    for size in range(2, longest + 1):
        whole = max(len(single) - size + 1, 0)
        grams = grams[:whole] * _ORDER + single[size - 1 :]
        inside = owners[:whole] == owners[size - 1 :]
        yield _spread(grams[inside]), owners[:whole][inside]


def _spread(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = (hashes ^ (hashes >> _SHIFT)) * _SPREAD
    return mixed ^ (mixed >> _SHIFT)


def _shared(
    first: tuple[NDArray[np.uint64], NDArray[np.int32]],
    second: tuple[NDArray[np.uint64], NDArray[np.int32]],
    size: int,
    count: int,
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int32]]]:
    """Yield what both texts of each pair have, and which share of all that either has it is."""
    keys = [_distinct(*side) for side in (first, second)]
    both = np.intersect1d(*keys, assume_unique=True)
    yield both["hash"] ^ _SIDES[_BOTH], both["text"]
    shared, *all_of = (np.bincount(one["text"], minlength=count) for one in (both, *keys))
    either = np.maximum(all_of[0] + all_of[1] - shared, 1)
    step = (_STEPS * shared // either).astype(np.uint64)
    named = (step + np.uint64(1 + size * (_STEPS + 1))) * _ORDER
    yield _spread(named) ^ _SIDES[_SHARE], np.arange(count, dtype=np.int32)


def _distinct(hashes: NDArray[np.uint64], texts: NDArray[np.int32]) -> NDArray:
    pairs = np.empty(len(hashes), np.dtype([("text", np.int32), ("hash", np.uint64)]))
    pairs["text"], pairs["hash"] = texts, hashes
    return np.unique(pairs)
