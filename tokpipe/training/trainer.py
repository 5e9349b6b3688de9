"""A model with its optimizer: one step over some batches, and an evaluation over others.

The parts of a batch are shared by ranks, and those of a rank by its threads.
"""

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.encoder import WayBack, nobody_waits
from tokpipe.bert.head import PLAIN, Capacity, Objective
from tokpipe.bert.losses import Losses
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.products.kinds import kind_for
from tokpipe.bert.workspaces import Workspaces
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.processors import precision_for
from tokpipe.foundation.seeds import stream_key
from tokpipe.foundation.threads import Feed, run_in_threads, thread_count
from tokpipe.training.config import TrainingConfig
from tokpipe.training.exchange import when_all_have
from tokpipe.training.optimizer import Moments, Optimizer
from tokpipe.training.outputs import Array, Dealt, head_outputs, told_to_all
from tokpipe.training.parts import rows_here, select_rows, split_batch
from tokpipe.training.ranks import ALONE, Ranks, leaves_of
from tokpipe.training.tallies import joined, rows_of

CALMER = "A lower learning_rate, a longer warm-up or max_grad_norm=1 may help."

R = TypeVar("R")
Place = tuple[int, int]  # number of a batch, and of a part among those of this rank


class TrainingError(TokpipeError):
    """Training cannot go on: its numbers are none any more."""

    exit_code = 1


class Step(NamedTuple):
    """What one step found: losses of its batches, and the length of the gradient."""

    losses: Losses
    grad_norm: float


def _of_shard(row: NDArray[np.int64]) -> str:
    return f"row {row[1]:,} of training shard {row[0]}"


class Terms(NamedTuple):
    """What is special to a job that is trained for."""

    # by the name of a tensor what the learning rate is multiplied by there: see `Optimizer`
    rates: Mapping[str, float] | None = None
    objective: Objective = PLAIN  # what is wanted of the classes
    # says where a row of a batch comes from, for messages
    place: Callable[[NDArray[np.int64]], str] = _of_shard
    lowest: int = -1  # the lowest layer that moves; -1: the embeddings do, too


PRETRAINING = Terms()


class Trainer:
    """Makes steps.

    Parameters
    ----------
    config
        Of the training.
    parameters
        The weights, changed in place.
    capacity
        For how large a part of a batch to take memory at once.
    threads
        How many work; nothing depends on it.
    terms
        What is special to a job.
    ranks
        Who shares the work; nothing depends on them.

    Attributes
    ----------
    optimizer : Optimizer
    moving : threading.Lock
        Held while weights change: who holds it sees the weights after a whole number of steps.
    """

    def __init__(
        self,
        config: TrainingConfig,
        parameters: Parameters,
        capacity: Capacity,
        threads: int | None = None,
        terms: Terms = PRETRAINING,
        ranks: Ranks = ALONE,
    ) -> None:
        self.config, self.parameters, self._terms, self.ranks = config, parameters, terms, ranks
        kind = kind_for(ranks.first(lambda: precision_for(config.precision)))  # one for all ranks
        self.model = Model(parameters.config, parameters, terms.objective, kind)
        self._heads = list(self.model.heads)
        self._leaves = leaves_of(ranks, config.gradient_shards)
        self.threads = min(thread_count(threads), len(self._leaves))
        self._gradients = [parameters.zeros_like() for _ in self._leaves]
        self.optimizer = Optimizer(config, parameters, self._gradients, threads, terms.rates, ranks)
        self.moving = threading.Lock()
        self._workspaces = Workspaces(self.model, capacity, self.threads)

    def gradients(self, batches: Sequence[Batch]) -> Step:
        """Go forward and backward over the batches of one step; the weights stay.

        Raises
        ------
        TrainingError
            If a loss or the gradient is no finite number: names shard and row.
        """
        totals = self._totals(batches)
        key = stream_key(self.config.seed, "dropout", self.optimizer.steps)
        found: dict[Place, Losses] = {}
        for number, batch in enumerate(batches):
            parts, is_last = self._parts(number, batch), number + 1 == len(batches)
            behind = when_all_have(len(parts), self.optimizer.whole) if is_last else nobody_waits
            way = WayBack(self._terms.lowest, behind)
            work = {
                place: partial(
                    self._part, part, place[1], stream_key(key, "part", number, leaf), totals, way
                )
                for place, leaf, part in parts
            }
            found |= self._run(work)
        losses = self._joined(found, len(batches))
        norm = self.optimizer.gradient_norm()
        if not math.isfinite(losses.total + norm):
            raise self._broken(batches, losses.total, norm)
        return Step(losses, norm)

    def move(self, learning_rate: float, norm: float) -> None:
        """Move the weights by the gradients that `gradients` took; see `Optimizer.step`."""
        self.optimizer.step(learning_rate, norm)

    def evaluate(self, batches: Iterable[Batch], stopped: Callable[[], bool]) -> Losses:
        """Return the losses of batches without dropout; those of none if `stopped`.

        Raises
        ------
        TrainingError
            If they are no finite numbers.
        """
        found: dict[Place, Losses] = {}
        number = 0
        for number, batch in enumerate(batches, 1):
            if stopped():
                return Losses()
            parts = self._parts(number - 1, batch)
            found |= self._run({place: partial(self._look, part) for place, _, part in parts})
        return self._finite(self._joined(found, number))

    def outputs(
        self, head: str, batches: Iterable[Batch], stopped: Callable[[], bool]
    ) -> tuple[list[Array], Losses]:
        """Return a head's logits of batches, in order, and their losses; see `head_outputs`.

        Raises
        ------
        TrainingError
            If the losses are no finite numbers.
        """
        dealt = Dealt(batches, self.ranks)
        said = head_outputs(self.model, head, dealt, self._workspaces, self.threads, stopped)
        if self.ranks.size > 1 and not stopped():
            said = told_to_all(self.ranks, said, dealt.count, self._heads)
        losses = sum((losses for _, losses in said), Losses())
        return [logits for logits, _ in said], self._finite(losses)

    def restore(self, read: Callable[[Parameters, Moments], None], steps: int) -> None:
        """Go on with weights and moments that a function reads, at rank 0, after some steps."""
        self.optimizer.restore(partial(read, self.parameters))
        self.optimizer.steps = steps
        self.spread()

    def spread(self) -> None:
        """Go on with the weights of rank 0, at all ranks."""
        self.ranks.spread(self.parameters.block)

    def _parts(self, number: int, batch: Batch) -> list[tuple[Place, int, Batch]]:
        """Return the parts of a batch that this rank works on, and their numbers among all."""
        own = split_batch(batch, self.config.gradient_shards, self._leaves)
        return [((number, at), self._leaves[at], part) for at, part in enumerate(own)]

    def _totals(self, batches: Sequence[Batch]) -> Mapping[str, float]:
        """Return what the losses of whole batches are divided by, though others may have a part."""
        own = self.model.totals(batches)
        if batches[0].whole is None:
            return own
        told = self.ranks.gather(
            np.array([own[name] for name in self._heads], np.float64),
            [len(self._heads)] * self.ranks.size,
        )
        return dict(zip(self._heads, told.reshape(self.ranks.size, -1).sum(0), strict=True))

    def _joined(self, found: Mapping[Place, Losses], batches: int) -> Losses:
        """Return the sum of the losses that all ranks found, in the order of the parts."""
        table = rows_of(found, (batches, len(self._leaves)), self._heads)
        told = self.ranks.gather(table.reshape(-1), [table.size] * self.ranks.size)
        return joined(list(told.reshape(-1, *table.shape)), self._heads)

    def _run(self, work: Mapping[Place, Callable[[], R]]) -> dict[Place, R]:
        """Do the parts of a batch."""
        if self.threads == 1 or len(work) == 1:
            return {place: one() for place, one in work.items()}

        # Threads that nobody waits for at the end of the process: a stopped run leaves at once.
        def run(feed: Feed[tuple[Place, Callable[[], R]]]) -> list[tuple[Place, R]]:
            return [(place, one()) for place, one in feed]

        return dict(chain.from_iterable(run_in_threads(run, work.items(), self.threads)))

    def _part(
        self,
        part: Batch,
        shard: int,
        key: int,
        totals: Mapping[str, float],
        way: WayBack,
    ) -> Losses:
        with self._workspaces.lend(part) as workspace:
            return self.model.loss_and_gradients(
                part,
                self._gradients[shard],
                workspace,
                dropout_key=key,
                totals=totals,
                way=way,
            )

    def _look(self, part: Batch) -> Losses:
        with self._workspaces.lend(part) as workspace:
            return self.model.losses(part, workspace)

    def _finite(self, losses: Losses) -> Losses:
        # the last step's gradient was finite, but where it led may not be
        if not math.isfinite(losses.total):
            what = f"step {self.optimizer.steps}: the loss in its evaluation is {losses.total}"
            raise TrainingError(what, hint=CALMER)
        return losses

    def _broken(self, batches: Sequence[Batch], loss: float, norm: float) -> TrainingError:
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient is {norm}"
        place = self._terms.place(self._blamed(batches))
        return TrainingError(
            f"step {self.optimizer.steps + 1}: {what}, at {place}",
            hint=CALMER,
        )

    def _blamed(self, batches: Sequence[Batch]) -> NDArray[np.int64]:
        """Return where the first sequence is from whose own loss is none, or the first of all."""
        mine = min(self._suspects(batches), default=(np.inf,) * 5)
        told = self.ranks.gather(np.array(mine), [5] * self.ranks.size).reshape(-1, 5)
        return np.array(min(told.tolist())[3:], np.int64)

    def _suspects(self, batches: Sequence[Batch]) -> Iterator[tuple[float, ...]]:
        """Yield whether each sequence here is innocent, its batch and number in it, its row."""
        for number, batch in enumerate(batches):
            assert batch.rows is not None  # a loader names them
            has = rows_here(batch, self.config.gradient_shards, self._leaves)
            for at, place in enumerate(has.tolist()):
                loss = self._look(select_rows(batch, np.array([at]))).total
                yield (float(math.isfinite(loss)), number, place, *batch.rows[at].tolist())
                if not math.isfinite(loss):
                    return
