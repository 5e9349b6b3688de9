"""The curves of trainings, read from their logs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tokpipe.foundation.errors import ArtifactError
from tokpipe.inspection.sparkline import thinned
from tokpipe.training.log import LOG, Line, read_log

METRICS = {  # field of a log's line -> what it is called
    "mlm_loss": "loss of masked tokens",
    "nsp_loss": "loss of pairs",
    "mlm_accuracy": "masked tokens right",
    "nsp_accuracy": "pairs right",
    "learning_rate": "learning rate",
    "grad_norm": "length of the gradient",
    "tokens_per_second": "tokens a second",
}


class Curve(NamedTuple):
    """One metric of one run, as points: the step, and the value."""

    steps: list[float]
    values: list[float]


@dataclass(frozen=True)
class RunView:
    """The log of a run.

    Attributes
    ----------
    name : str
        As it was asked for.
    steps, evaluations : list of Line
        In order.
    """

    name: str
    steps: Sequence[Line]
    evaluations: Sequence[Line]

    def curve(self, metric: str, points: int, *, evaluations: bool = False) -> Curve:
        """Return a metric as at most so many points, each the mean of its neighbours."""
        lines = self.evaluations if evaluations else self.steps
        known = [
            (float(line.step), value)
            for line in lines
            if (value := getattr(line, metric)) is not None and math.isfinite(value)
        ]
        return Curve(
            thinned([step for step, _ in known], points),
            thinned([value for _, value in known], points),
        )

    def figures(self) -> dict[str, float | int | None]:
        """Return what a person asks first: how far, how well, how fast."""
        last = self.steps[-1] if self.steps else None
        best = min(self.evaluations, key=lambda line: line.loss, default=None)
        speeds = sorted(line.tokens_per_second or 0 for line in self.steps)
        recent = self.steps[-50:]
        return {
            "steps": last.step if last else 0,
            "tokens": last.tokens if last else 0,
            "loss": sum(line.loss for line in recent) / len(recent) if recent else None,
            "best_validation_loss": best.loss if best else None,
            "best_step": best.step if best else None,
            "tokens_per_second": speeds[len(speeds) // 2] if speeds else None,
            "seconds": last.seconds if last else None,
        }


def read_run(path: str | Path) -> RunView:
    """Read the log of a run folder, of a checkpoint, or the log file itself.

    Raises
    ------
    ArtifactError
        If there is none, or it holds no steps.
    """
    file = Path(path)
    if file.is_dir():
        file = file / LOG
    lines = list(read_log(file))
    if not lines:
        raise ArtifactError(f"{file}: the log holds no steps yet")
    steps = [line for line in lines if line.split is None]
    evaluations = [line for line in lines if line.split is not None]
    return RunView(str(path), steps, evaluations)
