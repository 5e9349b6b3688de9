"""Facts, headings and bars that several views draw."""

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from tokpipe.inspection.terminal.marks import HEADING, QUIET, Marks, bar, cut, flow, pad, plain_text

INDENT = "  "


def facts(facts: Iterable[tuple[str, str]], width: int, marks: Marks) -> Iterator[Text]:
    """Draw names and values in two columns; long values go on under their first line."""
    facts = list(facts)
    label = max((len(name) for name, _ in facts), default=0)
    margin = len(INDENT) + label + 2
    for name, value in facts:
        if margin > width // 2:
            yield Text(f"{INDENT}{name}", QUIET)
            yield from flow(plain_text(value, marks).split(" "), width, " ", INDENT * 2)
            continue
        first = Text(f"{INDENT}{name:<{label}}  ", QUIET, end="")
        for line in flow(plain_text(value, marks).split(" "), width, " ", " " * margin):
            yield Text.assemble(first, line[margin:])
            first = Text(" " * margin, end="")


def title(text: str) -> Iterator[Text]:
    """Draw a heading inside of a view."""
    yield Text()
    yield Text(text, HEADING)


def source(reference: str, width: int, marks: Marks) -> Iterator[Text]:
    """Draw where something is from, at the end of a view that explains it."""
    yield Text()
    yield from flow(plain_text(f"From: {reference}", marks, QUIET).split(" "), width, " ", "")


def bars(
    rows: Sequence[tuple[str | int, int]], width: int, marks: Marks, *, right: bool = False
) -> Iterator[Text]:
    """Draw (label, count) with a bar, the count and its share."""
    total, most = sum(count for _, count in rows), max((count for _, count in rows), default=0)
    label = min(max((len(str(name)) for name, _ in rows), default=0), max(width // 3, 4))
    figure = max((len(f"{count:,}") for _, count in rows), default=0)
    room = max(min(width - len(INDENT) - label - figure - 10, 40), 0)
    for name, count in rows:
        text = pad(cut(Text(str(name), end=""), label, marks), label, right=right)
        drawn = f" {bar(count, most, room, marks):<{room}}" if room > 3 else ""
        share = 100 * count / total if total else 0
        line = Text.assemble(INDENT, text, (drawn, "cyan"), f" {count:>{figure},}")
        line.append(f" {share:5.1f} %", QUIET)
        yield line
