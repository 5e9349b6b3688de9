"""`tokpipe explain masking`: how one example is masked, draw by draw."""

from collections.abc import Callable
from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import MODEL, config_options
from tokpipe.cli.pages import check_page, page_option, shown
from tokpipe.examples.config import MaskConfig


def one_text(run: Callable[..., None]) -> Callable[..., None]:
    """Give a command a text to mask, and a vocabulary or one that is made of the text."""
    about = "Tokenizer folder or file; by default a small vocabulary made of the text's own words."
    option = click.option("-t", "--tokenizer", metavar="FOLDER", type=MODEL, help=about)
    return click.argument("text", required=False)(option(run))


@command(
    name="masking",
    examples=[
        "tokpipe explain masking",
        'tokpipe explain masking "The ferry leaves at seven." --whole-word',
        'tokpipe explain masking "The ferry leaves at seven." -t out/wp --seed 7',
        "tokpipe explain masking --span geometric --masked-lm-prob 0.4",
    ],
)
@one_text
@page_option()
@config_options(MaskConfig, "masks", leave_out=("masking", "dupe_factor", "compat"))
def explain_masking(
    session: Session,
    text: str | None,
    tokenizer: Path | None,
    masks: MaskConfig,
    html: str | None,
) -> None:
    """Mask TEXT and show each step: candidates, their number, the draws, what becomes of them.

    The draws are those that the first row of a shard gets in the first epoch with the same seed.
    """
    check_page(session, html)
    from tokpipe.foundation.seeds import stream_key
    from tokpipe.inspection.epochs import encode_one
    from tokpipe.inspection.mask_trace import trace_json, trace_masking
    from tokpipe.inspection.opening import open_for_text

    text, opened = open_for_text(text, tokenizer)
    ids, facts = encode_one(text, opened.tokenizer)
    trace = trace_masking(ids, stream_key(session.seed, "mask", 0, 0, 0), facts, masks)
    if session.json:
        session.console.json(trace_json(trace, opened.tokenizer.tokens))
    if session.json and html is None:
        return
    from tokpipe.inspection.terminal.masking import Vocabulary, mask_trace_renderable

    vocabulary = Vocabulary(opened.tokenizer.tokens, opened.form)
    key = f"seed {session.seed}, epoch 0, shard 0, row 0 and the position alone"
    with shown(session, html, "Masking, draw by draw") as page:
        page.print(mask_trace_renderable(trace, masks, vocabulary, key))
