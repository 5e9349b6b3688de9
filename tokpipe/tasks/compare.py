"""Runs beside each other on the same data: scores, cost, and whether a difference is one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.metrics.measures import Measure
from tokpipe.metrics.paired import Paired, paired_test
from tokpipe.metrics.scores import Scores, score_measure
from tokpipe.tasks.outcomes import PARTS, Outcome, measures_of, read_outcome


@dataclass(frozen=True)
class Compared:
    """A run beside others."""

    run: Outcome  # what its folder says
    scores: Scores  # on the part that all were judged by
    # of its first score to that of the first run, with a test; None of the first itself
    difference: Paired | None

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        run, difference = self.run, self.difference
        return {
            "run": run.name,
            "method": run.method,
            **self.scores.to_dict(),
            "train_rows": run.rows,
            "seconds": run.seconds,
            "rows_per_second": run.speed,
            "bytes": run.size,
            "difference": difference and {k: _plain(v) for k, v in difference._asdict().items()},
        }


@dataclass(frozen=True)
class Comparison:
    """Runs of one task, judged by one part of the same data; the first is what others stand to."""

    task: str
    part: str
    runs: tuple[Compared, ...]

    def with_speeds(self, speeds: Mapping[str, float]) -> "Comparison":
        """Return it with how many rows each run answers in a second, by its name."""
        runs = [replace(one, run=replace(one.run, speed=speeds[one.run.name])) for one in self.runs]
        return replace(self, runs=tuple(runs))

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        runs = [run.to_dict() for run in self.runs]
        return {"task": self.task, "part": self.part, "runs": runs}


def compare_runs(folders: Sequence[str | Path], *, seed: int = 0) -> Comparison:
    """Compare runs that were judged by the same rows: the test part, or else the validation part.

    Parameters
    ----------
    folders
        Of fine-tuned models and of earlier approaches.
    seed
        Of bootstrap and test.

    Raises
    ------
    ArtifactError
        If a run is of another task or other data than the first.
    ConfigError
        If a folder is given twice, or there is none.
    InputError
        If a folder is none of a run.
    """
    runs = [read_outcome(folder) for folder in folders]
    if not runs:
        raise ConfigError("no run is given to compare")
    names = [str(Path(run.name).resolve()) for run in runs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"{twice} is given twice")
    part = _common_part(runs)
    measures = measures_of(runs, part)
    compared = tuple(
        _compared(run, part, measure, measures[0], seed)
        for run, measure in zip(runs, measures, strict=True)
    )
    return Comparison(runs[0].task, part, compared)


def _compared(run: Outcome, part: str, measure: Measure, first: Measure, seed: int) -> Compared:
    scores = score_measure(measure, run.majority[part], run.counts[part], seed=seed)
    difference = None if measure is first else paired_test(measure, first, seed=seed)[0]
    return Compared(run, scores, difference)


def _common_part(runs: Sequence[Outcome]) -> str:
    """Return the part that all runs were judged by, after a look whether it is the same data."""
    first = runs[0]
    for run in runs[1:]:
        if run.task != first.task:
            raise ArtifactError(f"{run.name} is of {run.task}, {first.name} of {first.task}")
    part = next((part for part in PARTS if all(part in run.parts for run in runs)), None)
    if part is None:
        parts = "; ".join(f"{run.name}: {' and '.join(run.parts) or 'none'}" for run in runs)
        raise ArtifactError(
            f"no part of the data is one that all runs were judged by ({parts})",
            hint="Train them with the same --validation and --test.",
        )
    for run in runs[1:]:
        if run.digests[part] != first.digests[part]:
            sizes = [f"{one.counts[part]:,} in {one.name}" for one in (first, run)]
            raise ArtifactError(
                f"the {part} parts are other data: {' and '.join(sizes)}, with other right answers",
                hint="Compare runs on the same files; baselines take the same options.",
            )
    return part


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
