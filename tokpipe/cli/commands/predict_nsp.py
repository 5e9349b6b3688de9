"""`tokpipe predict nsp`: whether one text follows another."""

from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL


@command(
    name="nsp",
    examples=['tokpipe predict nsp out/run "The dog barked." "The cat ran away."'],
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
def predict_nsp(session: Session, model: Path, first: str, second: str) -> None:
    """Show how likely it is that B follows A, by the model's NSP head."""
    session.begin_kernels()
    from tokpipe.tasks.nsp import judge_pairs

    loaded = open_model(session, model, "none")
    follows = float(judge_pairs(loaded, [(first, second)], threads=session.threads)[0])
    if session.json:
        session.console.json({"a": first, "b": second, "follows": follows, "random": 1 - follows})
        return
    from tokpipe.inspection.terminal.model import scores_renderable

    rows = [("B follows A", follows), ("B is a random text", 1 - follows)]
    session.console.rich().print(scores_renderable("", rows))
