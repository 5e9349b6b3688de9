"""Texts, and pairs of texts, to windows with their labels.

References
----------
C. Sun, X. Qiu, Y. Xu, X. Huang: How to Fine-Tune BERT for Text Classification?, CCL 2019, sec. 5.3:
128 tokens of a text's head and 382 of its tail.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_template import Column, pack, pieces_of
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.windows import Windows, grid, room_beside, several
from tokpipe.foundation.arrays import range_items
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.records import NO_LABEL, LabelledTexts, place_of
from tokpipe.tokenizer.blocks import join_ids
from tokpipe.tokenizer.spec import Truncation
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.truncation import kept_lengths

_HEAD = 4  # of what is kept, a quarter is head: 128 of 510


class _Lists(NamedTuple):
    """Tokens of R texts: text r is ``ids[borders[r]:borders[r + 1]]``."""

    ids: NDArray[np.int32]
    borders: NDArray[np.int64]


def encode_texts(
    data: LabelledTexts,
    tokenizer: Tokenizer,
    config: WindowConfig,
    longest: int | None,
    threads: int | None = None,
) -> Examples:
    """Encode texts or pairs; of a pair that is too long, the longer text is cut first.

    With ``long_texts="mean"``, windows run over the text that would be cut, or the second of two
    that both would be.

    Parameters
    ----------
    data
        R rows.
    tokenizer
        Its template is put around each.
    config, longest
        How many tokens there may be, see `windows.room_beside`.
    threads
        How many, or None for one a processor; the examples do not depend on it.

    Raises
    ------
    ConfigError
        If the settings leave no room for text.
    InputError
        If a row has no token, special ones included.
    """
    pieces = pieces_of(tokenizer.spec.template, len(data.texts))
    room = room_beside(pieces, config, longest, least=len(data.texts))
    lists = [
        _Lists(*join_ids(tokenizer.encode_strings(column, threads=threads), threads=threads))
        for column in data.texts
    ]
    sizes = [np.diff(column.borders) for column in lists]
    kept = _kept(sizes, room)
    is_cut = [held < size for held, size in zip(kept, sizes, strict=True)]
    if config.long_texts == "head-tail":
        lists = [_heads_and_tails(*each) for each in zip(lists, kept, is_cut, strict=True)]
    row = np.arange(len(data))
    columns = [
        Column(column.ids, column.borders[:-1], column.borders[:-1] + held)
        for column, held in zip(lists, kept, strict=True)
    ]
    if config.long_texts == "mean":
        row, columns, is_cut = _windows(lists, kept, is_cut, config.stride)
    packed = pack(tuple(columns), pieces)
    _check_empty(packed.offsets, data)
    return Examples(
        input_ids=packed.input_ids,
        offsets=packed.offsets,
        token_type_ids=packed.token_type_ids,
        row=row,
        rows=len(data),
        labels=_labels(data.labels, row),
        windowed=several(row),
        cut=int(np.logical_or.reduce(is_cut).sum()),
    )


def _kept(sizes: list[NDArray[np.int64]], room: int) -> list[NDArray[np.int64]]:
    """Return how many tokens of each text are read at once."""
    if len(sizes) == 1:
        return [np.minimum(sizes[0], room)]
    kept, cut = np.stack(sizes), Truncation(room)
    for row in np.flatnonzero(kept.sum(axis=0) > room).tolist():
        kept[:, row] = kept_lengths(tuple(kept[:, row].tolist()), cut, room)
    return list(kept)


def _heads_and_tails(column: _Lists, kept: NDArray[np.int64], is_cut: NDArray[np.bool_]) -> _Lists:
    """Leave the middle of texts that are cut out."""
    if not is_cut.any():
        return column
    heads = np.where(is_cut, kept // _HEAD, kept)
    sizes = np.stack([heads, kept - heads], axis=1)
    starts = np.stack([column.borders[:-1], column.borders[1:] - sizes[:, 1]], axis=1)
    ids = column.ids[range_items(starts.ravel(), sizes.ravel())]
    return _Lists(ids, np.concatenate([[0], np.cumsum(kept)]))


def _windows(
    lists: list[_Lists],
    kept: list[NDArray[np.int64]],
    is_cut: list[NDArray[np.bool_]],
    stride: int | None,
) -> tuple[NDArray[np.int64], list[Column], list[NDArray[np.bool_]]]:
    """Let windows run over the last text of each row that is cut; return which are cut still."""
    moves = [is_cut[0] & ~is_cut[1], is_cut[1]] if len(lists) == 2 else is_cut
    sizes = [np.diff(column.borders) for column in lists]
    lengths, rooms = (np.select(moves, each, 0) for each in (sizes, kept))
    windows: Windows = grid(lengths, np.maximum(rooms, 1), stride)
    row, columns = windows.row, []
    for column, held, moved in zip(lists, kept, moves, strict=True):
        begins = column.borders[:-1][row]
        starts = np.where(moved[row], windows.starts, 0)
        ends = np.where(moved[row], windows.ends, held[row])
        columns.append(Column(column.ids, begins + starts, begins + ends))
    return row, columns, [cut & ~moved for cut, moved in zip(is_cut, moves, strict=True)]


def _labels(labels: NDArray, row: NDArray[np.int64]) -> NDArray | None:
    """Return the labels of windows; None where no row has any."""
    if labels.ndim == 2:
        return labels[row].astype(np.float32) if labels.shape[1] else None
    has_none = np.isnan(labels) if labels.dtype.kind == "f" else labels == NO_LABEL
    if len(labels) and has_none.all():
        return None
    return labels[row].astype(np.float32 if labels.dtype.kind == "f" else np.int32)


def _check_empty(offsets: NDArray[np.int64], data: LabelledTexts) -> None:
    empty = np.flatnonzero(np.diff(offsets) == 0)
    if len(empty):
        place = place_of(data.source, int(data.lines[empty[0]]))
        raise InputError(
            f"{place}: the text has no token, and this tokenizer puts none around it",
            hint="Leave such rows out, or give the tokenizer a template with [CLS].",
        )
