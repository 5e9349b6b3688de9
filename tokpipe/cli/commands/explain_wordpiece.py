"""`tokpipe explain wordpiece`: WordPiece, step by step."""

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.commands.explain_bpe import show
from tokpipe.cli.options import config_options
from tokpipe.cli.pages import page_option
from tokpipe.inspection.config import ExplainWordpieceConfig


@command(
    name="wordpiece",
    examples=[
        "tokpipe explain wordpiece hug:10,pug:5,pun:12,bun:4,hugs:5 --steps 3 --encode bugs",
        "tokpipe explain wordpiece hug:10,pug:5,pun:12,bun:4,hugs:5 --score frequency",
    ],
)
@click.argument("text")
@page_option()
@config_options(ExplainWordpieceConfig, "config")
def explain_wordpiece(
    session: Session, text: str, config: ExplainWordpieceConfig, html: str | None
) -> None:
    """Learn a vocabulary from TEXT and show each step: pairs, scores, ties, the words after it.

    TEXT is words between spaces, or word:count,word:count.
    """
    show(session, text, config, "WordPiece", html)
