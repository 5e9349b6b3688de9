"""`tokpipe inspect masking`: one sentence under static and dynamic masking."""

from dataclasses import replace
from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.commands.explain_masking import one_text
from tokpipe.cli.options import Count, config_options
from tokpipe.cli.pages import check_page, page_option, shown
from tokpipe.examples.config import MaskConfig


@command(
    name="masking",
    examples=[
        "tokpipe inspect masking --epochs 4",
        'tokpipe inspect masking "The ferry leaves at seven." -t out/wp --epochs 8',
        "tokpipe inspect masking --epochs 10 --dupe-factor 5 --whole-word",
    ],
)
@one_text
@page_option()
@click.option(
    "--epochs",
    type=click.IntRange(1, 99),
    metavar="N",
    default=4,
    show_default=True,
    help="How many passes over the text.",
)
@click.option(
    "--dupe-factor",
    type=Count(least=1),
    default=1,
    show_default=True,
    help="How many copies static masking stores; pass after pass takes the next one.",
)
@config_options(MaskConfig, "masks", leave_out=("masking", "dupe_factor", "compat"))
def inspect_masking(
    session: Session,
    text: str | None,
    tokenizer: Path | None,
    epochs: int,
    dupe_factor: int,
    masks: MaskConfig,
    html: str | None,
) -> None:
    """Mask TEXT once an epoch, with masks that are stored and masks that are drawn anew.

    A line a token, a column a pass; under it, how many of the chosen positions two passes share.
    """
    check_page(session, html)
    from tokpipe.inspection.epochs import epochs_json, view_epochs
    from tokpipe.inspection.opening import open_for_text

    text, opened = open_for_text(text, tokenizer)
    config = replace(masks, dupe_factor=dupe_factor)
    view = view_epochs(text, opened.tokenizer, config, epochs, session.seed)
    if session.json:
        session.console.json(epochs_json(view, opened.tokenizer.tokens))
    if session.json and html is None:
        return
    from tokpipe.inspection.terminal.epochs import epochs_renderable
    from tokpipe.inspection.terminal.masking import Vocabulary

    vocabulary = Vocabulary(opened.tokenizer.tokens, opened.form)
    name = "a vocabulary of the text's own words" if tokenizer is None else str(tokenizer)
    about = "" if tokenizer is None else opened.about
    with shown(session, html, "Static and dynamic masking") as page:
        page.print(epochs_renderable(view, vocabulary, name, about))
