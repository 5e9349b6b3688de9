"""`tokpipe evaluate`: how well a model does its job, or its losses on shards."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.column_options import (
    refuse_other_columns,
    tag_column_options,
    text_column_options,
)
from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL, Count, config_options
from tokpipe.cli.precision import precision_option, tell_differences
from tokpipe.cli.ranks import SEVERAL, ranks_of
from tokpipe.engines.mpi.config import RanksConfig
from tokpipe.foundation.config import Config
from tokpipe.labelled.config import TagColumns, TextColumns
from tokpipe.tasks.config import EvaluateConfig

if TYPE_CHECKING:
    from tokpipe.metrics.scores import Scores
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
@precision_option
@text_column_options("id")
@tag_column_options()
@config_options(EvaluateConfig, "config", heading="Evaluation on shards")
@config_options(RanksConfig, "ranks", heading=SEVERAL, leave_out=("mpi_dtype",))
def evaluate(
    session: Session,
    model: Path,
    data: Path,
    errors: int,
    precision: str,
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
        loaded = open_model(session, model, precision=precision)
        if loaded.config.task == "none" and not data.is_file():
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
    refuse_other_columns(job.task.data, str(model))
    found = judge(
        *(job, data, columns.get(job.task.data)),
        mistakes=errors,
        threads=session.threads,
        progress=session.progress,
        ranks=ranks,
    )
    exact = None
    if loaded.precision == "int8":
        other = replace(job, model=loaded.in_precision("float32"))
        exact = judge(
            *(other, data, columns.get(job.task.data)),
            threads=session.threads,
            progress=session.progress,
            ranks=ranks,
        )
    if session.json:
        session.console.json({**found.to_dict(), **_beside(found.scores, exact and exact.scores)})
        return
    from tokpipe.inspection.terminal.judged import judged_renderable

    session.console.rich().print(judged_renderable(found, f"{model} on {data}"))
    if exact:
        tell_differences(session, _values(found.scores), _values(exact.scores))


def _values(scores: "Scores") -> dict[str, object]:
    return {score.name: score.value for score in scores.scores}


def _beside(ours: "Scores", exact: "Scores | None") -> dict[str, object]:
    """Return what 8 bits cost, as JSON; nothing where nothing was rounded to them."""
    if exact is None:
        return {}
    from tokpipe.tasks.rounding import differences

    return {"precision": differences(_values(ours), _values(exact))}


def _on_shards(
    session: Session,
    loaded: "BertModel",
    model: Path,
    shards: Path,
    config: EvaluateConfig,
    ranks: "Ranks",
) -> None:
    from tokpipe.tasks.evaluate import evaluate_shards

    def losses(model: "BertModel") -> Mapping[str, object]:
        return evaluate_shards(
            *(model, shards, config),
            seed=session.seed,
            threads=session.threads,
            progress=session.progress,
            ranks=ranks,
        ).to_dict()

    found = losses(loaded)
    exact = losses(loaded.in_precision("float32")) if loaded.precision == "int8" else None
    if session.json:
        from tokpipe.tasks.rounding import differences

        session.console.json(
            {**found, **({"precision": differences(found, exact)} if exact else {})}
        )
        return
    rows = [(name.replace("_", " "), _shown(name, value)) for name, value in found.items()]
    session.console.table(f"{model} on {shards}", rows)
    if exact:
        tell_differences(session, found, exact)


def _shown(name: str, value: object) -> str:
    if isinstance(value, float):
        return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
