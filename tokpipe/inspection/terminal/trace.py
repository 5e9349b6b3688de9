"""The way of a word to its tokens: what was looked up and taken, what was merged and when."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.readable import TokenForm, parts_of
from tokpipe.inspection.terminal.marks import (
    BAD,
    GOOD,
    HOT,
    QUIET,
    Marks,
    flow,
    laid,
    parts_text,
    whole_line,
)
from tokpipe.inspection.trace import MatchStep, MergeStep, Pair, WordTrace

_MOST_TRIED = 9  # look-ups shown a step; the first and the last ones where there were more
_MOST_OTHERS = 3  # pairs of a step that were not merged
_MARGIN = 16  # columns before the symbols, for the name of the step


@laid
def trace_renderable(
    width: int, marks: Marks, trace: WordTrace, form: TokenForm, title: str
) -> Iterator[Text]:
    """Draw a trace step by step; the title says in the heading of which kind it is."""
    symbols = parts_text(parts_of(trace.word, form), marks, "bold")
    yield from flow([symbols, Text(title, QUIET, end="")], width)
    if trace.start:
        yield from _line("start", symbols_text(trace.start, form, marks), width)
    for step in trace.steps:
        yield from _step(step, form, width, marks)
    if trace.note:
        yield Text(f"  {trace.note}", BAD)
    yield from _result(trace, form, width, marks)


def symbols_text(
    symbols: Sequence[str], form: TokenForm, marks: Marks, new: Sequence[str] = ()
) -> Text:
    """Draw symbols side by side, those of `new` standing out."""
    drawn = Text(end="")
    for index, symbol in enumerate(symbols):
        if index:
            drawn.append(marks.piece, QUIET)
        drawn.append_text(parts_text(parts_of(symbol, form), marks, HOT if symbol in new else ""))
    return drawn


def pair_text(pair: Pair, form: TokenForm, marks: Marks, style: str = "") -> Text:
    """Draw a pair of symbols: ``(u, g)``."""
    left, right = (parts_text(parts_of(symbol, form), marks, style) for symbol in pair)
    return Text.assemble("(", left, ", ", right, ")", end="")


def _step(step: MatchStep | MergeStep, form: TokenForm, width: int, marks: Marks) -> Iterator[Text]:
    if isinstance(step, MergeStep):
        merged = step.pair[0] + step.pair[1]
        symbols = symbols_text(step.symbols, form, marks, (merged,))
        yield from _line(f"rank {step.rank:,}", symbols, width)
        if step.others:
            yield from flow(_others(step, form, marks), width, " ", " " * min(_MARGIN, width // 4))
        return
    yield Text(f"  at {step.start}", QUIET)
    yield from flow(_tried(step, form, marks), width, "  ", "    ")


def _line(label: str, symbols: Text, width: int) -> Iterator[Text]:
    head = Text(f"  {label:<{_MARGIN - 2}}", QUIET, end="")
    if _MARGIN + symbols.cell_len <= width:
        yield Text.assemble(head, symbols)
    else:
        yield Text(f"  {label}", QUIET)
        yield whole_line(symbols)


def _others(step: MergeStep, form: TokenForm, marks: Marks) -> Iterator[Text]:
    yield Text("waiting:", QUIET, end="")
    for pair, rank in step.others[:_MOST_OTHERS]:
        text = pair_text(pair, form, marks, QUIET)
        text.append(f" {rank:,}", QUIET)
        yield text
    if len(step.others) > _MOST_OTHERS:
        yield Text(f"{marks.more} {len(step.others) - _MOST_OTHERS} more", QUIET, end="")


def _tried(step: MatchStep, form: TokenForm, marks: Marks) -> Iterator[Text]:
    missed = step.tried if step.token is None else step.tried[:-1]
    shown = list(missed)
    if len(missed) > _MOST_TRIED:
        shown = [*missed[: _MOST_TRIED - 3], "", *missed[-2:]]
    for text in shown:
        if text:
            drawn = Text(f"{marks.bad} ", BAD, end="")
            yield drawn.append_text(parts_text(parts_of(text, form), marks, QUIET))
        else:
            yield Text(f"{marks.more} {len(missed) - _MOST_TRIED + 1} more", QUIET, end="")
    if step.token is not None:
        found = parts_text(parts_of(step.token, form), marks, HOT)
        yield Text.assemble((f"{marks.good} ", GOOD), found, (f" {step.id}", QUIET), end="")


def _result(trace: WordTrace, form: TokenForm, width: int, marks: Marks) -> Iterator[Text]:
    tokens: list[Text] = []
    for token, id in zip(trace.tokens, trace.ids, strict=True):
        text = parts_text(parts_of(token, form), marks, HOT)
        number = "not in the vocabulary" if id is None else str(id)
        tokens.append(Text.assemble(text, (f" {number}", QUIET), end=""))
    yield Text(f"  {marks.arrow} {plural(len(tokens), 'token')}", QUIET)
    yield from flow(tokens, width, "  ", "    ")
