"""Rows that are longer than a model takes, as windows: which tokens of a row stand in each.

Where windows begin depends on lengths alone, never on labels: at prediction there are none, and
what is measured must be what will be used.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.config import WindowConfig
from tokpipe.foundation.arrays import range_items
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.sizes import plural
from tokpipe.tokenizer.spec import Piece

_USUAL_STRIDE = 128  # tokens, of windows of 384: SQuAD's, since BERT's own script
_LEAST_SHARE = 3  # of a short window: a third, as of those


class Windows(NamedTuple):
    """Which tokens of its row each of E windows holds."""

    row: NDArray[np.int64]  # int64[E]: ascending; every row has one window at least
    # `starts`, `ends`: int64[E]: counted from the row's first token
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def room_beside(
    pieces: tuple[Piece, ...], config: WindowConfig, longest: int | None, least: int = 1
) -> int:
    """Return how many tokens of text a window holds beside the special ones of a template.

    Parameters
    ----------
    longest
        How many tokens the model takes; None: any number.
    least
        How many there must be.

    Raises
    ------
    ConfigError
        If there are fewer.
    """
    limit = config.max_seq_length if longest is None else min(config.max_seq_length, longest)
    added = sum(len(piece.ids) for piece in pieces)
    if limit - added < least:
        raise ConfigError(
            f"max_seq_length={limit} leaves room for {plural(max(limit - added, 0), 'token')} of "
            f"text beside {added} special ones; at least {least} needed"
        )
    return limit - added


def grid(
    lengths: NDArray[np.integer], rooms: NDArray[np.integer], stride: int | None = None
) -> Windows:
    """Cut rows into windows that share `stride` tokens; the last holds what is left.

    Parameters
    ----------
    lengths, rooms : int[R]
        Tokens of each row, and how many of them a window of it holds, at least one.
    stride
        None for the usual.

    Raises
    ------
    ConfigError
        If windows of a row that needs several cannot share so many.

    Examples
    --------
    >>> [part.tolist() for part in grid(np.array([3, 7]), np.array([4, 4]), 2)]
    [[0, 1, 1, 1], [0, 0, 2, 4], [3, 4, 6, 7]]
    """
    lengths, rooms = lengths.astype(np.int64), rooms.astype(np.int64)
    usual = np.minimum(_USUAL_STRIDE, rooms // _LEAST_SHARE)
    strides = usual if stride is None else np.full(len(rooms), stride)
    is_long = lengths > rooms
    if (is_long & (strides >= rooms)).any():
        room = int(rooms[is_long].min())
        raise ConfigError(
            f"stride={stride}: windows of {plural(room, 'token')} of text share fewer",
            hint=f"Use a stride below {room}, or a greater max_seq_length.",
        )
    steps = np.where(is_long, rooms - strides, 1)
    counts = 1 + -(-np.maximum(lengths - rooms, 0) // steps)
    row = np.repeat(np.arange(len(lengths)), counts)
    starts = range_items(np.zeros_like(counts), counts) * steps[row]
    return Windows(row, starts, np.minimum(starts + rooms[row], lengths[row]))


def several(row: NDArray[np.int64]) -> int:
    """Return how many rows have more than one window, of the row of each (ascending)."""
    again = np.diff(row) == 0
    return int(again.sum() - (again[1:] & again[:-1]).sum())
