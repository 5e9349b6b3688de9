"""`tokpipe inspect shards`: what training data looks like."""

from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import MODEL
from tokpipe.cli.pages import check_page, page_option, shown
from tokpipe.foundation.visible import visible


@command(
    name="shards",
    examples=[
        "tokpipe inspect shards out/shards",
        "tokpipe inspect shards out/shards --examples 10 --split validation",
        "tokpipe inspect shards out/shards --json | jq .splits.train.measured",
    ],
)
@click.argument("folder", type=MODEL)
@click.option(
    "--examples",
    type=click.IntRange(0, 1000),
    metavar="N",
    default=3,
    show_default=True,
    help="How many examples of each split to show.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "both"]),
    default="train",
    show_default=True,
    help="Which part to look at.",
)
@page_option()
def inspect_shards(
    session: Session, folder: Path, examples: int, split: str, html: str | None
) -> None:
    """Show examples of FOLDER with what stood under each mask, and measure their masks.

    Shares come with 99 % intervals; beside them the balance of next sentences, the lengths, and
    what a trainer would waste that pads.
    """
    check_page(session, html)
    session.begin_kernels()
    from tokpipe.inspection.opening import Opened
    from tokpipe.inspection.shards import shards_json, view_split
    from tokpipe.shards.reader import TOKENIZER, open_shards

    shards = open_shards(folder)
    views = [
        view_split(shards, one, examples, session.seed)
        for one in shards.splits
        if split in (one.name, "both")
    ]
    if session.json:
        session.console.json(shards_json(shards, views))
    if session.json and html is None:
        return
    from tokpipe.inspection.terminal.masking import Vocabulary
    from tokpipe.inspection.terminal.shards import shards_renderable

    opened = Opened(folder / TOKENIZER, shards.tokenizer)
    vocabulary = Vocabulary(shards.tokenizer.tokens, opened.form)
    with shown(session, html, f"Shards {visible(str(folder))}") as page:
        page.print(shards_renderable(shards, views, vocabulary))
