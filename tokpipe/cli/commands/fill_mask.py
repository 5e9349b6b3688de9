"""`tokpipe fill-mask`: the tokens that a model would put in place of a mask."""

import sys
from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL, Count
from tokpipe.cli.texts import given_texts
from tokpipe.foundation.progress import SILENT

_FEW = 100  # texts, done before a bar could be read


@command(
    name="fill-mask",
    examples=[
        'tokpipe fill-mask out/run "The dog sat on the [MASK]."',
        'tokpipe fill-mask out/run --top-k 3 "[MASK] is the capital of [MASK]." --json',
        "tokpipe fill-mask out/run - < sentences.txt",
    ],
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
@click.option(
    "-k",
    "--top-k",
    type=Count(least=1),
    metavar="N",
    default=5,
    help="Tokens for each mask.  [default: 5]",
)
def fill_mask(session: Session, model: Path, texts: tuple[str, ...], top_k: int) -> None:
    """Show the likeliest tokens for each mask in TEXT, with their probabilities.

    TEXT may be - for lines of standard input. A mask is written as the model's tokenizer has it:
    [MASK] where it is like BERT's, <mask> where it is like RoBERTa's.
    """
    session.begin_kernels()
    from tokpipe.tasks.fill_mask import fill_masks

    lines = given_texts(texts, sys.stdin)
    loaded = open_model(session, model, "none")
    progress = session.progress if len(lines) > _FEW else SILENT
    found = fill_masks(loaded, lines, top_k, threads=session.threads, progress=progress)
    if session.json:
        session.console.json(
            [
                {"text": text, "masks": [[c._asdict() for c in mask] for mask in masks]}
                for text, masks in zip(lines, found, strict=True)
            ]
        )
        return
    from tokpipe.inspection.opening import Opened
    from tokpipe.inspection.terminal.model import scores_renderable

    terminal, form = session.console.rich(), Opened(model, loaded.tokenizer).form
    for number, (text, masks) in enumerate(zip(lines, found, strict=True)):
        for place, mask in enumerate(masks):
            if number or place:
                terminal.print()
            title = f"{text} (mask {place + 1})" if len(masks) > 1 else text
            rows = [(candidate.token, candidate.score) for candidate in mask]
            terminal.print(scores_renderable(title, rows, form=form))
