"""`tokpipe inspect tokens`: what tokenizers make of a text."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import MODEL
from tokpipe.cli.pages import check_page, page_option, shown
from tokpipe.foundation.errors import ConfigError, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from tokpipe.inspection.opening import Opened
    from tokpipe.inspection.terminal.text_page import TextPage
    from tokpipe.inspection.tokens import TokenView

_MOST_CHARACTERS = 200_000  # of standard input: 38,000 lines of output, half a minute


@command(
    name="tokens",
    examples=[
        "tokpipe inspect tokens -t out/wp \"Ångström's naïve café: 東京 😀 don't\"",
        'tokpipe inspect tokens -t out/wp -t out/bb "the same text under two"',
        "tokpipe inspect tokens -t out/bb --trace unbelievable",
        "head -3 corpus.txt | tokpipe inspect tokens -t out/wp -",
    ],
)
@click.argument("text", required=False)
@click.option(
    "-t",
    "--tokenizer",
    multiple=True,
    required=True,
    metavar="FOLDER",
    type=MODEL,
    help="Tokenizer folder, tokenizer.json or vocab.txt; several are shown one under the other.",
)
@click.option("--pair", metavar="TEXT", help="A second text, encoded as a pair with the first.")
@click.option(
    "--trace",
    metavar="WORD",
    help="Show step by step how WORD becomes tokens: longest match (WordPiece) or merges (BPE).",
)
@click.option(
    "--special-tokens/--no-special-tokens",
    "special_tokens",
    default=True,
    show_default=True,
    help="Put [CLS], [SEP] and their like around the text.",
)
@page_option()
def inspect_tokens(
    session: Session,
    text: str | None,
    tokenizer: Sequence[Path],
    pair: str | None,
    trace: str | None,
    special_tokens: bool,
    html: str | None,
) -> None:
    """Show the tokens of TEXT with their ids, their places and the borders of words.

    TEXT may be - for standard input.
    """
    from tokpipe.inspection.opening import open_tokenizer

    check_page(session, html)
    if text is None and trace is None:
        raise ConfigError("There is no text to look at", hint='Give a TEXT, or --trace "a word".')
    if text == "-":
        text = _standard_input()
    opened = [open_tokenizer(path) for path in tokenizer]
    views = [] if text is None else [
        one.view(text, pair, add_special_tokens=special_tokens) for one in opened
    ]  # fmt: skip
    if session.json:
        _print_json(session, opened, views, trace)
    if not session.json or html is not None:
        with shown(session, html, "Tokens") as page:
            print_tokens(page, opened, views, trace, legend=not session.quiet)


def print_tokens(
    terminal: "Console | TextPage",
    opened: Sequence["Opened"],
    views: Sequence["TokenView"],
    word: str | None = None,
    *,
    legend: bool,
) -> None:
    """Print what tokenizers make of a text, and the steps to the tokens of a word."""
    from tokpipe.inspection.terminal.tokens import (
        comparison_renderable,
        legend_renderable,
        tokens_renderable,
    )
    from tokpipe.inspection.terminal.trace import trace_renderable

    for view in views:
        terminal.print(tokens_renderable(view))
        terminal.print()
    if len(views) > 1:
        terminal.print(comparison_renderable(views))
        terminal.print()
    if views and legend:
        terminal.print(legend_renderable(views))
    if word is None:
        return
    for number, tokenizer in enumerate(opened):
        if views or number:
            terminal.print()
        how = "by longest match" if tokenizer.model == "wordpiece" else "by rank of merges"
        for trace in tokenizer.trace(word):
            terminal.print(trace_renderable(trace, tokenizer.form, f"{tokenizer.path}, {how}"))


def _print_json(
    session: Session, opened: Sequence["Opened"], views: Sequence["TokenView"], word: str | None
) -> None:
    from tokpipe.inspection.tokens import tokens_json
    from tokpipe.inspection.trace import trace_json

    content: list[dict[str, object]] = []
    for index, tokenizer in enumerate(opened):
        found = tokens_json(views[index], tokenizer.form) if views else {}
        found.setdefault("tokenizer", str(tokenizer.path))
        if word is not None:
            found["trace"] = [trace_json(trace) for trace in tokenizer.trace(word)]
        content.append(found)
    session.console.json(content)


def _standard_input() -> str:
    data = sys.stdin.buffer.read(4 * _MOST_CHARACTERS + 1)
    is_long = len(data) > 4 * _MOST_CHARACTERS
    try:
        text = "" if is_long else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: byte {error.start} is not UTF-8") from None
    if is_long or len(text) > _MOST_CHARACTERS:
        raise InputError(
            f"standard input is longer than {_MOST_CHARACTERS:,} characters",
            hint="inspect tokens is for looking; use tokpipe encode for a corpus.",
        )
    return text.removesuffix("\n").removesuffix("\r")
