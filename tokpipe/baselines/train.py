"""From labelled data to a folder with a method that has learned it, its scores and predictions."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokpipe.baselines.card import card
from tokpipe.baselines.lessons import compile_kernels, lesson_of
from tokpipe.baselines.method import Method, Rows
from tokpipe.baselines.model import KIND, Baseline, write_baseline
from tokpipe.baselines.registry import entry_of, method_of
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.parts import read_parts
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.report import Report, metrics_bytes, report_files
from tokpipe.finetuning.scoring import Part, scores_of
from tokpipe.finetuning.task import Predictions, Task
from tokpipe.finetuning.verdict import verdict
from tokpipe.foundation.config import Config
from tokpipe.foundation.doors import path_of, require
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.folders import build_folder, refuse_existing_folder, require_place
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.threads import thread_count
from tokpipe.labelled.counting import rows_left_out
from tokpipe.training.memory import check_memory, free_for_training


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What training a method came to."""

    baseline: Baseline  # what has learned
    report: Report  # how good it is
    chosen: Mapping[str, float]  # what was chosen on the validation part, by name
    seconds: float  # that training took, with all that was tried
    speed: float  # rows that are answered in a second
    folder: Path | None = None  # where all of it is written; None: nowhere


def train_baseline(  # noqa: PLR0913 - the three parts of the data, and how
    method: str,
    task: str,
    train: str | Path,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    out: str | Path = "baseline",
    *,
    config: Config | None = None,
    columns: Config | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Trained:
    """Train an earlier approach on the same data, for the same scores and files, as fine-tuning.

    Parameters
    ----------
    method
        "bow", "nbsvm", "vectors" or "bilstm".
    task
        One that the method is for, see `tokpipe.baselines.registry`.
    train, validation, test
        The data. Without a validation part the same share of the training part is held out as by
        fine-tuning; what is to be chosen is chosen by it.
    out
        The folder that comes of it.
    config
        Settings of the method.
    columns
        Where texts and labels stand (`TextColumns`), or words and tags (`TagColumns`); None:
        found by content.
    validation_fraction
        The share that is held out.
    seed
        Of all that is drawn.
    force
        Replace a folder that tokpipe has made.
    threads
        How many work, None for one a processor; no figure depends on it.
    progress
        Is told what is done.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If the data cannot be used; names file and line.
    ConfigError
        If there is no such method, or it is none for the task.
    StorageError
        If `out` exists, or the disk refuses.
    MemoryLimitError
        If it would not fit into memory.
    """
    require("force", force, bool, optional=False)
    place = path_of("out", out)
    refuse_existing_folder(place, force=force)
    require_place(place)
    learner, asked = checked_method(method, task, config), task_of(task)
    given = {"train": train, "validation": validation, "test": test}
    paths = {name: path for name, path in given.items() if path is not None}
    how = {"columns": columns, "validation_fraction": validation_fraction, "seed": seed}
    parts = read_data(task, paths, **how)
    for source, left in {part.source: rows_left_out(part) for part in parts.values()}.items():
        if left:
            progress.note(f"{source}: {left}")
    settings = config or learner.config()
    how = {"seed": seed, "threads": threads, "progress": progress}
    found, said = train_on(learner, asked, parts, settings, **how)
    files = report_files(found.report, asked, said)
    costs = {"seconds": round(found.seconds, 3), "rows_per_second": round(found.speed, 1)}
    files["metrics.json"] = metrics_bytes({**found.report.to_dict(), **costs})
    files["README.md"] = card(found.report, settings, found.chosen).encode()
    with build_folder(place, force=force) as folder:
        names = write_baseline(folder, found.baseline)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        Manifest(
            kind=KIND,
            settings={"method": method, "task": task, **settings.to_dict()},
            facts={"rows": dict(found.report.rows), "chosen": dict(found.chosen)},
            seed=seed,
        ).write(folder, [*names, *files])
    return replace(found, folder=place)


def read_data(
    task: str,
    paths: Mapping[str, str | Path],
    *,
    columns: Config | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> dict[str, Any]:
    """Read the parts of the data as fine-tuning reads them: the same rows held out.

    Raises
    ------
    InputError
        If the data cannot be used; names file and line.
    """
    share = FinetuneConfig(validation_fraction=validation_fraction, seed=seed)
    return dict(read_parts(task_of(task), paths, columns, share))


def checked_method(method: str, task: str, config: Config | None = None) -> Method:
    """Return a method that is one for a task.

    Raises
    ------
    ConfigError
        If there is none of that name, it is none for the task, or the settings are another's.
    """
    entry = entry_of(method)
    if task not in entry.tasks:
        raise ConfigError(f"{method} is no method for {task!r}; it is for {', '.join(entry.tasks)}")
    learner = method_of(method)
    if config is not None and type(config) is not learner.config:
        raise ConfigError(
            f"{method} takes a {learner.config.__name__}, not {type(config).__name__}"
        )
    return learner


def train_on(  # noqa: PLR0913 - a method, its data, and how
    method: Method,
    task: Task,
    parts: Mapping[str, Rows],
    config: Config,
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> tuple[Trained, dict[str, tuple[Part, Predictions]]]:
    """Train a method on data that is read already.

    Parameters
    ----------
    parts
        "train", "validation", and "test" if there is one, with the same labels.
    config
        Settings of the method.

    Returns
    -------
    trained
        Without a folder.
    said
        Parts and predictions of all parts but the training part, by name.

    Raises
    ------
    InputError
        If nothing can be learned from the training part.
    MemoryLimitError
        If it would not fit into memory.
    """
    needs = method.needs(parts, config, thread_count(threads))
    check_memory(dict(needs.memory), free_for_training(), needs.hints)
    lesson, bare = lesson_of(task, parts, seed, threads)
    compile_kernels(method, lesson, config)
    began = time.perf_counter()
    learned = method.fit(lesson, config, progress)
    baseline = replace(bare, method=method.name, fitted=learned.fitted)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    asked = {name: part for name, part in parts.items() if name != "train"}
    said: dict[str, tuple[Part, Predictions]] = {
        name: (_part(name, part), baseline.predict(part)) for name, part in asked.items()
    }
    speed = sum(map(len, asked.values())) / max(time.perf_counter() - began, 1e-9)
    report = _report(method, task, parts, said)
    return (
        Trained(
            baseline=baseline, report=report, chosen=learned.chosen, seconds=seconds, speed=speed
        ),
        said,
    )


def _part(name: str, data: Rows) -> Part:
    return Part(name, data, None)  # type: ignore[arg-type] - no windows of tokens are read


def _report(
    method: Method,
    task: Task,
    parts: Mapping[str, Rows],
    said: Mapping[str, tuple[Part, Predictions]],
) -> Report:
    usual = task.usual(parts["train"])
    tuned = task.tune(*_data_and_predictions(said["validation"]))
    scores = {
        name: found
        for name, (part, predictions) in said.items()
        if (found := scores_of(task, part.data, predictions, tuned, usual))
    }
    notes = [note for name, one in said.items() for note in verdict(task, name, *one, scores)]
    return Report(
        task=task.name,
        method=method.name,
        rows={name: len(part) for name, part in parts.items()},
        scores=scores,
        tuned=tuned,
        notes=tuple(notes),
    )


def _data_and_predictions(said: tuple[Part, Predictions]) -> tuple[Any, Predictions]:
    return said[0].data, said[1]
