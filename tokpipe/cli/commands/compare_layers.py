"""`tokpipe compare-layers`: which layers of a model know what a job needs."""

from tempfile import gettempdir
from typing import Any

import click

from tokpipe.baselines.config import LayersConfig
from tokpipe.cli.column_options import tag_column_options, text_column_options
from tokpipe.cli.command import Session, command
from tokpipe.cli.options import MODEL, config_options
from tokpipe.cli.plan import Plan, show_plan
from tokpipe.finetuning.config import WindowConfig

_TASKS = ("pos", "ner", "classification")
_OPERATIONS = 30e9  # a second and core: small models, and a model that only answers
_LINEAR_STEPS = 100  # of all strengths, each going over all vectors twice
_BILSTM = 8 * 128 * 6  # operations of a word for each number it is read by, there and back


@command(
    examples=[
        "tokpipe compare-layers out/run --task ner --train train.conll --test dev.conll",
        "tokpipe compare-layers out/run --task classification --train train.tsv --test dev.tsv "
        "--pooling mean --json",
        "tokpipe compare-layers out/run --task pos --train train.conllu --test dev.conllu "
        "--heads linear,bilstm --seeds 1",
    ],
    plans=True,
)
@click.argument("model", metavar="MODEL", type=MODEL)
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
    """Compare what the layers of MODEL know of a job, by a small model of each.

    MODEL is not trained. Each word (its first piece) or text is given the vectors of all layers,
    once, in a file that is removed in the end; its size is told first. A linear model (or a BiLSTM,
    see --heads) learns from each layer alone, from the last four side by side, from sums, and from
    a weighted sum whose weights it learns. Embeddings and middle layers often know more of words
    than the last one.

    Each is learned with several seeds. They differ in the rows that are held out, by which it is
    chosen how small the weights are held, or the epoch. As all numbers are brought to one scale,
    the sum of layers is also their mean.
    """
    session.begin_kernels()
    columns = text_columns if task == "classification" else tag_columns
    if session.dry_run:
        show_plan(session, _plan(session, (task, model), output, columns, given))
        return
    from tokpipe.baselines.layers import compare_layers as compare

    found = compare(
        *(task, model),
        out=output,
        columns=columns,
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


def _plan(
    session: Session,
    what: tuple[str, str],
    output: str | None,
    columns: Any,
    given: dict[str, Any],
) -> Plan:
    from tokpipe.baselines.layer_features import planes_of
    from tokpipe.baselines.layers import combinations, prepare
    from tokpipe.foundation.threads import thread_count
    from tokpipe.inspection.model import work_of
    from tokpipe.training.memory import PROGRAM

    how = {"seed": session.seed, "threads": session.threads, "progress": session.progress}
    made = prepare(*what, columns=columns, **given, **how)
    config, model = made.config, made.encoder.config
    asked = combinations(made.layers)
    models = len(asked) * config.seeds
    tokens = sum(len(part.examples.input_ids) for part in made.parts)
    windows = sum(len(part.examples) for part in made.parts)
    work = work_of(model, max(1, tokens // max(windows, 1))).encoder * tokens
    numbers = model.hidden_size * sum(len(one.which) for one in asked) * config.seeds
    classes = len(made.parts[0].data.names)  # type: ignore[union-attr]
    for group in made.groups:
        places = made.places(group.pooling)[0]
        costs = {"linear": 4 * classes * _LINEAR_STEPS, "bilstm": _BILSTM * config.epochs}
        work += sum(costs[head] * numbers * places for head in group.heads)
    return Plan(
        title=f"Comparing layers for {what[0]}",
        facts={
            "model": what[1],
            "layers": made.layers,
            "vectors a word or text": planes_of(made.layers),
            "windows": windows,
            "tokens": tokens,
            "heads": config.heads,
            "models": models * len(config.heads),
        },
        memory=PROGRAM + 4 * len(made.encoder.parameters.block) + 200 * tokens,
        disk=made.feature_bytes,
        seconds=3.0 + work / _OPERATIONS / min(thread_count(session.threads), 2),
        output=output or gettempdir(),
    )
