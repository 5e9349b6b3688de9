"""Batches in order over the epochs, and a batch cut into the parts that threads work on."""

from collections.abc import Iterator
from itertools import count, pairwise
from typing import NamedTuple

import numpy as np

from tokpipe.batches.batch import Batch
from tokpipe.batches.loader import Loader
from tokpipe.bert.inputs import PackedInput
from tokpipe.foundation.errors import InputError


class Position(NamedTuple):
    """Where training stands in its data: the next batch."""

    epoch: int = 0
    batch: int = 0


def batches_from(
    loader: Loader, start: Position, threads: int | None = None
) -> Iterator[tuple[Batch, Position]]:
    """Yield batches without end, each with the position behind it.

    Raises
    ------
    InputError
        If the split holds no rows.
    """
    first = start.batch
    for epoch in count(start.epoch):
        batches = loader.count(epoch)
        if not batches:
            raise InputError(f"the {loader.split.name} split holds no examples")
        for number, batch in enumerate(loader.batches(epoch, first, threads), first + 1):
            ended = number == batches
            yield batch, Position(epoch + 1, 0) if ended else Position(epoch, number)
        first = 0


def cut(batch: Batch, parts: int) -> list[PackedInput]:
    """Cut a batch into parts of about as many tokens, between its sequences.

    Parameters
    ----------
    batch
        At least one sequence.
    parts
        How many; fewer come out if there are fewer sequences.

    Returns
    -------
    list of PackedInput
        Views of the batch, in order; it follows from the batch alone.
    """
    offsets = batch.offsets
    wanted = np.arange(1, parts) * (int(offsets[-1]) / parts)
    borders = [0, *np.searchsorted(offsets, wanted).tolist(), len(batch)]
    return [_part(batch, first, last) for first, last in pairwise(borders) if first < last]


def _part(batch: Batch, first: int, last: int) -> PackedInput:
    begin, end = int(batch.offsets[first]), int(batch.offsets[last])
    masked = slice(*np.searchsorted(batch.masked_positions, (begin, end)).tolist())
    labels = batch.next_sentence_label
    return PackedInput(
        input_ids=batch.input_ids[begin:end],
        offsets=batch.offsets[first : last + 1] - begin,
        token_type_ids=batch.token_type_ids[begin:end],
        masked_positions=batch.masked_positions[masked] - begin,
        masked_ids=batch.masked_ids[masked],
        next_sentence_label=None if labels is None else labels[first:last],
    )
