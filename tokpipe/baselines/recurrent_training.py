"""How a bidirectional LSTM learns: batches, shards, AdamW, and the best epoch kept.

A batch is cut into as many shards as there are, whatever the threads: weights do not depend on
them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.method import WORST
from tokpipe.baselines.packing import Packed, pack
from tokpipe.baselines.recurrent import Net, backward, forward
from tokpipe.batches.kernels.plan import batch_borders
from tokpipe.bert.blas import use_one_thread
from tokpipe.bert.kernels import losses
from tokpipe.bert.parameters import Tensors
from tokpipe.bert.twins import by_precision
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.seeds import child_key_reference, random_order, stream_key
from tokpipe.foundation.threads import Feed, map_ordered, run_in_threads
from tokpipe.training.config import TrainingConfig
from tokpipe.training.optimizer import Optimizer
from tokpipe.training.schedule import Schedule

Array = NDArray[np.floating]

SHARDS = 2
BATCH_ITEMS = 8192  # at most, but for one sequence that has more
_ROWS_IN_ALL = 100_000
_LEAST_STEPS = 64  # in an epoch, but for batches of less than 4 rows
_POOL = 32  # batches that are drawn together, so that their rows can be of like lengths
_cross_entropy = by_precision(losses.cross_entropy)
_binary_cross_entropy = by_precision(losses.binary_cross_entropy)


class Inputs(Protocol):
    """What the network reads of each item."""

    def read(self, tensors: Tensors, items: NDArray[np.int64], key: int | None) -> Array:
        """Return the inputs (float32[T, width]) of items; a key draws what is left out."""
        ...

    def learn(
        self, gradient: Array, tensors: Tensors, items: NDArray[np.int64], key: int, into: Tensors
    ) -> None:
        """Add the gradients of the tensors that inputs are made of."""
        ...


@dataclass(frozen=True, eq=False)
class Material:
    """What is read: N items in sequences, of words, or of R rows of one or two texts."""

    inputs: Inputs
    borders: NDArray[np.int64]  # int64[S + 1]: the sequences; of texts all first ones come first
    texts: int  # texts a row; 0: of words

    @property
    def rows(self) -> int:
        """How many there are: sentences, or texts, or pairs of them."""
        return (len(self.borders) - 1) // max(self.texts, 1)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Items of each row."""
        return np.diff(self.borders).reshape(max(self.texts, 1), -1).sum(0).astype(np.int32)

    def packed(self, rows: NDArray[np.int64]) -> Packed:
        """Pack the sequences of some rows."""
        asked = [rows + side * self.rows for side in range(max(self.texts, 1))]
        return pack(self.borders, np.concatenate(asked))


class Pace(NamedTuple):
    """How a training goes."""

    epochs: int
    batch_size: int  # rows
    training: TrainingConfig


def epochs_for(rows: int) -> int:
    """Return how often to go through so many rows."""
    return min(max(_ROWS_IN_ALL // max(rows, 1), 5), 20)


def batch_for(rows: int) -> int:
    """Return how many rows a step takes: few rows must not come to few steps."""
    return min(max(rows // _LEAST_STEPS, 4), 32)


def gradients_of(  # noqa: PLR0913 - a network, what it reads, what is wanted, and where to
    net: Net,
    tensors: Tensors,
    material: Material,
    targets: NDArray,
    rows: NDArray[np.int64],
    share: float,
    key: int,
    into: Tensors,
) -> float:
    """Add the gradients of the loss of some rows; return the sum of their losses.

    Parameters
    ----------
    targets : int32[N], int32[R] or float32[R, C]
        Of items, or of rows: a class, or each of several.
    share
        What each item or row counts.
    key
        Of what is dropped.
    """
    packed = material.packed(rows)
    x = material.inputs.read(tensors, packed.items, key)
    outputs, tape = forward(net, tensors.views, x, packed, key)
    wanted, bias = targets[rows if net.texts else packed.items], into.views["output.bias"]
    if targets.ndim == 1:
        loss, _ = _cross_entropy(outputs, wanted, share, bias, outputs)
    else:
        loss = _binary_cross_entropy(outputs, wanted, share, bias)
    d_x = backward(net, tensors.views, packed, tape, outputs, into.views)
    material.inputs.learn(d_x, tensors, packed.items, key, into)
    return loss


def outputs_of(
    net: Net,
    tensors: Tensors,
    material: Material,
    threads: int | None = None,
    *,
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Return the outputs of all items (float32[N, C]), or of all rows (float32[R, C]).

    Only those of some `rows` are computed if they are named; the others are 0.
    """
    use_one_thread()
    count = material.rows if net.texts else int(material.borders[-1])
    out = np.zeros((count, net.outputs), np.float32)
    asked = np.arange(material.rows) if rows is None else rows
    order = asked[np.argsort(material.lengths[asked], kind="stable")]

    def of_batch(rows: NDArray[np.int64]) -> None:
        packed = material.packed(rows)
        x = material.inputs.read(tensors, packed.items, None)
        out[rows if net.texts else packed.items] = forward(net, tensors.views, x, packed)[0]

    for _ in map_ordered(of_batch, _batches(material.lengths, order, 128), threads):
        pass
    return out


def train(  # noqa: PLR0913 - a network, what it learns from, how, and what is best
    net: Net,
    tensors: Tensors,
    material: Material,
    targets: NDArray,
    judge: Callable[[Tensors], tuple[float, float]],
    pace: Pace,
    *,
    rows: NDArray[np.int64] | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Mapping[str, float]:
    """Learn, and leave the tensors as they were after the epoch that is judged best.

    Parameters
    ----------
    tensors
        Changed in place.
    targets
        See `gradients_of`.
    judge
        How good the tensors are.
    rows
        Which are learned from; None: all.
    seed
        Of order and what is dropped.

    Returns
    -------
    Mapping
        "epoch": the best one; 0 where none gave finite numbers.
    """
    use_one_thread()
    asked = np.arange(material.rows) if rows is None else rows
    shards = [tensors.zeros_like() for _ in range(SHARDS)]
    optimizer = Optimizer(pace.training, tensors, shards, threads)
    plans = [_plan(material, asked, pace, seed, epoch) for epoch in range(pace.epochs)]
    schedule = Schedule(pace.training, sum(map(len, plans)))
    best, kept, epoch = WORST, None, 0
    with progress.task("learning", pace.epochs * len(asked), "rows") as advance:
        for number, plan in enumerate(plans, 1):
            for batch in plan:
                key = stream_key(seed, "dropout", optimizer.steps)
                parts = [batch[shard::SHARDS] for shard in range(SHARDS)]
                share = 1 / max(len(batch) if net.texts else int(material.lengths[batch].sum()), 1)

                def work(feed: Feed[int]) -> None:
                    for shard in feed:
                        if len(parts[shard]):  # noqa: B023 - run before the next batch
                            gradients_of(
                                net, tensors, material, targets, parts[shard], share,  # noqa: B023
                                child_key_reference(key, shard), shards[shard],  # noqa: B023
                            )  # fmt: skip

                run_in_threads(work, range(SHARDS), threads)
                norm = optimizer.gradient_norm()
                optimizer.step(schedule.learning_rate(optimizer.steps, 0.0), norm)
                advance(len(batch))
            judged = judge(tensors)
            if judged > best:
                best, kept, epoch = judged, tensors.block.copy(), number
    if kept is not None:
        tensors.block[:] = kept
    return {"epoch": epoch}


def _plan(
    material: Material, rows: NDArray[np.int64], pace: Pace, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Return the batches of an epoch: of rows of like lengths, among some that were drawn."""
    order = rows[random_order(stream_key(seed, "order", epoch), len(rows))]
    drawn = np.arange(len(order)) // (_POOL * pace.batch_size)
    order = order[np.lexsort((-material.lengths[order], drawn))]
    batches = _batches(material.lengths, order, pace.batch_size)
    mixed = random_order(stream_key(seed, "batches", epoch), len(batches))
    return [batches[number] for number in mixed.tolist()]


def _batches(
    lengths: NDArray[np.int32], order: NDArray[np.int64], size: int
) -> list[NDArray[np.int64]]:
    groups = np.array([0, len(order)], np.int64)
    borders = batch_borders(lengths, order, groups, BATCH_ITEMS, size)
    return np.split(order, borders[1:-1])
