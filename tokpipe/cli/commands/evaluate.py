"""`tokpipe evaluate`: the losses of a model on shards."""

from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import config_options
from tokpipe.tasks.config import EvaluateConfig


@command(
    examples=[
        "tokpipe evaluate out/run out/shards",
        "tokpipe evaluate out/run out/shards --split train --most-batches 50 --json",
    ]
)
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("shards", metavar="SHARDS", type=click.Path(path_type=Path))
@config_options(EvaluateConfig, "config", heading="Evaluation")
def evaluate(session: Session, model: Path, shards: Path, config: EvaluateConfig) -> None:
    """Show loss, perplexity and accuracies of a model on the validation split of SHARDS."""
    session.begin_kernels()
    from tokpipe.tasks.evaluate import evaluate_shards

    loaded = open_model(session, model)
    found = evaluate_shards(
        *(loaded, shards, config),
        seed=session.seed,
        threads=session.threads,
        progress=session.progress,
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
