"""The pace of each way to pretrain: steps a second by two threads, the one timed part of `recipe`.

All that a step of the whole command takes counts: reading, masks, both ways through the model, the
optimizer, the log; its start, checkpoints and the evaluation at the end do not.
"""

import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.harness import Run, Worker, in_turn
from tests.bench.keeping import figures_of, keep
from tests.bench.report import processors
from tests.bench.ways import NEUTRAL, Way

_SECONDS, _ROUNDS = 10, 3
_SPREAD = 1.25  # of the rounds of a way; more is no pace, but somebody else at work


class Place(NamedTuple):
    """What is trained, on what, by whom, and where figures are kept."""

    store: Path
    shards: Path
    tokens: int  # of the training split: another text or vocabulary is another key
    preset: str
    peers: str

    def key(self, way: Way, **more: int | str) -> list[Any]:
        """Return what a figure of a way depends on."""
        return [self.preset, way.side, way.settings, {"tokens": self.tokens, **more}]

    def worker(self, way: Way, job: str, **settings: Any) -> Worker:
        """Start a process that does a job of a way."""
        python = self.peers if way.is_peer else sys.executable
        on = {"shards": str(self.shards), "preset": self.preset}
        return Worker(python, way.side, job, **on, **settings, **way.settings)


def steps_for(place: Place, way: Way, minutes: float) -> int | None:
    """Return how many steps a way makes in its share of some minutes; None without a pace."""
    found = pace_of(place, way)
    if found is None:
        return None
    return max(1, int(found["steps_a_second"] * 60 * minutes * way.share))


def pace_of(place: Place, way: Way) -> Any:
    """Return what is kept of a way's pace, if anything is: steps a second, rounds, processor."""
    return figures_of(place.store, _key(place, way))


def measure(place: Place, ways: Sequence[Way]) -> None:
    """Measure the ways whose pace is not kept, all in one run, in turn, and keep it.

    "neutral" is the first of them and always of the run. A pace is the kept one of "neutral", times
    how much faster the way was in the same run: so one that is new stands beside trainings that
    are kept. On other processors than those of "neutral" nothing is measured.

    Raises
    ------
    SystemExit
        If the rounds of a way differ so much that somebody else must have been at work.
    """
    neutral = ways[0]
    assert neutral.name == NEUTRAL
    before = pace_of(place, neutral)
    missing = [way for way in ways[1:] if pace_of(place, way) is None]
    if before and (not missing or before["processor"] != processors()):
        return
    with ExitStack() as stack:
        sides = [
            stack.enter_context(place.worker(way, "pace", seconds=_SECONDS))
            for way in (neutral, *missing)
        ]
        made = in_turn([side.run for side in sides], _ROUNDS)
    rounds = [
        _checked(place.preset, way, runs)
        for way, runs in zip((neutral, *missing), made, strict=True)
    ]
    base = before["steps_a_second"] if before else statistics.median(rounds[0])
    for way, found in zip((neutral, *missing), rounds, strict=True):
        if way is not neutral or not before:
            _keep(place, way, base * times(found, rounds[0]), found)


def times(rounds: Sequence[float], beside: Sequence[float]) -> float:
    """Return how much faster one was than another: the median over the rounds."""
    return statistics.median(one / other for one, other in zip(rounds, beside, strict=True))


def _key(place: Place, way: Way) -> list[Any]:
    return [*place.key(way), "pace"]


def _keep(place: Place, way: Way, pace: float, rounds: Sequence[float]) -> None:
    figures = {
        "steps_a_second": float(f"{pace:.4g}"),
        "rounds": [float(f"{one:.4g}") for one in rounds],
        "processor": processors(),
    }
    keep(place.store, _key(place, way), figures)


def _checked(preset: str, way: Way, runs: Sequence[Run]) -> list[float]:
    """Return the steps a second of each round."""
    made = [run.result for run in runs]
    rounds = [one["steps"] / one["seconds"] if one["steps"] else 0.0 for one in made]
    if max(rounds) > _SPREAD * min(rounds) or not min(rounds):
        shown = " ".join(f"{one:.3g}" for one in rounds)
        raise SystemExit(
            f"{preset}, {way.name}: {shown} steps a second in {len(rounds)} rounds, which may "
            f"differ by {_SPREAD - 1:.0%} at most: measure it while nothing else is at work."
        )
    return rounds
