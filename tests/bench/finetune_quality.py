"""How good fine-tuned models are beside transformers' and earlier approaches: the same data.

Both sides train with the same settings, several seeds each, and keep the best epoch by the same
validation part; the figures of both come from our scores. What is measured is kept at once, so
that a stopped run goes on where it was.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import corpus
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
from tests.bench.report import Row
from tokpipe.finetuning.tasks.qa import gold_answers
from tokpipe.labelled.records import Labelled
from tokpipe.metrics.scores import Scores, answer_scores, class_scores, entity_scores, tag_scores

METHODS = ("bow", "nbsvm", "vectors")
_NBSVM_ON_IMDB, _NEAR = 0.91, 0.005
Figures = Mapping[str, Any]  # of a part: n, majority, scores with intervals


def rows(peers: str, rounds: int, limits: Limits) -> list[Row]:
    """Train on every job; `rounds` is how many seeds there are."""
    model, made = model_folder(peers, limits.layers), []
    for name in limits.tasks or JOBS:
        made += job_rows(peers, rounds, limits, name, model)
    return made


def job_rows(peers: str, rounds: int, limits: Limits, name: str, model: Path) -> list[Row]:
    """Train both sides and the earlier approaches on one job."""
    job, parts = JOBS[name], parts_of(name, limits.rows)
    files = written(name, parts, limits.rows)
    shape = {
        "task": job.task,
        "model": str(model),
        "parts": files,
        "settings": settings_for(job, len(parts["train"]), model),
        "tokens": job.tokens,
    }
    store = corpus.folder() / "finetune-quality.json"
    sides: dict[str, list[Figures]] = {"ours": [], "transformers": []}
    for seed in range(rounds):
        for side, found in sides.items():
            key = [name, limits.rows, limits.layers, side, seed, shape["settings"]]
            python = sys.executable if side == "ours" else peers
            test = parts["test"]
            found.append(kept(store, key, lambda: _trained(python, side, job, test, shape, seed)))  # noqa: B023 - called at once
    made = [compared(job, len(parts["train"]), sides["ours"], sides["transformers"])]
    if job.task != "classification":
        return made
    settings = {"task": job.task, "parts": files}
    earlier = {
        method: kept(store, [name, limits.rows, method], lambda: _learned(method, settings))  # noqa: B023 - called at once
        for method in METHODS
    }
    return [*made, *earlier_rows(name, earlier, is_whole=limits.rows is None)]


def _trained(python: str, side: str, job: Job, test: Labelled, shape: dict, seed: int) -> Figures:
    name = "ours_finetune" if side == "ours" else "peers_finetune"
    with Worker(python, name, "tune", seed=seed, **shape) as worker:
        run = worker.run()
    found = (
        run.result["test"] if side == "ours" else scored(job, test, run.result["said"]).to_dict()
    )
    return {**found, "seconds": run.seconds}


def _learned(method: str, settings: dict) -> Figures:
    with Worker(sys.executable, "ours_finetune", "baseline", method=method, **settings) as worker:
        run = worker.run()
    return {**run.result["test"], "seconds": run.seconds}


def kept(store: Path, key: Sequence[Any], make: Callable[[], Figures]) -> Figures:
    """Return what the store holds for a key; make and store it if it holds nothing."""
    found = json.loads(store.read_text()) if store.exists() else {}
    name = json.dumps(key, sort_keys=True)
    if name not in found:
        found[name] = make()
        print(name, json.dumps(first(found[name])), file=sys.stderr, flush=True)
        half = store.with_suffix(".half")
        half.write_text(json.dumps(found, indent=1))
        half.replace(store)
    return found[name]


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
