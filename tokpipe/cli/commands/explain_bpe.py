"""`tokpipe explain bpe`: byte pair encoding, step by step."""

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import config_options
from tokpipe.cli.pages import check_page, page_option, shown
from tokpipe.inspection.config import ExplainBpeConfig, ExplainWordpieceConfig


@command(
    name="bpe",
    examples=[
        "tokpipe explain bpe aaabdaaabac --steps 3",
        "tokpipe explain bpe text_:9,texting_:10,context_:11 --encode contexting_",
        "tokpipe explain bpe hug:10,pug:5,pun:12,bun:4,hugs:5 --tie-break lowest-id",
    ],
)
@click.argument("text")
@page_option()
@config_options(ExplainBpeConfig, "config")
def explain_bpe(session: Session, text: str, config: ExplainBpeConfig, html: str | None) -> None:
    """Learn merges from TEXT and show each step: pairs, counts, ties, the words after it.

    TEXT is one string of symbols, words between spaces, or word:count,word:count.
    """
    show(session, text, config, "Byte pair encoding", html)


def show(
    session: Session,
    text: str,
    config: ExplainBpeConfig | ExplainWordpieceConfig,
    title: str,
    html: str | None,
) -> None:
    """Train on the text, and print the steps or their JSON."""
    check_page(session, html)
    from tokpipe.inspection.explain import explain, explanation_json

    explanation = explain(text, config.vocab_config(), config.steps, config.encode)
    if session.json:
        session.console.json(explanation_json(explanation))
    if session.json and html is None:
        return
    from tokpipe.inspection.terminal.explain import (
        encoded_renderable,
        explanation_renderable,
        source_renderable,
    )

    encoded = encoded_renderable(explanation)
    with shown(session, html, title) as page:
        page.print(explanation_renderable(explanation))
        if encoded is not None:
            page.print()
            page.print(encoded)
        page.print(source_renderable(explanation))
