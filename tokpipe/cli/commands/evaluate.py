"""`tokpipe evaluate`: how well a model does its job, or its losses on shards."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.column_options import tag_column_options, text_column_options
from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL, Count, config_options
from tokpipe.cli.ranks import SEVERAL, ranks_of
from tokpipe.engines.mpi.config import RanksConfig
from tokpipe.foundation.config import Config
from tokpipe.labelled.config import TagColumns, TextColumns
from tokpipe.tasks.config import EvaluateConfig

if TYPE_CHECKING:
    from tokpipe.tasks.model import BertModel
    from tokpipe.training.ranks import Ranks


@command(
    examples=[
        "tokpipe evaluate out/sst2 dev.tsv --errors 20",
        "tokpipe evaluate out/ner test.conll --json",
        "tokpipe evaluate out/run out/shards",
        "tokpipe evaluate out/run out/shards --split train --most-batches 50 --json",
    ]
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("data", metavar="DATA", type=MODEL)
@click.option(
    "--errors",
    type=Count(),
    metavar="N",
    default=0,
    help="Show N of what a fine-tuned model got wrong, the surest first.  [default: 0]",
)
@text_column_options("id")
@tag_column_options()
@config_options(EvaluateConfig, "config", heading="Evaluation on shards")
@config_options(RanksConfig, "ranks", heading=SEVERAL, leave_out=("mpi_dtype",))
def evaluate(
    session: Session,
    model: Path,
    data: Path,
    errors: int,
    text_columns: TextColumns,
    tag_columns: TagColumns,
    config: EvaluateConfig,
    ranks: RanksConfig,
) -> None:
    """Show how well MODEL does on DATA.

    Of a fine-tuned model, and labelled DATA as finetune reads it: scores with 95 % intervals,
    beside them what always giving the most frequent answer comes to, a row for each class, which
    label was taken for which, and mistakes. Of other models, and a folder of shards: losses,
    perplexity and accuracies.
    """
    session.begin_kernels()
    with ranks_of(ranks) as workers:
        loaded = open_model(session, model)
        if loaded.config.task == "none":
            _on_shards(session, loaded, model, data, config, workers)
        else:
            columns = {"texts": text_columns, "words": tag_columns}
            _on_labelled(session, loaded, model, data, columns, errors, workers)


def _on_labelled(
    session: Session,
    loaded: "BertModel",
    model: Path,
    data: Path,
    columns: Mapping[str, Config],
    errors: int,
    ranks: "Ranks",
) -> None:
    from tokpipe.tasks.judge import judge
    from tokpipe.tasks.predict import Job

    job = Job.of(loaded)
    found = judge(
        *(job, data, columns.get(job.task.data)),
        mistakes=errors,
        threads=session.threads,
        progress=session.progress,
        ranks=ranks,
    )
    if session.json:
        session.console.json(found.to_dict())
        return
    from tokpipe.inspection.terminal.judged import judged_renderable

    session.console.rich().print(judged_renderable(found, f"{model} on {data}"))


def _on_shards(
    session: Session,
    loaded: "BertModel",
    model: Path,
    shards: Path,
    config: EvaluateConfig,
    ranks: "Ranks",
) -> None:
    from tokpipe.tasks.evaluate import evaluate_shards

    found: Mapping[str, object] = evaluate_shards(
        *(loaded, shards, config),
        seed=session.seed,
        threads=session.threads,
        progress=session.progress,
        ranks=ranks,
    ).to_dict()
    if session.json:
        session.console.json(found)
        return
    rows = [(name.replace("_", " "), _shown(name, value)) for name, value in found.items()]
    session.console.table(f"{model} on {shards}", rows)


def _shown(name: str, value: object) -> str:
    if isinstance(value, float):
        return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
