"""The loop: steps, evaluations and checkpoints, until the schedule or a person ends it."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from tokpipe.bert.families.family import Family
from tokpipe.bert.losses import Losses
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import StoreError
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.publishing import push
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import LOG, HeadFigures, Line, Watch
from tokpipe.training.measure import Measure
from tokpipe.training.parts import batches_from
from tokpipe.training.progress import Position, State
from tokpipe.training.schedule import Schedule
from tokpipe.training.source import Phases
from tokpipe.training.state import (
    checkpoint_name,
    checkpoints,
    remove_old,
    save_checkpoint,
)
from tokpipe.training.trainer import CALMER, Step, Trainer, TrainingError

_POLL_SECONDS = 0.05  # how late a signal or the end is seen at most; 20 looks a second cost nothing
# A step of a large model takes ten seconds, its checkpoint longer to write than a signal may wait:
# by steps alone it would lose hours.
_SAVE_SECONDS = 300.0
# An epoch of a few hundred rows takes less time than its checkpoint: one that is not the best is
# there to go on from, and not worth more than a share of what going on would save.
_SPARE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Data:
    """What a run learns from, and what it is measured on."""

    train: Phases
    measure: Measure | None  # what an evaluation does; None: there is nothing to measure on
    tokenizer: Mapping[str, bytes]  # name and content of the files that go into each checkpoint
    family: Family  # whose names tensors get there


class Run:
    """A training that is under way.

    The steps are made in a thread of their own, and the calling thread waits: so a signal is
    answered in the middle of a step, and what is saved then are the weights after the last whole
    one. All ranks run it, and decide by the clock of the first, which alone writes.

    Parameters
    ----------
    trainer
        Its weights, moments and number of steps are those of `state`.
    folder
        Of the run; holds ``log.jsonl``, which ends with the line of the last step.
    """

    def __init__(
        self,
        trainer: Trainer,
        data: Data,
        schedule: Schedule,
        folder: Path,
        state: State,
        watch: Watch,
    ) -> None:
        self.trainer, self.data, self.schedule = trainer, data, schedule
        self.folder, self.state, self.watch = folder, state, watch
        self.seconds = 0.0  # used before this process
        self.evaluated: Line | None = None  # the last evaluation
        self._ranks = trainer.ranks
        self._begin = time.monotonic()
        self._now = self._age = 0.0  # time used, and since the last checkpoint, as all ranks see it
        self._saved = -1  # the step of the last checkpoint that is complete
        self._saved_at = time.monotonic()
        self._stop = threading.Event()
        self._saving = threading.Lock()
        self._error: BaseException | None = None
        self._batches: Iterator[tuple[Batch, Position]] = iter(())

    def resume_after(self, line: Line | None, evaluation: Line | None) -> None:
        """Take over what the log says: time used, and the last evaluation."""
        self.seconds = (line.seconds or 0.0) if line else 0.0
        self.evaluated = evaluation

    def run(self) -> Path:
        """Train to the end; return the last checkpoint.

        Raises
        ------
        TrainingError
            If numbers are none any more; names the last good checkpoint.
        BaseException
            What stopped it; a checkpoint of the last whole step is saved before.
        """
        if self.state.step and not self._owes_evaluation():
            self._saved = self.state.step
        self._batches = self._from(self.state.position)
        self._begin = time.monotonic()
        worker = threading.Thread(target=self._work, name="tokpipe-train", daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                worker.join(_POLL_SECONDS)
                self._ranks.watch()
        except BaseException as error:
            self._stop.set()
            if self._ranks.settle(error):
                self._save_last()
            raise
        if isinstance(self._error, TrainingError):
            raise self._with_last_good(self._error)
        if self._error is not None:
            raise self._error
        self._ranks.first(self._remove_old)
        return self.folder / checkpoint_name(self.state.step)

    def _save_last(self) -> None:
        """Save what a stopped run has done since its last checkpoint."""
        with self.trainer.moving, self._saving:
            if self._ranks.first(self._is_ahead):
                self._write()
                if self._ranks.rank == 0:
                    with suppress(StoreError):  # what stopped it is what is to be said
                        push(self.folder)

    def _is_ahead(self) -> bool:
        return self.state.step > max(checkpoints(self.folder), default=0)

    def _work(self) -> None:
        try:
            with storage_errors(self.folder), self._opened_log() as log:
                self._log = log
                self._train()
        except BaseException as error:
            self._error = error

    def _opened_log(self) -> AbstractContextManager[IO[bytes] | None]:
        return (self.folder / LOG).open("ab") if self._ranks.rank == 0 else nullcontext()

    def _train(self) -> None:
        while not self._stop.is_set():
            self._look_at_clock()
            if self._owes_evaluation():
                self._evaluate()
            if self._owes_checkpoint() and not self._stop.is_set():
                with self._saving:
                    self._save()
            if self._is_over():
                return
            self._step()

    def _clock(self) -> float:
        return self.seconds + time.monotonic() - self._begin

    def _look_at_clock(self) -> None:
        """Take the time of the first rank: all of them go by it until they look once more."""
        here = np.array([self._clock(), time.monotonic() - self._saved_at])
        self._now, self._age = self._ranks.gather(here, [2] * self._ranks.size)[:2].tolist()

    def _is_over(self) -> bool:
        return self.schedule.is_over(self.state.step, self._now)

    def _from(self, position: Position) -> Iterator[tuple[Batch, Position]]:
        source = self.data.train.sources[position.phase]
        return batches_from(source, position, self.trainer.threads)

    def _drawn(self) -> list[tuple[Batch, Position]]:
        """Return the batches of the next step; from the next folder if its share begins."""
        share, now = self.schedule.progress(self.state.step, self._now), self.state.position
        phase = self.data.train.at(share)
        if phase > now.phase:  # never back: what goes on after its end stays in the last one
            self._batches = self._from(Position(phase=phase))
        return list(islice(self._batches, self.trainer.config.batches_at(self.state.tokens)))

    def _step(self) -> None:
        begin = time.monotonic()
        rate = self.schedule.learning_rate(self.state.step, self._now)
        drawn = self._drawn()
        batches = [batch for batch, _ in drawn]
        result = self.trainer.gradients(batches)
        tokens = sum(batch.tokens for batch in batches)
        with self.trainer.moving, self._ranks.moving(self._stop.is_set) as goes_on:
            if not goes_on:
                return
            self.trainer.move(rate, result.grad_norm)
            self.state = replace(
                self.state,
                step=self.state.step + 1,
                tokens=self.state.tokens + tokens,
                position=drawn[-1][1],
            )
            self._say(self._line(result, rate, tokens / (time.monotonic() - begin)))

    def _line(self, result: Step, rate: float, speed: float) -> Line:
        kind = self.trainer.model.kind
        return Line(
            **_figures(result.losses),
            step=self.state.step,
            tokens=self.state.tokens,
            learning_rate=rate,
            grad_norm=result.grad_norm,
            tokens_per_second=speed,
            seconds=self._clock(),
            phase=self.state.position.phase + 1 if len(self.data.train.sources) > 1 else None,
            precision=None if kind.name == "float32" else kind.name,
        )

    def _say(self, line: Line) -> None:
        if self._log is None:
            return
        self._log.write(f"{line.to_json()}\n".encode())
        self._log.flush()
        self.watch.sees(line, self.schedule.progress(self.state.step, self._clock()))

    def _owes_evaluation(self) -> bool:
        every, step = self.trainer.config.eval_steps, self.state.step
        if self.data.measure is None or not step:
            return False
        if self.evaluated is not None and self.evaluated.step == step:
            return False
        return self._is_over() or (every > 0 and step % every == 0)

    def _evaluate(self) -> None:
        assert self.data.measure is not None
        found = self.data.measure(self.trainer, self._stop.is_set)
        if self._stop.is_set():
            return
        line = Line(
            **_figures(found.losses),
            step=self.state.step,
            tokens=self.state.tokens,
            seconds=self._clock(),
            score=found.score,
            score_name=found.score_name,
            split="validation",
        )
        with self._saving:
            self.evaluated, self._saved = line, -1
            self._say(line)

    def _owes_checkpoint(self) -> bool:
        step = self.state.step
        if not step or step == self._saved:
            return False
        if self._age > _SAVE_SECONDS or self._is_over():
            return True
        planned = step % self.trainer.config.save_steps == 0
        return planned and (self._age > _SPARE_SECONDS or not self._is_spare())

    def _is_spare(self) -> bool:
        """Return whether a checkpoint of a job would be kept for nothing but to go on from."""
        measured = self.evaluated
        if measured is None or measured.step != self.state.step or measured.score is None:
            return False
        return not self.state.is_bettered_by(*_of_best(measured))

    def _save(self) -> None:
        """Write a checkpoint when one is due, and remove those that are not kept."""
        self._write()
        if self._ranks.rank == 0:
            self._remove_old()
            push(self.folder)

    def _remove_old(self) -> None:
        steps = checkpoints(self.folder)
        remove_old(self.folder, _lasting(self.state, self.trainer.config, steps))

    def _write(self) -> None:
        self._mark_best()
        parameters = self.trainer.parameters
        if not np.isfinite(parameters.block.sum(dtype=np.float64)):
            raise TrainingError(
                f"step {self.state.step}: the weights are no finite numbers any more",
                hint=CALMER,
            )
        moments, data = self.trainer.optimizer.moments(), self.data
        if moments is not None:
            save_checkpoint(
                self.folder, self.state, parameters, moments, data.tokenizer, data.family
            )
        self._saved, self._saved_at = self.state.step, time.monotonic()

    def _mark_best(self) -> None:
        """Note in the state if this checkpoint, one by plan, is the best so far."""
        step, measured = self.state.step, self.evaluated
        planned = self._is_over() or step % self.trainer.config.save_steps == 0
        if not planned or measured is None or measured.step != step:
            return
        loss, score = _of_best(measured)
        if self.state.is_bettered_by(loss, score):
            self.state = replace(self.state, best_step=step, best_loss=loss, best_score=score)

    def _with_last_good(self, error: TrainingError) -> TrainingError:
        good = max(checkpoints(self.folder), default=None)
        latest = (
            "there is no checkpoint yet"
            if good is None
            else f"the last good checkpoint is {self.folder / checkpoint_name(good)}"
        )
        return TrainingError(f"{error.problem}; {latest}", hint=error.hint)


def _of_best(line: Line) -> tuple[float | None, float | None]:
    """Return loss and score of an evaluation, as the log has them."""
    loss, score = (
        None if value is None else float(f"{value:.7g}") for value in (line.loss, line.score)
    )
    return loss, score


def _lasting(state: State, config: TrainingConfig, steps: Collection[int]) -> set[int]:
    """Return which checkpoints stay: the latest by plan, the best, and the newest of all.

    What an interruption or the clock saved goes as soon as a later one is there, so that in the end
    a run has the same checkpoints however long it took and however often it was interrupted.
    """
    planned = [step for step in steps if step % config.save_steps == 0 or step == state.step]
    newest = {max(steps)} if steps else set()
    return {*planned[-config.keep_checkpoints :], *newest, state.best_step or 0}


def _figures(losses: Losses) -> dict[str, Any]:
    """Return what a line says of losses; a head that was asked nothing is left out."""
    heads = {name: HeadFigures(tally.mean, tally.accuracy) for name, tally in losses.items()}
    return {"loss": losses.total, "heads": heads}
