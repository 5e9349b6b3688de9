"""`tokpipe compare-layers`: which layers of a model know what a job needs."""

from typing import Any

import click

from tokpipe.baselines.config import LayersConfig
from tokpipe.cli.column_options import tag_column_options, text_column_options
from tokpipe.cli.command import Session, command
from tokpipe.cli.options import config_options
from tokpipe.finetuning.config import WindowConfig

_TASKS = ("pos", "ner", "classification")


@command(
    examples=[
        "tokpipe compare-layers out/run --task ner --train train.conll --test dev.conll",
        "tokpipe compare-layers out/run --task classification --train train.tsv --test dev.tsv "
        "--pooling mean --json",
    ]
)
@click.argument("model", metavar="MODEL")
@click.option("--task", type=click.Choice(_TASKS), required=True, help="What words or texts get.")
@click.option("--train", metavar="FILE", required=True, help="The part that is learned from.")
@click.option("--test", metavar="FILE", required=True, help="The part that is scored.")
@click.option(
    *("-o", "--output"),
    metavar="FOLDER",
    help="Keep the figures here, and the vectors meanwhile.  [default: a temporary folder]",
)
@config_options(LayersConfig, "config", heading="Comparison")
@config_options(WindowConfig, "windows", heading="Long texts")
@text_column_options("id")
@tag_column_options()
def compare_layers(
    session: Session,
    model: str,
    task: str,
    output: str | None,
    text_columns: Any,
    tag_columns: Any,
    **given: Any,
) -> None:
    """Compare what the layers of MODEL know of a job, by a linear model of each.

    MODEL is not trained. Each word (its first piece) or text is given the vectors of all layers,
    once, in a file that is removed in the end; its size is told first. A linear model learns from
    each layer alone, from the last four side by side, from sums, and from a weighted sum whose
    weights it learns. Embeddings and middle layers often know more of words than the last one.

    Each is learned with several seeds. They differ in the rows that are held out, by which it is
    chosen how small the weights are held. As all numbers are brought to one scale, the sum of
    layers is also their mean.
    """
    session.begin_kernels()
    from tokpipe.baselines.layers import compare_layers as compare

    found = compare(
        *(task, model),
        out=output,
        columns=text_columns if task == "classification" else tag_columns,
        seed=session.seed,
        force=session.force,
        threads=session.threads,
        progress=session.progress,
        **given,
    )
    if session.json:
        session.console.json(found.to_dict())
        return
    from tokpipe.inspection.terminal.layers import layers_renderable

    session.console.rich().print(layers_renderable(found))
