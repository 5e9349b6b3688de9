"""A model with its optimizer: one step over some batches, and an evaluation over others."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.head import PLAIN, Capacity, Objective
from tokpipe.bert.losses import Losses
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.workspaces import Workspaces
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.seeds import stream_key
from tokpipe.foundation.threads import Feed, run_in_threads, thread_count
from tokpipe.training.config import TrainingConfig
from tokpipe.training.optimizer import Optimizer
from tokpipe.training.outputs import Array, head_outputs
from tokpipe.training.parts import select_rows, split_batch


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
    ) -> None:
        self.config, self.parameters, self._terms = config, parameters, terms
        self.model = Model(parameters.config, parameters, terms.objective)
        self.threads = min(thread_count(threads), config.gradient_shards)
        self._gradients = [parameters.zeros_like() for _ in range(config.gradient_shards)]
        self.optimizer = Optimizer(config, parameters, self._gradients, threads, terms.rates)
        self.moving = threading.Lock()
        self._workspaces = Workspaces(self.model, capacity, self.threads)

    def gradients(self, batches: Sequence[Batch]) -> Step:
        """Go forward and backward over the batches of one step; the weights stay.

        Raises
        ------
        TrainingError
            If a loss or the gradient is no finite number: names shard and row.
        """
        losses = Losses()
        dealt = [split_batch(batch, self.config.gradient_shards) for batch in batches]
        totals = self.model.totals(batches)
        key = stream_key(self.config.seed, "dropout", self.optimizer.steps)
        for number, parts in enumerate(dealt):
            work = [
                partial(self._part, part, shard, stream_key(key, "part", number, shard), totals)
                for shard, part in enumerate(parts)
            ]
            losses = sum(self._run(work), losses)
        norm = self.optimizer.gradient_norm()
        if not math.isfinite(losses.total + norm):
            raise self._broken(batches, losses.total, norm)
        return Step(losses, norm)

    def evaluate(self, batches: Iterable[Batch], stopped: Callable[[], bool]) -> Losses:
        """Return the losses of batches without dropout; they end early if `stopped`."""
        losses = Losses()
        for batch in batches:
            if stopped():
                break
            work = [
                partial(self._look, part)
                for part in split_batch(batch, self.config.gradient_shards)
            ]
            losses = sum(self._run(work), losses)
        return losses

    def outputs(
        self, head: str, batches: Iterable[Batch], stopped: Callable[[], bool]
    ) -> tuple[list[Array], Losses]:
        """Return a head's logits of batches, in order, and their losses; see `head_outputs`."""
        return head_outputs(self.model, head, batches, self._workspaces, self.threads, stopped)

    def _run(self, work: list[Callable[[], Losses]]) -> list[Losses]:
        """Do the parts of a batch; their results in order."""
        if self.threads == 1 or len(work) == 1:
            return [one() for one in work]

        # Threads that nobody waits for at the end of the process: a stopped run leaves at once.
        def run(feed: Feed[tuple[int, Callable[[], Losses]]]) -> list[tuple[int, Losses]]:
            return [(number, one()) for number, one in feed]

        found = dict(chain.from_iterable(run_in_threads(run, enumerate(work), self.threads)))
        return [found[number] for number in range(len(work))]

    def _part(self, part: Batch, shard: int, key: int, totals: Mapping[str, float]) -> Losses:
        with self._workspaces.lend(part) as workspace:
            return self.model.loss_and_gradients(
                part,
                self._gradients[shard],
                workspace,
                dropout_key=key,
                totals=totals,
                lowest=self._terms.lowest,
            )

    def _look(self, part: Batch) -> Losses:
        with self._workspaces.lend(part) as workspace:
            return self.model.losses(part, workspace)

    def _broken(self, batches: Sequence[Batch], loss: float, norm: float) -> TrainingError:
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient is {norm}"
        place = self._terms.place(_row(*self._blamed(batches)))
        return TrainingError(
            f"step {self.optimizer.steps + 1}: {what}, at {place}",
            hint="A lower learning_rate, a longer warm-up or max_grad_norm=1 may help.",
        )

    def _blamed(self, batches: Sequence[Batch]) -> tuple[Batch, int]:
        """Return batch and number of the first sequence whose own loss is none, or of the first."""
        for batch in batches:
            for number in range(len(batch)):
                if not math.isfinite(self._look(select_rows(batch, np.array([number]))).total):
                    return batch, number
        return batches[0], 0


def _row(batch: Batch, number: int) -> NDArray[np.int64]:
    assert batch.rows is not None  # a loader names them
    return batch.rows[number]
