"""Findings as a list that a person can work through."""

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import ERROR, LEVELS, NOTE, WARNING, Finding
from tokpipe.inspection.terminal.marks import (
    BAD,
    GOOD,
    QUIET,
    Marks,
    flow,
    laid,
    plain_text,
)
from tokpipe.inspection.terminal.tokens import heading

_STYLES = {ERROR: BAD, WARNING: "bold yellow", NOTE: "cyan"}


@laid
def findings_renderable(
    width: int, marks: Marks, name: str, about: str, findings: Sequence[Finding]
) -> Iterator[Text]:
    """Draw findings, errors first, each with its place and hint; or one line if there are none."""
    yield heading(name, about, width, marks)
    for finding in sorted(findings, key=lambda finding: LEVELS.index(finding.level)):
        yield from _finding(finding, width, marks)
    yield _summary(findings, marks)


def _finding(finding: Finding, width: int, marks: Marks) -> Iterator[Text]:
    margin = " " * (9 if width >= 40 else 2)
    line = Text.assemble((f"{finding.level:<9}", _STYLES[finding.level]), end="")
    line.append_text(plain_text(finding.place, marks, "bold"))
    yield Text.assemble(line)
    yield from _indented(plain_text(finding.problem, marks), margin, width)
    if finding.hint:
        yield from _indented(plain_text(finding.hint, marks, QUIET), margin, width)


def _indented(text: Text, margin: str, width: int) -> Iterable[Text]:
    return flow(text.split(" "), width, " ", margin)


def _summary(findings: Sequence[Finding], marks: Marks) -> Text:
    counts = [
        plural(count, level)
        for level in _STYLES
        if (count := sum(finding.level == level for finding in findings))
    ]
    if any(finding.level != NOTE for finding in findings):
        return Text(f"{marks.bad} {', '.join(counts)}", BAD)
    noted = f" ({counts[0]})" if counts else ""
    return Text(f"{marks.good} no problem found{noted}", GOOD)
