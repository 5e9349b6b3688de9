"""What a run came to, read again from its folder: predictions beside the right answers."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.huggingface.foreign_files import open_plain, read_object
from tokpipe.bert.huggingface.stored import CONFIG
from tokpipe.finetuning.folder import seed_folder
from tokpipe.finetuning.report import METRICS, PREDICTIONS, read_metrics
from tokpipe.foundation.errors import ArtifactError, InputError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import verify_files
from tokpipe.foundation.stores.copies import here
from tokpipe.labelled.labels import ordered
from tokpipe.metrics.measures import (
    Measure,
    answer_measure,
    class_measure,
    entity_measure,
    label_measure,
    number_measure,
    tag_measure,
)
from tokpipe.training.log import LOG, Line, read_log
from tokpipe.training.progress import STATE
from tokpipe.training.result import CARD

PARTS = ("test", "validation")  # what runs are judged by, the better judge first
_BASELINE = "baseline.json"  # in which an earlier approach names its labels
_ABOUT = (METRICS, PREDICTIONS, MANIFEST, CARD, LOG, STATE)  # files that no use of a model needs
_KNOWN_BY = ("id", "line", "words", "gold")  # of a row

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A run: a fine-tuned model, or an earlier approach."""

    name: str  # its folder, as it was given
    # `task`, `method`: what was learned, and how
    task: str
    method: str
    parts: Mapping[str, Sequence[Row]]  # what was said of the parts that it was judged by
    # of classes or tags: those of the model in its order, then others that the parts have
    labels: tuple[str, ...]
    digests: Mapping[str, str]  # a hash of the right answers of each part
    counts: Mapping[str, int]  # how many rows each part has; of tags, words
    # the first score of always giving the most frequent answer, by part
    majority: Mapping[str, float]
    rows: int | None  # to learn from
    seconds: float | None  # that training took; None where nothing tells
    # rows that were answered in a second: of a fine-tuned model those of the validation part, when
    # its epochs were judged; None where nothing tells
    speed: float | None
    size: int  # bytes of what is needed to use it


def read_outcome(folder: str | Path) -> Outcome:
    """Read what fine-tuning or an earlier approach left in its folder.

    Raises
    ------
    InputError
        If there is no such folder, or a file in it is none of ours.
    ArtifactError
        If its files say nothing of a task that there is, or are damaged.
    """
    path = here(folder, "folder")
    about = read_metrics(path)
    task = about["task"]
    if task not in _MEASURES:
        raise ArtifactError(f"{path / METRICS}: no task is called {task!r}")
    verify_files(path, [PREDICTIONS])
    parts = _read_parts(path / PREDICTIONS)
    trained = seed_folder(path, best) if (best := about.get("best_seed")) else path
    log = list(read_log(trained / LOG)) if (trained / LOG).is_file() else []
    usual = {name: _number(about.get(name), "majority") for name in parts}
    try:
        labels = _labels(path, task, parts)
        for rows in parts.values():
            _MEASURES[task](rows, labels)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"its rows are none of {task}: {error!r}"
        raise ArtifactError(f"{path / PREDICTIONS}: {what}") from None
    return Outcome(
        name=str(folder),
        task=task,
        method=about["method"],
        parts=parts,
        labels=labels,
        digests={name: _digest(rows) for name, rows in parts.items()},
        counts={name: _count(rows, task) for name, rows in parts.items()},
        majority={name: np.nan if one is None else one for name, one in usual.items()},
        rows=about["rows"].get("train"),
        seconds=_number(about, "seconds") or _seconds(log),
        speed=_number(about, "rows_per_second") or _speed(log, about["rows"].get("validation")),
        size=sum(file.stat().st_size for file in path.iterdir() if _is_needed(file)),
    )


def measures_of(runs: Sequence[Outcome], part: str) -> list[Measure]:
    """Return the scores of runs of one task on one part; labels have one number in all of them."""
    labels = tuple(dict.fromkeys(label for run in runs for label in run.labels))
    return [_MEASURES[run.task](run.parts[part], labels) for run in runs]


def _number(about: Any, name: str) -> float | None:
    value = about.get(name) if isinstance(about, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def _seconds(log: Sequence[Line]) -> float | None:
    return log[-1].seconds if log else None


def _speed(log: Sequence[Line], rows: int | None) -> float | None:
    """Return how many rows of the validation part, of `rows`, were answered in a second."""
    took = [
        after.seconds - before.seconds
        for before, after in pairwise(log)
        if before.split is None and after.split and before.seconds and after.seconds
    ]
    usual = median(took) if took else 0.0
    return rows / usual if rows and usual > 0 else None


def _is_needed(file: Path) -> bool:
    return file.is_file() and file.name not in _ABOUT


def _read_parts(path: Path) -> dict[str, list[Row]]:
    """Return the rows of each part that have a right answer beside them."""
    parts: dict[str, list[Row]] = {}
    try:
        with open_plain(path) as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise ArtifactError(f"{path}:{number}: no JSON") from None
        if not isinstance(row, dict) or not isinstance(row.get("part"), str):
            raise ArtifactError(f"{path}:{number}: no row of a part")
        if "gold" in row and row["part"] in PARTS:
            parts.setdefault(row["part"], []).append(row)
    return parts


def _labels(folder: Path, task: str, parts: Mapping[str, Sequence[Row]]) -> tuple[str, ...]:
    """Return the labels of a model, by the file that names them, and what else its rows have."""
    if task not in _LABELLED:
        return ()
    known: Sequence[str] = ()
    if (folder / _BASELINE).is_file():
        known = read_object(folder / _BASELINE)["labels"]
    elif (folder / CONFIG).is_file():
        names = read_object(folder / CONFIG)["id2label"]
        known = [names[str(number)] for number in range(len(names))]
    seen = {
        label
        for rows in parts.values()
        for row in rows
        for name in ("gold", _LABELLED[task])
        for label in ([row[name]] if task == "classification" else row[name])
    }
    return tuple(dict.fromkeys([*known, *ordered(seen)]))


def _count(rows: Sequence[Row], task: str) -> int:
    return sum(len(row["gold"]) for row in rows) if task in ("ner", "pos") else len(rows)


def _digest(rows: Sequence[Row]) -> str:
    found = hashlib.sha256()
    for row in rows:
        found.update(json.dumps([row.get(name) for name in _KNOWN_BY]).encode() + b"\n")
    return found.hexdigest()


def _codes(column: Iterable[str], labels: Sequence[str]) -> NDArray[np.int64]:
    number = {name: i for i, name in enumerate(labels)}
    return np.array([number[label] for label in column], np.int64)


def _of_classes(rows: Sequence[Row], labels: Sequence[str]) -> Measure:
    gold, said = (_codes((row[name] for row in rows), labels) for name in ("gold", "label"))
    return class_measure(gold, said, len(labels))


def _of_labels(rows: Sequence[Row]) -> Measure:
    names = list(rows[0]["probabilities"])
    gold = np.array([[name in row["gold"] for name in names] for row in rows], np.uint8)
    shares = np.array([[row["probabilities"][name] for name in names] for row in rows])
    return label_measure(gold, shares)


def _of_numbers(rows: Sequence[Row]) -> Measure:
    return number_measure([row["gold"] for row in rows], [row["value"] for row in rows])


def _of_tags(
    rows: Sequence[Row], labels: tuple[str, ...], measure: Callable[..., Measure]
) -> Measure:
    borders = np.cumsum([0, *(len(row["gold"]) for row in rows)])
    gold, said = (
        _codes((tag for row in rows for tag in row[name]), labels) for name in ("gold", "tags")
    )
    return measure(gold, said, borders, labels)


def _of_answers(rows: Sequence[Row]) -> Measure:
    golds = [row["gold"] for row in rows]
    version = "1.1" if all(golds) else "2.0"
    return answer_measure([row["answer"] for row in rows], golds, version)


_LABELLED = {"classification": "label", "ner": "tags", "pos": "tags"}  # where a row says which
_MEASURES: dict[str, Callable[[Sequence[Row], Any], Measure]] = {
    "classification": _of_classes,
    "multilabel": lambda rows, _: _of_labels(rows),
    "regression": lambda rows, _: _of_numbers(rows),
    "ner": partial(_of_tags, measure=entity_measure),
    "pos": partial(_of_tags, measure=tag_measure),
    "qa": lambda rows, _: _of_answers(rows),
}
