"""Examples to batches: shuffled by (seed, epoch) to learn from, or by length to be asked.

As with shards, the position of a run is seed, epoch and batch: any batch can be the first.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.kernels.plan import batch_borders
from tokpipe.batches.plan import Plan, plan_epoch
from tokpipe.finetuning.examples import Examples
from tokpipe.foundation.arrays import gather_ranges
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.threads import map_ordered


class ExampleLoader:
    """Batches of windows, packed without padding.

    Parameters
    ----------
    examples
        The windows.
    config
        How much a batch holds, and in how many classes of length windows are drawn.
    seed
        Of the order.
    name
        What messages call it.
    in_order
        Whether every epoch is the longest window first, to be asked, and not shuffled.

    Attributes
    ----------
    rows : int
        How many windows there are.
    """

    def __init__(
        self,
        examples: Examples,
        config: BatchConfig,
        seed: int,
        name: str = "train",
        *,
        in_order: bool = False,
    ) -> None:
        self.examples, self.config, self.seed, self.name = examples, config, seed, name
        self.in_order, self.rows = in_order, len(examples)
        self._lengths = examples.lengths
        self._tags = _TagTable(examples, in_order) if examples.tag_positions is not None else None
        self._plan: tuple[int, Plan] | None = None

    def plan(self, epoch: int) -> Plan:
        """Return which windows make the batches of an epoch; the last one asked for is kept."""
        if self._plan is None or self._plan[0] != epoch:
            self._plan = epoch, self._planned(epoch)
        return self._plan[1]

    def count(self, epoch: int) -> int:
        """Return how many batches an epoch has; with a budget of tokens, the order decides."""
        return len(self.plan(epoch))

    def batches(self, epoch: int, start: int = 0, threads: int | None = None) -> Iterator[Batch]:
        """Yield the batches of an epoch in order, made ahead in the background.

        Batch ``n`` holds the windows ``plan(epoch).rows_of(n)``, in that order.

        Parameters
        ----------
        epoch
            From 0; each has its own order.
        start
            The first batch wanted.
        threads
            How many make batches, or None for one a usable processor; they are the same for any.
        """
        plan = self.plan(epoch)
        windows = (plan.rows_of(number) for number in range(start, len(plan)))
        return map_ordered(self.pack, windows, threads)

    def pack(self, windows: NDArray[np.integer]) -> Batch:
        """Copy some windows, in any order, into a batch."""
        examples = self.examples
        index, offsets = gather_ranges(examples.offsets, windows)
        kinds = examples.token_type_ids
        positions, tags = (None, None) if self._tags is None else self._tags.of(windows, offsets)
        return Batch(
            input_ids=examples.input_ids[index],
            offsets=offsets.astype(np.int32),
            token_type_ids=None if kinds is None else kinds[index].astype(np.int32),
            labels=None if examples.labels is None else examples.labels[windows],
            tag_positions=positions,
            tags=tags,
            answer_spans=_of(examples.answer_spans, windows),
            rows=np.stack([np.zeros(len(windows), np.int64), examples.row[windows]], axis=1),
        )

    def _planned(self, epoch: int) -> Plan:
        if not self.in_order:
            return plan_epoch(self._lengths, self.config, self.seed, epoch, apart=False)
        order = np.argsort(-self._lengths, kind="stable")
        most_rows = self.config.batch_size or len(order) + 1
        ends = np.array([0, len(order)])
        borders = batch_borders(self._lengths, order, ends, self.config.batch_tokens, most_rows)
        return Plan(order, borders, np.arange(len(borders) - 1))


class _TagTable:
    """Positions of tags, by window.

    A word without a tag teaches nothing, but it is asked: batches to learn from leave it out, and
    batches in order come without any tags where there is such a word.
    """

    def __init__(self, examples: Examples, in_order: bool) -> None:
        assert examples.tag_positions is not None
        self._offsets, positions, tags = examples.offsets, examples.tag_positions, examples.tags
        if tags is not None and (tags < 0).any():
            known = tags >= 0
            positions, tags = (positions, None) if in_order else (positions[known], tags[known])
        self._positions, self._tags = positions, tags
        self._borders = np.searchsorted(positions, examples.offsets)

    def of(
        self, windows: NDArray[np.integer], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
        """Return positions in, and tags of, a batch of windows that begin at `offsets`."""
        index, borders = gather_ranges(self._borders, windows)
        moved = np.repeat(offsets[:-1] - self._offsets[windows], np.diff(borders))
        return (self._positions[index] + moved).astype(np.int32), _of(self._tags, index)


def _of(values: NDArray | None, index: NDArray[np.integer]) -> NDArray | None:
    return None if values is None else values[index]
