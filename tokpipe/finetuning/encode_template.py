"""Windows of one text or two, put between the special tokens of the tokenizer's own template."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import range_items
from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.spec import Piece, Template

_AT_ONCE = 1 << 20  # tokens whose places are held at a time, 16 bytes each


class Column(NamedTuple):
    """The first or the second texts of E windows: ``ids[starts[e]:ends[e]]``."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class Packed(NamedTuple):
    """Windows end to end."""

    input_ids: NDArray[np.int32]  # int32[T]
    offsets: NDArray[np.int64]  # int64[E + 1]
    token_type_ids: NDArray[np.uint8] | None  # uint8[T]: none: all 0
    # tuple of int64[E]: of each column: where in a window its tokens begin
    places: tuple[NDArray[np.int64], ...]


def pieces_of(template: Template, texts: int) -> tuple[Piece, ...]:
    """Return what a window of one text or two is made of.

    Raises
    ------
    ConfigError
        If a text does not stand in it once.
    """
    pieces = template.single if texts == 1 else template.pair
    if sorted(piece.sequence for piece in pieces if piece.sequence) != ["A", "B"][:texts]:
        what = "the text" if texts == 1 else "each of two texts"
        raise ConfigError(
            f"the tokenizer's template has not one place for {what}",
            hint="Mend the post_processor of its tokenizer.json.",
        )
    return pieces


def pack(columns: tuple[Column, ...], pieces: tuple[Piece, ...]) -> Packed:
    """Put special tokens around windows.

    Parameters
    ----------
    columns
        Of the first texts, and of the second where there are two.
    pieces
        See `pieces_of`.
    """
    sizes = [column.ends - column.starts for column in columns]
    added = sum(len(piece.ids) for piece in pieces)
    offsets = np.concatenate([[0], np.cumsum(sum(sizes) + added)]).astype(np.int64)
    input_ids = np.empty(offsets[-1], np.int32)
    has_types = any(piece.type_id for piece in pieces)
    types = np.zeros(offsets[-1], np.uint8) if has_types else None
    places = [np.zeros(0, np.int64)] * len(columns)
    at = np.zeros(len(offsets) - 1, np.int64)
    for piece in pieces:
        if not piece.sequence:
            for id in piece.ids:
                _fill(input_ids, types, piece, offsets[:-1] + at, id)
                at += 1
            continue
        number = "AB".index(piece.sequence)
        column, places[number] = columns[number], at.copy()
        for part in _parts(sizes[number]):
            held = sizes[number][part]
            found = column.ids[range_items(column.starts[part], held)]
            _fill(input_ids, types, piece, range_items((offsets[:-1] + at)[part], held), found)
        at += sizes[number]
    return Packed(input_ids, offsets, types, tuple(places))


def _fill(
    ids: NDArray[np.int32],
    types: NDArray[np.uint8] | None,
    piece: Piece,
    index: NDArray[np.int64],
    found: NDArray[np.int32] | int,
) -> None:
    ids[index] = found
    if types is not None and piece.type_id:
        types[index] = piece.type_id


def _parts(sizes: NDArray[np.int64]) -> Iterator[slice]:
    """Yield runs of windows of about `_AT_ONCE` tokens."""
    sums = np.cumsum(sizes)
    first = 0
    while first < len(sums):
        before = sums[first - 1] if first else 0
        last = max(int(np.searchsorted(sums, before + _AT_ONCE, side="right")), first + 1)
        yield slice(first, last)
        first = last
