"""The curves of trainings, read from their logs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.bert import registry
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.stores.copies import here
from tokpipe.inspection.sparkline import thinned
from tokpipe.training.log import LOG, Line, guessing_total, read_log
from tokpipe.training.progress import STATE, State

SCORE = "score"  # of evaluations, where they have one
_TITLES = {  # figure of a log's line -> what it is called
    "learning_rate": "learning rate",
    "grad_norm": "length of the gradient",
    "tokens_per_second": "tokens a second",
}


def title_of(metric: str) -> str:
    """Return what a figure of a log's line is called.

    Examples
    --------
    >>> title_of("mlm_accuracy"), title_of("grad_norm")
    ('masked tokens right', 'length of the gradient')
    """
    if metric in _TITLES:
        return _TITLES[metric]
    head, _, kind = metric.rpartition("_")
    asked = registry.entry_of(head).asked
    return f"loss of {asked}" if kind == "loss" else f"{asked} right"


class Curve(NamedTuple):
    """One metric of one run, as points: the step, and the value."""

    steps: list[float]
    values: list[float]


@dataclass(frozen=True)
class RunView:
    """The log of a run."""

    name: str  # as it was asked for
    # `steps`, `evaluations`: in order
    steps: Sequence[Line]
    evaluations: Sequence[Line]
    # by the name of a head the loss, in nats, of who knows only the frequencies; empty for runs
    # that do not say
    guessing: Mapping[str, float] = field(default_factory=dict)

    def curve(self, metric: str, points: int, *, evaluations: bool = False) -> Curve:
        """Return a metric as at most so many points, each the mean of its neighbours."""
        lines = self.evaluations if evaluations or metric == SCORE else self.steps
        known = [
            (float(line.step), value)
            for line in lines
            if (value := line.value(metric)) is not None and math.isfinite(value)
        ]
        return Curve(
            thinned([step for step, _ in known], points),
            thinned([value for _, value in known], points),
        )

    @property
    def phases(self) -> dict[int, int]:
        """The first step of each phase, by its number; empty for a training that has one."""
        first: dict[int, int] = {}
        for line in self.steps:
            if line.phase is not None:
                first.setdefault(line.phase, line.step)
        return first

    def figures(self) -> dict[str, Any]:
        """Return what a person asks first: how far, how well, how fast."""
        last = self.steps[-1] if self.steps else None
        best = max(self.evaluations, key=_goodness, default=None)
        speeds = sorted(line.tokens_per_second or 0 for line in self.steps)
        recent = self.steps[-50:]
        return {
            "steps": last.step if last else 0,
            "tokens": last.tokens if last else 0,
            "loss": sum(line.loss for line in recent) / len(recent) if recent else None,
            "guessing_by_frequency": guessing_total(last.heads, self.guessing) if last else None,
            "best_validation_loss": best.loss if best else None,
            **({"best_score": best.score} if best and best.score is not None else {}),
            "best_step": best.step if best else None,
            "tokens_per_second": speeds[len(speeds) // 2] if speeds else None,
            "seconds": last.seconds if last else None,
            **({"phases": self.phases} if self.phases else {}),
        }


def _goodness(line: Line) -> tuple[float, float, int]:
    """Return what is greatest for the best evaluation; of equal ones the first is it."""
    return (0.0 if line.score is None else line.score), -line.loss, -line.step


def heading(runs: Sequence[RunView], metric: str) -> str:
    """Return the title of a chart; of a loss with what guessing by frequency would come to."""
    if metric == SCORE:
        names = dict.fromkeys(line.score_name for run in runs for line in run.evaluations)
        return f"{', '.join(name for name in names if name) or SCORE}, validation"
    known = [run.guessing.get(metric.removesuffix("_loss")) for run in runs]
    figures = dict.fromkeys(f"{nats:.3f}" for nats in known if nats is not None)
    beside = f" (guessing by frequency: {', '.join(figures)} nats)" if figures else ""
    return f"{title_of(metric)}{beside}"


def metrics_of(runs: Sequence[RunView], *, losses_only: bool = False) -> list[str]:
    """Return the figures that the steps of some runs have: of their heads first."""
    seen = {name: None for run in runs for line in run.steps for name in line.heads}
    heads = [entry.name for entry in registry.ENTRIES if entry.name in seen]
    heads += [name for name in seen if name not in heads]
    losses = [f"{name}_loss" for name in heads]
    if any(line.score is not None for run in runs for line in run.evaluations):
        losses.append(SCORE)
    return losses if losses_only else [*losses, *(f"{n}_accuracy" for n in heads), *_TITLES]


def last_step(runs: Sequence[RunView]) -> int:
    """Return the last step of the longest run: curves, the means of neighbours, end before it."""
    return max((run.steps or run.evaluations)[-1].step for run in runs)


def runs_in(path: str | Path) -> list[Path]:
    """Return the trainings in a folder: the one that it is, or those of several seeds."""
    folder = here(path)
    seeds = [] if (folder / LOG).exists() else [log.parent for log in folder.glob(f"seed-*/{LOG}")]
    return sorted(seeds, key=lambda seed: (len(seed.name), seed.name)) or [folder]


def read_run(path: str | Path) -> RunView:
    """Read the log of a run folder, of a checkpoint, or the log file itself.

    Raises
    ------
    ArtifactError
        If there is none, or it holds no steps.
    """
    file = here(path)
    if file.is_dir():
        file = file / LOG
    guessing = _guessing(file.parent)
    lines = list(read_log(file))
    if not lines:
        raise ArtifactError(f"{file}: the log holds no steps yet")
    steps = [line for line in lines if line.split is None]
    evaluations = [line for line in lines if line.split is not None]
    return RunView(str(path), steps, evaluations, guessing)


def _guessing(folder: Path) -> Mapping[str, float]:
    """Return what a run, a checkpoint or the latest checkpoint of a run says of guessing."""
    states = [folder / STATE, *sorted(folder.glob(f"checkpoint-*/{STATE}"), reverse=True)]
    found = next((path for path in states if path.is_file()), None)
    return {} if found is None else State.read(found.parent).guessing
