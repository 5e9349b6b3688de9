"""Texts to tokens, and the bytes of its text that each stands for: what an answer is cut out by."""

import unicodedata
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.threads import map_ordered
from tokpipe.tokenizer.blocks import BLOCK_BYTES, text_blocks
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.tokens import TokenEncoder
from tokpipe.tokenizer.truncation import NO_LIMIT

_SPACES = np.isin(np.arange(256), [*b" \t\n\v\f\r"])
_FIRST_MARK = 0xCC  # U+0300 begins with it in UTF-8


class LocatedTokens(NamedTuple):
    """The tokens of T texts, K together."""

    ids: NDArray[np.int32]  # int32[K]
    # int64[T + 1]: text ``t`` has the tokens ``borders[t]`` to ``borders[t + 1]``
    borders: NDArray[np.int64]
    # int32[K, 2]: first byte and byte behind, counted in its text; whole characters. Pieces of one
    # character have the same. Marks that normalisation strips belong to the token in front of them;
    # white space, with which tokens of byte-level vocabularies begin, is left out, so that a token
    # of white space alone is of no bytes
    spans: NDArray[np.int32]


_NOTHING = LocatedTokens(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros((0, 2), np.int32))


def encode_located(
    tokenizer: Tokenizer, texts: Strings, threads: int | None = None
) -> LocatedTokens:
    """Encode texts, without special tokens, with the place of each token.

    Parameters
    ----------
    texts
        Valid UTF-8.
    threads
        How many, or None for one a processor; the tokens do not depend on it.
    """
    encoder = TokenEncoder(tokenizer.spec, tokenizer.engine) if tokenizer.is_native else None

    def encode(block: tuple[int, int]) -> LocatedTokens:
        first, last = block
        start = int(texts.offsets[first])
        part = Strings(texts.data[start:], texts.offsets[first : last + 1] - start)
        if encoder is None:
            return _in_bytes(part, *_by_library(tokenizer, part))
        found = encoder.encode(part)
        return _in_bytes(part, found.ids, found.borders, found.starts, found.ends)

    parts = [_NOTHING, *map_ordered(encode, text_blocks(texts.offsets, BLOCK_BYTES), threads)]
    before = np.cumsum([0, *(len(part.ids) for part in parts)])
    borders = [part.borders[1:] + first for part, first in zip(parts, before[:-1], strict=True)]
    return LocatedTokens(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([[0], *borders]),
        np.concatenate([part.spans for part in parts]),
    )


def _by_library(tokenizer: Tokenizer, texts: Strings) -> tuple[NDArray, ...]:
    """Return ids, borders, and first and last characters of tokens that are not ours to make."""
    found = tokenizer.encode_batch(
        [text.decode() for text in texts.iter_bytes()],
        add_special_tokens=False,
        max_length=NO_LIMIT,
        padding=False,
    )
    borders = np.cumsum([0, *map(len, found)])
    ids = np.array([id for encoding in found for id in encoding.ids], np.int32)
    spans = np.array([span for encoding in found for span in encoding.offsets], np.int64)
    return ids, borders, *spans.reshape(-1, 2).T


def _in_bytes(
    texts: Strings,
    ids: NDArray[np.int32],
    borders: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> LocatedTokens:
    """Turn characters into bytes, both counted in their text."""
    size = int(texts.offsets[-1])
    begins = np.append(np.flatnonzero(texts.data[:size] & 0xC0 != 0x80), size)
    sizes = np.diff(borders)
    first = np.repeat(np.searchsorted(begins, texts.offsets[:-1]), sizes)
    starts, ends = begins[starts + first], begins[ends + first]
    _take_marks(texts.data, starts, ends, np.repeat(texts.offsets[1:], sizes))
    _leave_spaces(texts.data, starts, ends)
    spans = np.stack([starts, ends], axis=1) - np.repeat(texts.offsets[:-1], sizes)[:, None]
    return LocatedTokens(ids, borders, spans.astype(np.int32))


def _take_marks(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    text_ends: NDArray[np.int64],
) -> None:
    """Move `ends` behind combining marks that no token stands for: an accent is no text alone.

    Between tokens is mostly a space, so that next to nothing is looked at.
    """
    next_starts = np.minimum(np.append(starts[1:], np.iinfo(np.int64).max), text_ends)
    gaps = np.flatnonzero((ends < next_starts) & (data[ends] >= _FIRST_MARK))
    for token in gaps.tolist():
        for char in data[ends[token] : next_starts[token]].tobytes().decode():
            if unicodedata.category(char)[0] != "M":
                break
            ends[token] += len(char.encode())


def _leave_spaces(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> None:
    """Move `starts` and `ends` over the white space inside of them."""
    for edges, step, ahead in ((starts, 1, 0), (ends, -1, -1)):
        moving = np.arange(len(starts))
        while len(moving):
            moving = moving[starts[moving] < ends[moving]]
            moving = moving[_SPACES[data[edges[moving] + ahead]]]
            edges[moving] += step
