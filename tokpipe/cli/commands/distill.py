"""`tokpipe distill`: a smaller model that does the same job, or is pretrained as well."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.column_options import tag_column_options, text_column_options
from tokpipe.cli.command import Session, command
from tokpipe.cli.labelled_runs import kept, part_option
from tokpipe.cli.options import config_options
from tokpipe.cli.plan import distilling_plan, finetuning_plan, pretraining_plan, show_plan
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.labelled.config import TagColumns, TextColumns
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.training.config import TrainingConfig

if TYPE_CHECKING:
    from tokpipe.tasks.distill import Distilled
    from tokpipe.tasks.distill_text import DistilledText

_NOT_ASKED = (
    *("seed", "seeds", "freeze", "reinit_layers", "layer_decay"),
    *("class_weights", "label_smoothing"),
)
_ON_TEXT = tuple(field.name for field in fields(TrainingConfig))
_ON_TASKS = tuple(field.name for field in fields(FinetuneConfig))
_NOT_ASKED_ON_TEXT = (*_ON_TASKS, "adam_beta1", "adam_beta2", "mlm_bias")
_PARTS = ("train", "validation", "test")


@command(
    examples=[
        "tokpipe distill out/sst2 --train train.tsv --validation dev.tsv -o out/sst2-small",
        "tokpipe distill out/sst2 --train train.tsv --layers 3 --compare -o out/three",
        "tokpipe distill out/run --text out/shards --epochs 1 -o out/small",
    ],
    plans=True,
)
@click.argument("teacher", metavar="TEACHER")
@click.option(
    "--text",
    metavar="SHARDS",
    help="Learn on text: shards that build-shards made with TEACHER's tokenizer.",
)
@part_option("--train", "Learn on a task: the part that is learned from.")
@part_option("--validation", "The part that the best epoch is chosen by.")
@part_option("--test", "A part that is only scored, when all is chosen.")
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
    given_only=True,
)
@config_options(
    TrainingConfig,
    "on_text",
    heading="Training on text",
    leave_out=_NOT_ASKED_ON_TEXT,
    given_only=True,
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
    columns = {"texts": text_columns, "words": tag_columns}
    given = {**{part: path for part, path in paths.items() if path}, **training}
    is_default = text_columns == TextColumns() and tag_columns == TagColumns()
    if text is None:
        _refuse("--text", on_text)
    else:
        _refuse("--train", {name: v for name, v in given.items() if name not in _ON_TEXT})
        if not is_default:
            raise click.UsageError("columns go with --train")
    session.begin_kernels(keeps=lambda: kept(Path(output)))
    how = {"config": config, "training": {**training, **on_text, "seed": session.seed}}
    if text is not None:
        _on_text(session, teacher, text, output, compare, how)
    else:
        _on_task(session, teacher, paths, output, compare, {**how, "columns": columns})
