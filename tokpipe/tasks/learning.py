"""Score against labelled rows: how much of each method's worth comes with more labels."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.labelled.splits import growing


class Reached(NamedTuple):
    """What a method came to with so many labelled rows."""

    rows: int  # to learn from
    # `value`, `low`, `high`: the first score on the test part, and its 95 % interval
    value: float
    low: float
    high: float
    seconds: float  # that training took


class LearningCurve(NamedTuple):
    """What a method came to with more and more rows, fewest first."""

    method: str
    points: tuple[Reached, ...]


class Learned(NamedTuple):
    """Curves of several methods on the same parts of the same data."""

    score: str
    curves: tuple[LearningCurve, ...]

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        curves = {
            curve.method: [
                {k: v if v == v else None for k, v in point._asdict().items()}
                for point in curve.points
            ]
            for curve in self.curves
        }
        return {"score": self.score, "curves": curves}


Train = Callable[[Any], tuple[str, Reached]]  # of labelled rows; gives the name of the score, too


def learning_curves(
    methods: Sequence[tuple[str, Train]],
    data: Any,
    counts: Sequence[int | None],
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Learned:
    """Train each method on growing parts of the data, each part within the next.

    Parameters
    ----------
    methods
        Names, and what trains on a part and scores on the test part.
    data
        Labelled, of any kind.
    counts
        Rows of the parts; None: all.

    Raises
    ------
    ConfigError
        If two methods have other scores.
    """
    parts = growing(data, counts, seed)
    curves, scores = [], {}
    with progress.task("training", len(methods) * len(parts), "trainings") as advance:
        for name, train in methods:
            points = []
            for part in parts:
                score, reached = train(part)
                scores.setdefault(score, name)
                points.append(reached)
                advance(1)
            curves.append(LearningCurve(name, tuple(points)))
    if len(scores) > 1:
        said = " and ".join(f"{score} ({name})" for score, name in scores.items())
        raise ConfigError(f"methods are judged by other scores: {said}")
    return Learned(next(iter(scores)), tuple(curves))
