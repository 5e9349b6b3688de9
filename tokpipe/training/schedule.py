"""The learning rate, by how much of the training is done: steps, or time."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from tokpipe.training.config import TrainingConfig

WAYS = ("rewarm", "flat")  # what becomes of the learning rate when a run that is over goes on


class Begun(NamedTuple):
    """Where a schedule begins: at the start of a run, or where one that was over goes on."""

    step: int = 0
    seconds: float = 0.0  # that were used before, where the clock decides
    then: str = WAYS[0]  # "flat": at the greatest rate to the end


FROM_START = Begun()


@dataclass(frozen=True)
class Schedule:
    """How long to train, and the learning rate on the way."""

    config: TrainingConfig
    steps: int | None  # how many steps, earlier ones with them; None where the clock decides
    begun: Begun = FROM_START

    def progress(self, step: int, seconds: float) -> float:
        """Return the share of the training that is done before a step.

        Parameters
        ----------
        step
            How many are done.
        seconds
            How long they took, those of a stopped run with them.
        """
        length = self._length()
        done = step - self.begun.step if self.steps else seconds - self.begun.seconds
        return min(1.0, done / length) if length > 0 else 1.0

    def is_over(self, step: int, seconds: float) -> bool:
        """Return whether the training ends before a step; one is always made."""
        return step > self.begun.step and self.progress(step, seconds) >= 1.0

    def learning_rate(self, step: int, seconds: float) -> float:
        """Return the learning rate of the step after `step` steps.

        Examples
        --------
        >>> config = TrainingConfig(steps=100, learning_rate=1.0, warmup_steps=10)
        >>> rates = [Schedule(config, 100).learning_rate(step, 0) for step in (0, 9, 10, 55)]
        >>> [round(rate, 6) for rate in rates]
        [0.1, 1.0, 1.0, 0.5]
        """
        if self.begun.then == "flat":
            return self.config.learning_rate
        share, warm_up = self.progress(step, seconds), self._warm_up()
        if share < warm_up:
            rising = (share + self._one_step(step, seconds)) / warm_up
            return self.config.learning_rate * min(1.0, rising)
        rest = (share - warm_up) / (1 - warm_up) if warm_up < 1 else 0.0
        return self.config.learning_rate * _falling(self.config.schedule, rest)

    def _length(self) -> float:
        """Return how many steps or seconds the schedule goes over."""
        if self.steps:
            return self.steps - self.begun.step
        return (self.config.budget_seconds or 0.0) - self.begun.seconds

    def _warm_up(self) -> float:
        """Return the share of the training in which the rate rises."""
        given = self.config.warmup_steps
        if given is not None and self.steps:
            return min(1.0, given / self._length())
        return self.config.warmup_proportion

    def _one_step(self, step: int, seconds: float) -> float:
        """Return the share of one step: the first one must not have a rate of zero."""
        length = self._length()
        if self.steps:
            return 1 / length
        return (seconds / step if step else 0.01 * length * self._warm_up()) / length


def _falling(kind: str, share: float) -> float:
    if kind == "linear":
        return 1 - share
    if kind == "cosine":
        return 0.5 + 0.5 * math.cos(math.pi * share)
    return 1.0
