"""What a student learns on a task, read and checked before its training begins."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.parts import read_parts
from tokpipe.finetuning.preparing import Asked, Prepared, data_digest, prepare_on, with_train
from tokpipe.finetuning.taught import Taught
from tokpipe.finetuning.unlabelled import with_unlabelled
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.hub import shown_name
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.sizes import plural
from tokpipe.labelled.check import brief, check_labelled
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.naming import require_alike, with_names
from tokpipe.labelled.records import LabelledTexts
from tokpipe.labelled.texts import read_texts
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.overlaps import overlaps
from tokpipe.tasks.predict import Job
from tokpipe.tasks.students import first_weights, objective_of
from tokpipe.tasks.teacher import Kept, Questions, outputs_path, projection_of, questions_of
from tokpipe.training.lesson import TeacherOutputs


class JobLesson(NamedTuple):
    """A distillation on a task that can begin."""

    job: Job  # the teacher
    config: DistillConfig
    alone: Prepared  # the student's training without its teacher
    taught: Prepared  # and with it, but for what the teacher says
    questions: Questions
    kept: Kept


def prepare_lesson(
    teacher: str | Path,
    paths: Mapping[str, str | Path],
    run: Path,
    how: tuple[DistillConfig, FinetuneConfig],
    columns: Mapping[str, Config],
    running: tuple[int, Progress],
) -> JobLesson:
    """Read and check everything.

    Parameters
    ----------
    paths
        Of the parts: "train", and "validation", "test" and "unlabelled" where they are given.
    how
        What the student is and learns, and how it is trained.
    running
        How many threads, and who is told what the data holds.

    Raises
    ------
    InputError
        If data or teacher cannot be used.
    ConfigError
        If a setting does not suit them.
    """
    job, (config, training) = Job.of(BertModel.load(teacher)), how
    unlabelled, paths = paths.get("unlabelled"), {p: paths[p] for p in paths if p != "unlabelled"}
    asked = Asked(
        task=job.task,
        model=teacher,
        paths=paths,
        columns=columns.get(job.task.data),
        config=training,
        windows=job.windows,
    )
    prepared = _prepared(asked, job, *running)
    for line in overlaps(Path(teacher), prepared):
        running[1].note(line)
    model, weights = config.student(prepared.model), job.model.parameters
    settings = {**prepared.settings, "model": model.to_dict()}
    begun = partial(first_weights, config, weights, model)
    alone = replace(prepared, model=model, settings=settings, taught=Taught(begun, "fine-tuned"))
    name = shown_name(Path(teacher))
    taught = replace(
        alone,
        settings={**settings, "distillation": {"teacher": name, **config.to_dict()}},
        taught=Taught(begun, f"distilled from {name}"),
    )
    if unlabelled is not None:
        taught = _with_unlabelled(taught, Path(unlabelled), *running)
    path = outputs_path(run, _asked_of_teacher(taught, config))
    kept = Kept(path, True, config.follows_states, config.relation_weight > 0)
    questions = questions_of(taught.parts["train"], job.task.head)
    return JobLesson(job, config, alone, taught, questions, kept)


def _prepared(asked: Asked, job: Job, threads: int, progress: Progress) -> Prepared:
    """Read the data with the teacher's labels."""
    read: dict[str, Any] = read_parts(asked.task, asked.paths, asked.columns, asked.config)
    data = {name: with_names(part, job.model.config.labels) for name, part in read.items()}
    for line in brief(data, check_labelled(data)):
        progress.note(line)
    return prepare_on(asked, data, threads, progress, keeps_head=True)


def _with_unlabelled(taught: Prepared, path: Path, threads: int, progress: Progress) -> Prepared:
    """Let rows of a file without labels take part."""
    asked, part = taught.asked, taught.parts["train"]
    if not isinstance(part.data, LabelledTexts):
        raise ConfigError(f"{path}: rows without a label are for texts, not for {asked.task.name}")
    columns = asked.columns if isinstance(asked.columns, TextColumns) else TextColumns()
    data = read_texts(path, replace(columns, label=None, separator=None, id=None), "none")
    require_alike({"train": part.data, "unlabelled": data})
    model, tokenizer = taught.model, taught.source.tokenizer
    found = asked.task.encode(data, tokenizer, asked.windows, model.longest, threads)
    examples = found.fitted(model.vocab_size, model.type_vocab_size)
    progress.note(f"unlabelled: {plural(len(data), 'text')}, what the teacher says of them")
    inputs = {**taught.settings["inputs"], "unlabelled": data_digest(path)}
    return replace(
        with_train(taught, with_unlabelled(part, data, examples)),
        settings={**taught.settings, "inputs": inputs},
    )


def with_teacher_outputs(lesson: JobLesson, teacher_outputs: TeacherOutputs) -> Prepared:
    """Return the student's training with what its teacher says."""
    taught, teacher = lesson.taught, lesson.job.model.config
    assert taught.taught is not None
    states = teacher_outputs.rows[:, teacher.outputs :]
    width = taught.model.hidden_size
    projection = projection_of(states, width) if lesson.config.follows_states else None
    return replace(
        taught,
        objective=objective_of(lesson.config, teacher, taught.model, projection=projection),
        taught=taught.taught._replace(outputs=teacher_outputs),
    )


def _asked_of_teacher(prepared: Prepared, config: DistillConfig) -> dict[str, Any]:
    known, training = prepared.settings, prepared.asked.config
    kept = {name: known[name] for name in ("task", "windows", "columns", "inputs", "version")}
    held_out = training.validation_fraction, training.seed
    return {
        **kept,
        "held_out": held_out,
        "states": config.follows_states,
    }
