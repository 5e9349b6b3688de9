"""Tokens as all views of attention write them."""

from collections.abc import Iterator

from rich.text import Text

from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.readable import parts_of
from tokpipe.inspection.terminal.charts import INDENT
from tokpipe.inspection.terminal.marks import QUIET, SPECIAL, Marks, cut_line, parts_text


def token_text(chosen: Chosen, place: int, marks: Marks) -> Text:
    """Draw a token of the text."""
    token = chosen.seen.tokens[place]
    style = SPECIAL if token in chosen.form.special_tokens else ""
    return parts_text(parts_of(token, chosen.form), marks, style)


def place_text(chosen: Chosen, place: int, marks: Marks) -> Text:
    """Draw a token behind its place."""
    digits = len(str(len(chosen.seen) - 1))
    return Text.assemble((f"{place:>{digits}} ", QUIET), token_text(chosen, place, marks), end="")


def share_line(share: float, chosen: Chosen, width: int, marks: Marks) -> Iterator[Text]:
    """Say how much of the attention goes to what is shown, where that is not all."""
    if len(chosen.columns) < len(chosen.seen):
        text = f"{INDENT}{100 * share:.2f} % of it goes to text {chosen.wanted.to}"
        yield cut_line(Text(text, QUIET), width, marks)
