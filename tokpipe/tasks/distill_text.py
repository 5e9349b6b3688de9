"""Distillation on text: a smaller pretrained model that learns from masks and from a larger one."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokpipe.foundation.doors import require
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.stores.publishing import open_run, pull
from tokpipe.foundation.threads import thread_count
from tokpipe.shards.reader import Shards
from tokpipe.tasks.config import EvaluateConfig
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.tasks.evaluate import Evaluation, evaluate_shards
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.teacher import run_teacher
from tokpipe.tasks.text_lesson import prepare_text, with_teacher_outputs
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import Nobody, Watch
from tokpipe.training.memory import check_memory, free_for_training
from tokpipe.training.pretrain import Pretraining, train_in
from tokpipe.training.state import KIND, check_settings, refuse_foreign, refuse_source

_BATCHES = 50  # of 4,096 tokens, by which models are judged
_TIMED, _TIMES = 8, 3  # of those the batches that are timed, and how often


@dataclass(frozen=True, kw_only=True)
class TextModel:
    """One row of the table.

    Attributes
    ----------
    name
        "teacher", "student", or "without a teacher".
    folder
        Where it is.
    loss, accuracy
        Of masked tokens: the mean loss in nats, and the share that is right.
    parameters
        How many weights it has.
    speed
        Tokens that it reads in a second.
    """

    name: str
    folder: Path
    loss: float
    accuracy: float
    parameters: int
    speed: float


@dataclass(frozen=True, kw_only=True)
class DistilledText:
    """What distillation on text came to.

    Attributes
    ----------
    split
        The part of the shards that all are judged by: "validation", or "train" if that is empty.
    masks
        How many masked tokens are asked there.
    models
        Teacher, student, and the student without a teacher if it was asked for.
    """

    split: str
    masks: int
    models: tuple[TextModel, ...]


def distill_text(  # noqa: PLR0913 - teacher, text, student, and how
    teacher: str | Path,
    shards: str | Path,
    out: str | Path = "student",
    *,
    config: DistillConfig | None = None,
    training: TrainingConfig | None = None,
    compare: bool = False,
    threads: int | None = None,
    force: bool = False,
    watch: Watch | None = None,
    progress: Progress = SILENT,
) -> DistilledText:
    """Train a student on text; go on where a stopped run of the same settings is.

    A folder that is finished, by the same settings, is judged and not trained again.

    Parameters
    ----------
    teacher
        Folder of a model with a head that fills masks.
    shards
        Folder of shards that `build_shards` made with the teacher's tokenizer.
    out
        The run folder that comes of it.
    training
        How it is trained. The masks are those of the first epoch in all, for which the teacher is
        asked once.

    The others are as in `tokpipe.distill`, where the labels are what the masks are here.

    Raises
    ------
    ArtifactError
        If the shards are damaged or of another vocabulary, or a stopped run had other settings.
    ConfigError
        If a setting does not suit teacher and shards.
    StorageError
        If `out` is foreign or in use, or the disk refuses.
    MemoryLimitError
        If it would not fit into memory.
    TrainingError
        If the numbers are none any more.
    """
    require("config", config, DistillConfig)
    require("training", training, TrainingConfig)
    refuse_source(out, teacher)
    teacher = model_path("teacher", teacher)
    run, count, watch = open_run(out), thread_count(threads), watch or Nobody()
    config, training = config or DistillConfig(), (training or TrainingConfig()).decided()
    if force or not (run / MANIFEST).is_file():
        refuse_foreign(run, force=force)  # before anything is read
    lesson = prepare_text(teacher, shards, run, config, training)
    check_memory(lesson.taught.stages(count), free_for_training())
    folders, how = {"teacher": teacher, "student": run}, (count, force, watch)
    if compare:
        alone = folders["without a teacher"] = run.with_name(f"{run.name}-without-teacher")
        pull(alone)
        if not _is_finished(alone, lesson.alone, force=force):
            progress.note(f"the student is trained a second time, without its teacher, in {alone}")
            _train(alone, lesson.alone, how)
    if not _is_finished(run, lesson.taught, force=force):
        outputs = run_teacher(lesson.teacher, lesson.asked.questions, lesson.kept, count, progress)
        _train(run, with_teacher_outputs(lesson, outputs), how)
    lesson.kept.remove()
    return _judged(folders, lesson.alone.shards, training.seed, count)


def _is_finished(run: Path, asked: Pretraining, *, force: bool) -> bool:
    """Return whether a run of the same settings is finished; refuse other folders."""
    if force or not (run / MANIFEST).is_file():
        refuse_foreign(run, force=force)
        return False
    check_settings(run, Manifest.read(run, KIND).settings, asked.settings)
    return True


def _train(run: Path, asked: Pretraining, how: tuple[int, bool, Watch]) -> None:
    threads, force, watch = how
    train_in(run, asked, threads, force=force, watch=watch)


def _judged(folders: Mapping[str, Path], shards: Shards, seed: int, threads: int) -> DistilledText:
    split = "validation" if shards.validation.rows else "train"
    models = {name: BertModel.load(folder, "none") for name, folder in folders.items()}

    def read(name: str, most: int) -> tuple[float, Evaluation]:
        how, begin = EvaluateConfig(split=split, most_batches=most), time.perf_counter()
        found = evaluate_shards(models[name], shards.folder, how, seed=seed, threads=threads)
        return found.tokens / (time.perf_counter() - begin), found

    judged = {name: read(name, _BATCHES)[1].losses["mlm"] for name in models}
    # by turns, and the fastest counts: a machine has other things to do, too
    speeds = [{name: read(name, _TIMED)[0] for name in models} for _ in range(_TIMES)]
    rows = [
        TextModel(
            name=name,
            folder=folders[name],
            loss=tally.mean,
            accuracy=tally.accuracy or 0.0,
            parameters=models[name].parameters.count,
            speed=max(speed[name] for speed in speeds),
        )
        for name, tally in judged.items()
    ]
    return DistilledText(split=split, masks=judged["teacher"].asked, models=tuple(rows))
