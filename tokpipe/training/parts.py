"""Batches in order over the epochs, and a batch dealt to the parts that threads work on."""

from collections.abc import Iterator, Sequence
from heapq import heapreplace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import gather_ranges
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import InputError
from tokpipe.training.progress import Position
from tokpipe.training.source import BatchSource


def batches_from(
    source: BatchSource, start: Position, threads: int | None = None
) -> Iterator[tuple[Batch, Position]]:
    """Yield batches without end, each with the position behind it.

    Raises
    ------
    InputError
        If the split holds no rows.
    """
    first = start.batch
    for epoch in count(start.epoch):
        batches = source.count(epoch)
        if not batches:
            raise InputError(f"the {source.name} split holds no examples")
        for number, batch in enumerate(source.batches(epoch, first, threads), first + 1):
            ended = number == batches
            behind = (epoch + 1, 0) if ended else (epoch, number)
            yield batch, Position(*behind, start.phase)
        first = 0


def split_batch(batch: Batch, parts: int, own: Sequence[int] | None = None) -> list[Batch]:
    """Deal the sequences of a batch to parts of about as many tokens.

    The longest sequence first, each to the part that has the fewest tokens so far: a step takes
    as long as its largest part. Of two parts of 2,048 tokens the larger is 1 % above the mean so;
    one cut between two sequences, which was tried, leaves 7 %.

    Parameters
    ----------
    batch
        At least one sequence; or those of a larger batch that are in the parts wanted.
    parts
        How many; fewer come out if there are fewer sequences.
    own
        Numbers of those wanted, in a row; None: all.

    Returns
    -------
    list of Batch
        The parts, sequences in the order of the batch; they follow from the batch alone.
    """
    own = range(parts) if own is None else own
    lengths = np.diff(batch.offsets) if batch.whole is None else batch.whole
    dealt, has = dealt_rows(lengths, parts), rows_here(batch, parts, own)
    wanted = dealt[own[0] : own[-1] + 1]
    return [select_rows(batch, np.searchsorted(has, rows)) for rows in wanted]


def dealt_rows(lengths: NDArray[np.integer], parts: int) -> list[NDArray[np.int64]]:
    """Return which sequences, of so many tokens each, every part of a batch has, ascending."""
    heap = [(0, part) for part in range(parts)]
    dealt: list[list[int]] = [[] for _ in range(parts)]
    for row in np.argsort(-lengths, kind="stable").tolist():
        tokens, part = heap[0]
        dealt[part].append(row)
        heapreplace(heap, (tokens + int(lengths[row]), part))
    return [np.sort(np.array(rows, np.int64)) for rows in dealt if rows]


def own_rows(lengths: NDArray[np.integer], parts: int, own: Sequence[int]) -> NDArray[np.int64]:
    """Return which sequences of a batch are in some of its parts, ascending."""
    dealt = dealt_rows(lengths, parts)
    return np.sort(np.concatenate([np.zeros(0, np.int64), *(dealt[own[0] : own[-1] + 1])]))


def rows_here(batch: Batch, parts: int, own: Sequence[int]) -> NDArray[np.int64]:
    """Return which sequences of the whole batch are in this one: all, or those of some parts."""
    return np.arange(len(batch)) if batch.whole is None else own_rows(batch.whole, parts, own)


def select_rows(batch: Batch, rows: NDArray[np.integer]) -> Batch:
    """Return some sequences of a batch, in ascending order, as a batch of their own."""
    index, offsets = gather_ranges(batch.offsets, rows)
    masked_positions, masked = _places(batch, batch.masked_positions, rows, offsets)
    tag_positions, tagged = _places(batch, batch.tag_positions, rows, offsets)
    looked = _looked_at(batch, rows, index, masked, tagged)
    return Batch(
        input_ids=batch.input_ids[index],
        offsets=offsets.astype(np.int32),
        token_type_ids=_at(batch.token_type_ids, index),
        masked_positions=masked_positions,
        masked_ids=_at(batch.masked_ids, masked),
        next_sentence_label=_at(batch.next_sentence_label, rows),
        rows=_at(batch.rows, rows),
        labels=_at(batch.labels, rows),
        tag_positions=tag_positions,
        tags=_at(batch.tags, tagged),
        answer_spans=_at(batch.answer_spans, rows),
        soft_targets=_at(batch.soft_targets, looked),
        hidden_targets=_at(batch.hidden_targets, looked),
        relation_targets=_at(batch.relation_targets, index),
    )


def _looked_at(
    batch: Batch,
    rows: NDArray[np.integer],
    tokens: NDArray[np.int64],
    masked: NDArray[np.int64],
    tagged: NDArray[np.int64],
) -> NDArray[np.integer]:
    """Return which of the places that a teacher was asked about are in some sequences."""
    if batch.tag_positions is not None:
        return tagged
    if batch.answer_spans is not None:
        return tokens
    return masked if batch.labels is None and batch.masked_positions is not None else rows


def _places(
    batch: Batch,
    positions: NDArray[np.int32] | None,
    rows: NDArray[np.integer],
    offsets: NDArray[np.integer],
) -> tuple[NDArray[np.int32] | None, NDArray[np.int64]]:
    """Return the places in some sequences, packed anew, and which of all places they are."""
    if positions is None:
        return None, np.zeros(0, np.int64)
    borders = np.searchsorted(positions, batch.offsets)
    chosen, of_row = gather_ranges(borders, rows)
    shift = np.repeat(offsets[:-1] - batch.offsets[rows], np.diff(of_row))
    return (positions[chosen] + shift).astype(np.int32), chosen


def _at(values: NDArray | None, index: NDArray[np.integer]) -> NDArray | None:
    return None if values is None else values[index]
