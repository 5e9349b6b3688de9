"""Distillation on a task: a smaller model that learns from labels and from a fine-tuned one."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.folder import refuse_other, start_over
from tokpipe.finetuning.preparing import Prepared
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.seeds import seeds_of
from tokpipe.finetuning.training import train_once
from tokpipe.finetuning.verdict import told_of
from tokpipe.foundation.config import Config
from tokpipe.foundation.doors import require
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.stores.publishing import open_run, pull
from tokpipe.foundation.threads import thread_count
from tokpipe.metrics.scores import Score
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.tasks.inputs import without_labels
from tokpipe.tasks.job_lesson import prepare_lesson, with_teacher_outputs
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import Job
from tokpipe.tasks.teacher import run_teacher
from tokpipe.training.log import Nobody, Watch
from tokpipe.training.state import refuse_source, writing

_TIMES = 3  # that each model is timed


@dataclass(frozen=True, kw_only=True)
class Model:
    """One row of the table.

    Attributes
    ----------
    name
        "teacher", "student", or "without a teacher".
    folder
        Where it is.
    score
        The task's first score, with its interval.
    parameters
        How many weights it has.
    speed
        Rows that it answers in a second.
    notes
        What one must know to believe the score.
    """

    name: str
    folder: Path
    score: Score
    parameters: int
    speed: float
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """What distillation came to.

    Attributes
    ----------
    part
        The part that all are judged by: "test" if it has labels, or else "validation".
    rows
        How many rows it has.
    models
        Teacher, student, and the student without a teacher if it was asked for.
    """

    part: str
    rows: int
    models: tuple[Model, ...]


def distill(  # noqa: PLR0913 - the three parts of the data, and how
    teacher: str | Path,
    train: str | Path,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    out: str | Path = "student",
    *,
    config: DistillConfig | None = None,
    training: FinetuneConfig | None = None,
    columns: Mapping[str, Config] | None = None,
    unlabelled: str | Path | None = None,
    compare: bool = False,
    threads: int | None = None,
    force: bool = False,
    watch: Watch | None = None,
    progress: Progress = SILENT,
) -> Distilled:
    """Train a student; go on where a stopped run of the same settings is.

    A folder that is finished, by the same settings, is judged and not trained again.

    Parameters
    ----------
    teacher
        Folder of a fine-tuned model, of any task.
    train, validation, test
        The data, labelled as for fine-tuning.
    out
        The folder that comes of it.
    config
        How large the student is, and what it learns of the teacher.
    training
        How it is trained.
    columns
        Where texts, words and labels stand, by what a task reads; None: found by content.
    unlabelled
        A file of more texts, without labels or with labels that are not read: of these the student
        learns what the teacher says.
    compare
        Whether to train the same student from the labels alone, too, in a folder beside `out`.
    threads
        How many work, or None for one a usable processor; no weight depends on it.
    force
        Start over where something is in `out` that tokpipe has made.
    watch, progress
        Who looks on, and who is told what the data holds.

    Raises
    ------
    InputError
        If data or teacher cannot be used.
    ConfigError
        If a setting does not suit them.
    ArtifactError
        If a stopped or finished run had other settings.
    StorageError
        If `out` is foreign or in use, or the disk refuses.
    MemoryLimitError
        If it would not fit into memory.
    TrainingError
        If the numbers are none any more.
    """
    require("config", config, DistillConfig)
    require("training", training, FinetuneConfig)
    require("columns", columns, Mapping)
    require("force", force, bool, optional=False)
    refuse_source(out, teacher)
    teacher = model_path("teacher", teacher)
    run, count, watch = open_run(out), thread_count(threads), watch or Nobody()
    alone = run.with_name(f"{run.name}-without-teacher")
    pull(alone)
    is_finished = {one: _is_finished(one, force=force) for one in (alone, run)[not compare :]}
    given = {"train": train, "validation": validation, "test": test, "unlabelled": unlabelled}
    paths = {name: here(path, name) for name, path in given.items() if path is not None}
    how = config or DistillConfig(), training or FinetuneConfig()
    lesson = prepare_lesson(teacher, paths, run, how, columns or {}, (count, progress))
    folders, how_to_train = {"student": run}, (count, watch, progress, force)
    if compare:
        folders["without a teacher"] = alone
        if not is_finished[alone]:
            progress.note(f"the student is trained a second time, without its teacher, in {alone}")
        _train(lesson.alone, alone, how_to_train)
    taught, job = lesson.taught, lesson.job
    if not is_finished[run]:
        outputs = run_teacher(job.model, lesson.questions, lesson.kept, count, progress)
        taught = with_teacher_outputs(lesson, outputs)
    _train(taught, run, how_to_train)
    lesson.kept.remove()
    jobs = {"teacher": job, **{k: Job.of(BertModel.load(v)) for k, v in folders.items()}}
    return _judged(lesson.alone, jobs, count)


def _is_finished(run: Path, *, force: bool) -> bool:
    """Return whether a run is finished, of whatever settings; refuse other folders."""
    is_finished = (run / MANIFEST).is_file() and not force
    if not is_finished:
        refuse_other(run, force=force)
    return is_finished


def _train(prepared: Prepared, out: Path, how: tuple[int, Watch, Progress, bool]) -> None:
    threads, watch, progress, force = how
    seeds = seeds_of(prepared.asked.config.seed, 1)[0]
    with storage_errors(out), writing(out):
        if force:
            start_over(out)
        train_once(prepared, out, seeds, threads, watch, progress)


def _judged(prepared: Prepared, jobs: Mapping[str, Job], threads: int) -> Distilled:
    task, parts = prepared.asked.task, prepared.parts
    has_test = "test" in parts and task.with_labels(parts["test"].data).all()
    part = parts["test" if has_test else "validation"]

    def seconds(job: Job) -> float:
        begin = time.perf_counter()
        _answers(job, part, threads)
        return max(time.perf_counter() - begin, 1e-9)

    def judged(job: Job) -> tuple[Score, tuple[str, ...]]:
        tuned = task.tune(parts["validation"].data, _answers(job, parts["validation"], threads))
        said = _answers(job, part, threads)
        scores = task.scores(part.data, said, tuned, prepared.usual)
        return scores.scores[0], tuple(told_of(part.data, said, scores))

    found = {name: judged(job) for name, job in jobs.items()}
    # by turns, and the fastest counts: a machine has other things to do, too
    times = [{name: seconds(job) for name, job in jobs.items()} for _ in range(_TIMES)]
    models = [
        Model(
            name=name,
            folder=Path(job.name),
            score=found[name][0],
            notes=found[name][1],
            parameters=job.model.model.parameters.count,
            speed=len(part.data) / min(one[name] for one in times),
        )
        for name, job in jobs.items()
    ]
    return Distilled(part=part.name, rows=len(part.data), models=tuple(models))


def _answers(job: Job, part: Part, threads: int) -> Any:
    return job.predictions(without_labels(part.data, job.model.config.labels), threads=threads)
