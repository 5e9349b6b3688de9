"""How good fine-tuned models are beside transformers' and earlier approaches: the same data.

Both sides train with the same settings, several seeds each, and keep the best epoch by the same
validation part; the figures of both come from our scores. What is measured is kept at once in
`finetune_quality.json` beside this file, so that a run that is stopped, here or on another machine,
goes on where it was: no figure is a time.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.finetune_jobs import (
    JOBS,
    Job,
    Limits,
    model_folder,
    parts_of,
    settings_for,
    written,
)
from tests.bench.harness import Worker
from tests.bench.keeping import Figures, kept, side_by_side
from tests.bench.report import Row
from tokpipe.finetuning.tasks.qa import gold_answers
from tokpipe.metrics.scores import Scores, answer_scores, class_scores, entity_scores, tag_scores

METHODS = ("bow", "nbsvm", "vectors")
_NBSVM_ON_IMDB, _NEAR = 0.91, 0.005
_STORE = Path(__file__).with_name("finetune_quality.json")
# Figures are those of a part: n, majority, scores with intervals


def rows(peers: str, rounds: int, limits: Limits) -> list[Row]:
    """Train on every job; `rounds` is how many seeds there are.

    Nothing is timed, so every core trains one model at a time with one thread: small products
    gain little from a second.
    """
    model, made = model_folder(peers, limits.layers), []
    jobs = [Trials(peers, rounds, limits, name, model) for name in limits.tasks or JOBS]
    asked = [trials.all() for trials in jobs]
    found = iter(side_by_side([one for trials in asked for one in trials]))
    for trials, trainings in zip(jobs, asked, strict=True):
        made += trials.rows(list(islice(found, len(trainings))))
    return made


class Trials:
    """The trainings of one job: both sides with every seed, and the earlier approaches."""

    def __init__(self, peers: str, rounds: int, limits: Limits, name: str, model: Path) -> None:
        self.name, self.limits, self.job = name, limits, JOBS[name]
        self.store = limits.store or _STORE
        parts = parts_of(name, limits.rows)
        self.files = written(name, parts, limits.rows)
        self.train_rows, self.test = len(parts["train"]), parts["test"]
        self.shape = {
            "task": self.job.task,
            "model": str(model),
            "parts": self.files,
            "settings": settings_for(self.job, self.train_rows, model),
            "tokens": self.job.tokens,
            "threads": 1,
        }
        sides = [("ours", sys.executable), ("transformers", peers)]
        self.tuned = [(seed, *side) for seed in range(rounds) for side in sides]
        self.earlier = METHODS if self.job.task == "classification" else ()

    def all(self) -> list[Callable[[], Figures]]:
        """Return what makes, or finds in the store, the figures of each."""
        return [
            *(partial(self._tuned, *one) for one in self.tuned),
            *(partial(self._earlier, method) for method in self.earlier),
        ]

    def rows(self, figures: Sequence[Figures]) -> list[Row]:
        """Make the table's rows of the figures, in the order of `all`."""
        tuned = figures[: len(self.tuned)]
        made = [compared(self.job, self.train_rows, tuned[::2], tuned[1::2])]
        if self.earlier:
            earlier = dict(zip(self.earlier, figures[len(self.tuned) :], strict=True))
            made += earlier_rows(self.name, earlier, is_whole=self.limits.rows is None)
        return made

    def _tuned(self, seed: int, side: str, python: str) -> Figures:
        limits, settings = self.limits, self.shape["settings"]
        key = [self.name, limits.rows, limits.layers, side, seed, settings]
        return kept(self.store, key, lambda: self._trained(python, side, seed))

    def _trained(self, python: str, side: str, seed: int) -> Figures:
        name = "ours_finetune" if side == "ours" else "peers_finetune"
        with Worker(python, name, "tune", seed=seed, **self.shape) as worker:
            run = worker.run()
        if side == "ours":
            return in_short(run.result["test"])
        return in_short(scored(self.job, self.test, run.result["said"]).to_dict())

    def _earlier(self, method: str) -> Figures:
        return kept(self.store, [self.name, self.limits.rows, method], lambda: self._learnt(method))

    def _learnt(self, method: str) -> Figures:
        asked = {"method": method, "task": self.job.task, "parts": self.files}
        with Worker(sys.executable, "ours_finetune", "baseline", **asked) as worker:
            run = worker.run()
        return in_short(run.result["test"])


def in_short(figures: Figures) -> Figures:
    """Leave out what the tables do not show: rows of classes, the confusion table."""
    return {name: figures[name] for name in ("n", "majority", "scores")}


def scored(job: Job, gold: Any, said: Sequence[str]) -> Scores:
    """Score labels, tags or answers that are given by name."""
    if job.task == "qa":
        return answer_scores(said, gold_answers(gold))
    numbers = {name: number for number, name in enumerate(gold.names)}
    codes = np.array([numbers[name] for name in said], np.int32)
    if job.task == "classification":
        return class_scores(gold.labels, codes, gold.names)
    score = entity_scores if job.task == "ner" else tag_scores
    return score(gold.tags, codes, gold.borders, gold.names)


def first(figures: Figures) -> tuple[str, dict[str, float]]:
    """Return name and values of the first score."""
    return next(iter(figures["scores"].items()))


def compared(job: Job, rows: int, ours: Sequence[Figures], peer: Sequence[Figures]) -> Row:
    """Hold the median of our seeds against the interval of the peer's.

    Its lower end is the least of its seeds, or of the bootstrap interval of their median.
    """
    name = first(ours[0])[0]
    mine, other = (sorted((first(one)[1] for one in side), key=_value) for side in (ours, peer))
    middle, theirs = (side[len(side) // 2] for side in (mine, other))
    least = min(other[0]["value"], theirs["low"])
    return Row(
        f"{job.title}, {rows:,} rows: {name}",
        _shown(mine),
        f"transformers {_shown(other)}",
        f"{100 * (middle['value'] - theirs['value']):+.1f}",
        f"at least {100 * least:.1f}",
        middle["value"] >= least,
    )


def earlier_rows(name: str, earlier: Mapping[str, Figures], *, is_whole: bool) -> list[Row]:
    """Show the earlier approaches; on the whole of IMDb they must be as good as published."""
    values = {method: first(figures)[1]["value"] for method, figures in earlier.items()}
    majority = next(iter(earlier.values()))["majority"]
    shown = ", ".join(f"{method} {100 * value:.1f}" for method, value in values.items())
    is_held = name == "imdb" and is_whole
    gap = values["vectors"] - values["nbsvm"]
    return [
        Row(
            f"{JOBS[name].title}: earlier approaches",
            shown,
            f"majority {100 * majority:.1f}",
            f"vectors {100 * gap:+.1f} to nbsvm",
            f"nbsvm at least {_NBSVM_ON_IMDB:.0%}, vectors at most 0.5 below" if is_held else "",
            not is_held or (values["nbsvm"] >= _NBSVM_ON_IMDB and gap >= -_NEAR),
        )
    ]


def _value(score: Mapping[str, float]) -> float:
    return score["value"]


def _shown(scores: Sequence[Mapping[str, float]]) -> str:
    """Show the median of sorted scores, the least and the greatest."""
    values = [100 * score["value"] for score in scores]
    return f"{values[len(values) // 2]:.1f} ({values[0]:.1f} to {values[-1]:.1f})"
