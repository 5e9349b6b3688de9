"""`tokpipe inspect model`: the tensors of a model, and the work that a token takes."""

from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import MODEL


@command(
    name="model",
    examples=["tokpipe inspect model out/run", "tokpipe inspect model out/run --json"],
)
@click.argument("path", metavar="MODEL", type=MODEL)
def inspect_model(session: Session, path: Path) -> None:
    """Show a model as a tree of its tensors: shapes, parameters, MiB, operations a token."""
    from tokpipe.bert.huggingface.stored import other_heads_note
    from tokpipe.inspection.model import model_json, view_model

    view = view_model(path)
    if view.left_out:
        session.progress.note(f"{path}: {other_heads_note(view.left_out)}")
    if session.json:
        session.console.json(model_json(view))
        return
    from tokpipe.inspection.terminal.model import model_renderable

    session.console.rich().print(model_renderable(view))
