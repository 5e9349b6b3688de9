"""What an epoch is made of: order, batches and mask keys, pure functions of seed and epoch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.kernels.plan import batch_borders
from tokpipe.foundation.seeds import child_keys, random_order, stream_key


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The batches of one epoch."""

    order: NDArray[np.int64]  # int64[R]: all rows of the split, shuffled
    borders: NDArray[np.int64]  # int64[N + 1]: which of them stand together
    # int64[N]: in which order the batches come: batch n is
    # ``order[borders[sequence[n]]:borders[sequence[n] + 1]]``
    sequence: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sequence)

    def rows_of(self, batch: int) -> NDArray[np.int64]:
        """Return int64[B]: the rows of a batch."""
        at = self.sequence[batch]
        return self.order[self.borders[at] : self.borders[at + 1]]


def plan_epoch(
    lengths: NDArray[np.int32], config: BatchConfig, seed: int, epoch: int, *, apart: bool = True
) -> Plan:
    """Shuffle the rows of a split, so many tokens (int32[R]) each, and fill batches with them.

    The order depends on seed and epoch. Classes of length stand `apart`, each with a last batch
    that is not full; or else what is left of one begins a batch of the next longer one, and there
    are as many batches as without classes.

    Examples
    --------
    >>> plan = plan_epoch(np.full(10, 50, np.int32), BatchConfig(batch_tokens=200), 1, 0)
    >>> np.diff(plan.borders).tolist(), sorted(plan.order.tolist()) == list(range(10))
    ([4, 4, 2], True)
    """
    order = random_order(stream_key(seed, "order", epoch), len(lengths))
    groups = np.array([0, len(order)])
    if config.bins > 1:
        order, classes = _by_length(lengths, order, config.bins)
        groups = classes if apart else groups
    most_rows = config.batch_size or len(order) + 1
    borders = batch_borders(lengths, order, groups, config.batch_tokens, most_rows)
    count = len(borders) - 1
    if config.bins == 1:
        return Plan(order, borders, np.arange(count))
    return Plan(order, borders, random_order(stream_key(seed, "batches", epoch), count))


def mask_keys(seed: int, epoch: int, places: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the keys (uint64[B]) of dynamic masks in an epoch of a run.

    A row's depends on where it is stored: its shard, and the row in the shard, int64[B, 2].
    """
    start = np.full(len(places), stream_key(seed, "mask", epoch), np.uint64)
    shards, rows = np.ascontiguousarray(places.T)
    return child_keys(child_keys(start, shards), rows)


def _by_length(
    lengths: NDArray[np.int32], order: NDArray[np.int64], bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Gather rows of like length, in bins of about as many rows, the order kept within each."""
    edges = np.quantile(lengths, np.arange(1, bins) / bins) if len(lengths) else np.zeros(0)
    bin_of = np.searchsorted(edges, lengths[order], side="left").astype(np.uint8)
    counts = np.bincount(bin_of, minlength=bins)
    return order[np.argsort(bin_of, kind="stable")], np.concatenate([[0], np.cumsum(counts)])
