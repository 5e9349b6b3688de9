"""`tokpipe distill`: a smaller model that does the same job, or is pretrained as well."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import click

from tokpipe.cli.column_options import tag_column_options, text_column_options
from tokpipe.cli.command import Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.labelled_runs import kept, part_option, show_notes
from tokpipe.cli.options import MODEL, config_options
from tokpipe.cli.plan import distilling_plan, finetuning_plan, pretraining_plan, show_plan
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.foundation.config import Config
from tokpipe.foundation.sizes import scored
from tokpipe.foundation.stores.publishing import run_place
from tokpipe.foundation.threads import thread_count
from tokpipe.labelled.config import TagColumns, TextColumns
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.training.config import TrainingConfig

_NOT_ASKED = (
    *("seed", "seeds", "freeze", "reinit_layers", "layer_decay"),
    *("class_weights", "label_smoothing"),
)
_ON_TEXT = tuple(field.name for field in fields(TrainingConfig))
_ON_TASKS = tuple(field.name for field in fields(FinetuneConfig))
_NOT_ASKED_ON_TEXT = (
    *(*_ON_TASKS, "adam_beta1", "adam_beta2", "mlm_bias", "phase_shares", "attention_start"),
)
_TASK_COLUMNS = ("model", "score", "95 % interval", "parameters", "rows/s")
_TEXT_COLUMNS = ("model", "loss", "masks right", "parameters", "tokens/s")


class _Asked(NamedTuple):
    teacher: str
    output: str
    compare: bool
    config: DistillConfig


@command(
    examples=[
        "tokpipe distill out/sst2 --train train.tsv --validation dev.tsv -o out/sst2-small",
        "tokpipe distill out/sst2 --train train.tsv --layers 3 --compare -o out/three",
        "tokpipe distill out/run --text out/shards --epochs 1 -o out/small",
    ],
    plans=True,
)
@click.argument("teacher", metavar="TEACHER", type=MODEL)
@click.option(
    "--text",
    metavar="SHARDS",
    help="Learn on text: shards that build-shards made with TEACHER's tokenizer.",
)
@part_option("--train", "Learn on a task: the part that is learned from.")
@part_option("--validation", "The part that the best epoch is chosen by.")
@part_option("--test", "A part that is only scored, when all is chosen.")
@part_option("--unlabelled", "Texts of which only what the teacher says of them is learned.")
@click.option("-o", "--output", required=True, metavar="STUDENT", help="What comes of it.")
@click.option(
    "--compare",
    is_flag=True,
    help="Train the same student without its teacher, too, to see what that is worth; it takes "
    "twice the time.",
)
@config_options(DistillConfig, "config", heading="Student")
@text_column_options("id")
@tag_column_options()
@config_options(
    FinetuneConfig,
    "training",
    heading="Training (by default as finetune has it, on text as pretrain)",
    leave_out=_NOT_ASKED,
    given_only=(),
)
@config_options(
    TrainingConfig,
    "on_text",
    heading="Training on text",
    leave_out=_NOT_ASKED_ON_TEXT,
    given_only=(),
)
def distill(
    session: Session,
    *,
    teacher: str,
    text: str | None,
    output: str,
    compare: bool,
    config: DistillConfig,
    text_columns: TextColumns,
    tag_columns: TagColumns,
    training: dict[str, Any],
    on_text: dict[str, Any],
    **paths: str | None,
) -> None:
    """Train a smaller model for the job of TEACHER, a fine-tuned folder of any task, or on text.

    On a task the student learns from gold labels and from what the teacher makes of the same rows;
    on text from masked tokens and from what the teacher, a pretrained model, makes of them. The
    teacher is asked once; its answers lie in a file beside STUDENT meanwhile. With fewer layers
    the student begins as every second (third, ...) layer of the teacher; narrower, it is drawn. A
    table shows both, their scores and speeds; so does the same command once more, at no cost. Stop
    it whenever you like: the same command goes on, to the same weights.
    """
    if (text is None) == (paths["train"] is None):
        raise click.UsageError("give --train, to learn on a task, or --text, to learn on text")
    given = [part for part, path in paths.items() if path] + list(training)
    given += [*_changed(text_columns), *_changed(tag_columns)]
    _refuse("--text", on_text if text is None else ())
    _refuse("--train", () if text is None else [name for name in given if name not in _ON_TEXT])
    session.begin_kernels(keeps=lambda: kept(run_place(output)))
    asked = _Asked(teacher, output, compare, config)
    settings = {**training, **on_text, "seed": session.seed}
    if text is not None:
        _on_text(session, asked, text, TrainingConfig(**settings))
        return
    columns = {"texts": text_columns, "words": tag_columns}
    _on_task(session, asked, paths, FinetuneConfig(**settings), columns)


def _changed(columns: Config) -> Iterator[str]:
    for field in fields(columns):
        if getattr(columns, field.name) != field.default:
            yield field.metadata["option"] or field.name


def _refuse(flag: str, given: Iterable[str]) -> None:
    for name in given:
        raise click.UsageError(f"--{name.replace('_', '-')} goes with {flag}")


def _on_text(session: Session, asked: _Asked, shards: str, training: TrainingConfig) -> None:
    if session.dry_run:
        from tokpipe.tasks.text_lesson import prepare_text

        run, threads = run_place(asked.output), thread_count(session.threads)
        lesson = prepare_text(asked.teacher, shards, run, asked.config, training)
        plan = pretraining_plan(lesson.alone, threads, asked.output)
        questions, teacher = lesson.asked.questions, lesson.teacher
        size = lesson.kept.bytes(teacher, questions)
        show_plan(session, distilling_plan(plan, questions, teacher, size))
        return
    from tokpipe.cli.training_display import training_display
    from tokpipe.tasks.distill_text import distill_text

    with training_display(session.progress) as watch:
        found = distill_text(
            asked.teacher,
            shards,
            asked.output,
            config=asked.config,
            training=training,
            compare=asked.compare,
            **_how(session),
            watch=watch,
        )
    models = [
        {
            "name": one.name,
            "folder": str(one.folder),
            "mlm_loss": one.loss,
            "mlm_accuracy": one.accuracy,
            "parameters": one.parameters,
            "tokens_per_second": round(one.speed, 1),
        }
        for one in found.models
    ]
    rows = [
        (one.name, f"{one.loss:.4f}", f"{100 * one.accuracy:.1f} %", one.parameters, one.speed)
        for one in found.models
    ]
    title = f"{found.split}: {found.masks:,} masks"
    _show(session, asked, {"split": found.split, "models": models}, title, (_TEXT_COLUMNS, rows))


def _on_task(
    session: Session,
    asked: _Asked,
    paths: Mapping[str, str | None],
    training: FinetuneConfig,
    columns: Mapping[str, Config],
) -> None:
    if session.dry_run:
        from tokpipe.tasks.job_lesson import prepare_lesson

        given = {name: path for name, path in paths.items() if path is not None}
        run, threads = run_place(asked.output), thread_count(session.threads)
        how, told = (asked.config, training), (threads, session.progress)
        lesson = prepare_lesson(asked.teacher, given, run, how, columns, told)
        plan, teacher = finetuning_plan(lesson.alone, threads, asked.output), lesson.job.model
        size = lesson.kept.bytes(teacher, lesson.questions)
        show_plan(session, distilling_plan(plan, lesson.questions, teacher, size))
        return
    from tokpipe.cli.training_display import training_display
    from tokpipe.tasks.distill import distill as run_distillation

    with training_display(session.progress) as watch:
        found = run_distillation(
            asked.teacher,
            out=asked.output,
            **paths,  # type: ignore[arg-type]  # --train is given
            config=asked.config,
            training=training,
            columns=columns,
            compare=asked.compare,
            **_how(session),
            watch=watch,
        )
    models = [
        {
            "name": one.name,
            "folder": str(one.folder),
            one.score.name: one.score.value,
            "interval": [one.score.low, one.score.high],
            "parameters": one.parameters,
            "rows_per_second": round(one.speed, 1),
            "notes": one.notes,
        }
        for one in found.models
    ]
    rows = [(one.name, *scored(*one.score[1:]), one.parameters, one.speed) for one in found.models]
    notes = [f"{found.part}, {one.name}: {note}" for one in found.models for note in one.notes]
    title = f"{found.part}: {found.models[0].score.name} of {found.rows:,}"
    result = {"part": found.part, "models": models}
    _show(session, asked, result, title, (_TASK_COLUMNS, rows), notes)


def _how(session: Session) -> dict[str, Any]:
    return {
        "threads": session.threads,
        "force": session.force,
        "progress": session.progress,
    }


def _show(
    session: Session,
    asked: _Asked,
    result: Mapping[str, Any],
    title: str,
    table: tuple[Sequence[str], Sequence[tuple[Any, ...]]],
    notes: Sequence[str] = (),
) -> None:
    if session.json:
        session.console.json({"output": asked.output, **result})
        return
    columns, rows = table
    shown = [(*cells, f"{parameters:,}", f"{speed:,.0f}") for *cells, parameters, speed in rows]
    session.console.table(title, shown, columns)
    uses = "predict" if "score" in columns else "inspect run"
    show_notes(session, notes)
    session.console.go_on_with(f"tokpipe {uses} {typed(asked.output)}")
