"""`tokpipe distill`: a smaller model that does the same job."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.column_options import tag_column_options, text_column_options
from tokpipe.cli.command import Session, command
from tokpipe.cli.labelled_runs import kept, part_option
from tokpipe.cli.options import config_options
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.labelled.config import TagColumns, TextColumns
from tokpipe.tasks.distill_config import DistillConfig

if TYPE_CHECKING:
    from tokpipe.tasks.distill import Distilled

_NOT_ASKED = (
    *("seed", "seeds", "freeze", "reinit_layers", "layer_decay"),
    *("class_weights", "label_smoothing"),
)
_COLUMNS = ("model", "score", "95 % interval", "parameters", "rows/s")


@command(
    examples=[
        "tokpipe distill out/sst2 --train train.tsv --validation dev.tsv -o out/sst2-small",
        "tokpipe distill out/sst2 --train train.tsv --layers 3 --compare -o out/three",
    ]
)
@click.argument("teacher", metavar="TEACHER")
@part_option("--train", "The part that is learned from.", required=True)
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
@config_options(FinetuneConfig, "training", heading="Training", leave_out=_NOT_ASKED)
def distill(
    session: Session,
    *,
    teacher: str,
    output: str,
    compare: bool,
    config: DistillConfig,
    text_columns: TextColumns,
    tag_columns: TagColumns,
    training: FinetuneConfig,
    **paths: Any,
) -> None:
    """Train a smaller model for the job of TEACHER, a fine-tuned folder of any task.

    The student learns from gold labels and from what the teacher makes of the same rows, which is
    asked once; its answers lie in a file beside STUDENT meanwhile. With fewer layers it begins as
    every second (third, ...) layer of the teacher; narrower, it is drawn. A table shows both, their
    scores and speeds. Stop it whenever you like: the same command goes on, to the same weights.
    """
    session.begin_kernels(keeps=lambda: kept(Path(output)))
    from tokpipe.cli.training_display import training_display
    from tokpipe.tasks.distill import distill as run

    with training_display(session.progress) as watch:
        found = run(
            teacher,
            out=output,
            **paths,
            config=config,
            training=replace(training, seed=session.seed),
            columns={"texts": text_columns, "words": tag_columns},
            compare=compare,
            threads=session.threads,
            force=session.force,
            watch=watch,
            progress=session.progress,
        )
    _show(session, output, found)


def _show(session: Session, output: str, found: "Distilled") -> None:
    if session.json:
        models = [
            {
                "name": one.name,
                "folder": str(one.folder),
                one.score.name: one.score.value,
                "interval": [one.score.low, one.score.high],
                "parameters": one.parameters,
                "rows_per_second": round(one.speed, 1),
            }
            for one in found.models
        ]
        session.console.json({"output": output, "part": found.part, "models": models})
        return
    name = found.models[0].score.name
    rows = [
        (
            one.name,
            f"{one.score.value:.4f}",
            f"{one.score.low:.4f} to {one.score.high:.4f}",
            f"{one.parameters:,}",
            f"{one.speed:,.0f}",
        )
        for one in found.models
    ]
    session.console.table(f"{found.part}: {name} of {found.rows:,}", rows, _COLUMNS)
    session.console.out.line(f"\nGo on with:\n\n  tokpipe predict {output}")
