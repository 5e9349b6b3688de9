"""A chapter of `explain` in the terminal: numbered steps with sentence, formula and numbers."""

from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from tokpipe.inspection.chapters.chapter import Chapter, Curves, Grid, Step
from tokpipe.inspection.readable import SPACE
from tokpipe.inspection.runs import Curve
from tokpipe.inspection.terminal.charts import INDENT, source, title
from tokpipe.inspection.terminal.curves import chart, key
from tokpipe.inspection.terminal.marks import (
    GOOD,
    HEADING,
    QUIET,
    Marks,
    cut,
    cut_line,
    flow,
    laid,
    pad,
    plain_text,
)
from tokpipe.inspection.terminal.signs import legend, signs_text

_LABEL = 22  # columns of a row's name at most
_FORMULA = "cyan"
_CHART = 17  # lines of the curves of five activations: in 8 they lie on one another
_READ = (
    "A number before a token is its place, counted from 0; special tokens, such as [CLS] and "
    "[SEP], mark where a text begins and ends; {}. Read here: {}"
)
_PIECES, _SPACES = "## goes on with a word", "· is a space"
# what stands in formulas, for terminals of ASCII
_ASCII = {"·": "*", "√": "sqrt ", "…": "...", "×": "x", "π": "pi"}
_ASCII |= {"ᵀ": "^T", "ᴼ": "^O", "³": "^3"}


@laid
def chapter_renderable(width: int, marks: Marks, chapter: Chapter) -> Iterator[Text]:
    """Draw a chapter from its first to its last step."""
    yield from _opening(chapter, width, marks)
    for number, step in enumerate(chapter.steps, 1):
        yield from _step(number, step, width, marks)
    yield from source(_written(chapter.reference, marks), width, marks)


@laid
def opening_renderable(width: int, marks: Marks, chapter: Chapter) -> Iterator[Text]:
    """Draw what stands before the steps of a chapter."""
    yield from _opening(chapter, width, marks)


@laid
def step_renderable(width: int, marks: Marks, number: int, step: Step) -> Iterator[Text]:
    """Draw one step."""
    yield from _step(number, step, width, marks)


@laid
def source_renderable(width: int, marks: Marks, chapter: Chapter) -> Iterator[Text]:
    """Draw where a chapter is from."""
    yield from source(_written(chapter.reference, marks), width, marks)


def _opening(chapter: Chapter, width: int, marks: Marks) -> Iterator[Text]:
    yield from _sentence(chapter.title, width, marks, HEADING, indent="")
    if chapter.model:
        yield cut_line(plain_text(chapter.model, marks, QUIET), width, marks)
    yield from _sentence(chapter.about, width, marks, indent="")
    if chapter.text:
        sign = _SPACES if SPACE in chapter.text else _PIECES
        text = _READ.format(sign, chapter.text)
        yield from _sentence(text, width, marks, QUIET, indent="")


def _step(number: int, step: Step, width: int, marks: Marks) -> Iterator[Text]:
    yield from title(_written(f"{number}. {step.title}", marks))
    yield from _sentence(step.about, width, marks)
    for formula in step.formula.splitlines():
        yield from _sentence(formula, width, marks, _FORMULA, indent=INDENT * 2)
    for shown in step.shown:
        draw = _curves if isinstance(shown, Curves) else _grid
        yield from draw(shown, width, marks)  # type: ignore[arg-type]
    if step.result:
        yield from _sentence(f"{marks.arrow} {step.result}", width, marks, GOOD)


def _sentence(
    text: str, width: int, marks: Marks, style: str = "", *, indent: str = INDENT
) -> Iterator[Text]:
    text = _written(text, marks)
    yield from flow(plain_text(text, marks, style).split(" "), width, " ", indent)


def _written(text: str, marks: Marks) -> str:
    if not marks.ascii_only:
        return text
    return "".join(_ASCII.get(character, character) for character in text)


def _grid(grid: Grid, width: int, marks: Marks) -> Iterator[Text]:
    shape = f" {marks.times} ".join(f"{size:,}" for size in grid.shape or grid.values.shape)
    name = plain_text(_written(grid.name, marks), marks)
    yield cut_line(Text.assemble(INDENT, name, (f"  [{shape}]", QUIET)), width, marks)
    names = [plain_text(_written(row, marks), marks) for row in grid.rows]
    label = min(max((one.cell_len for one in names), default=0), _LABEL)
    if grid.as_signs:
        yield from _signed(grid, names, label, width, marks)
        return
    heads = [cut(plain_text(_written(one, marks), marks), _LABEL, marks) for one in grid.columns]
    column = _column(grid, heads)
    room = width - len(INDENT) * 2 - label
    fits = max((room - cell_len(marks.more) - 1) // column, 1)
    count = grid.values.shape[1]
    fits = count if count * column <= room else fits
    more = f" {marks.more}" if fits < count else ""
    if heads:
        above = [pad(head, column, right=True) for head in heads[:fits]]
        line = Text.assemble(INDENT * 2, " " * label, *above, more, style=QUIET)
        yield cut_line(line, width, marks)
    for i, row in enumerate(grid.values):
        line = Text.assemble(INDENT * 2, _name(names, i, label, marks), end="")
        line.append("".join(_figure(value, column, grid.digits) for value in row[:fits].tolist()))
        yield cut_line(line.append(more, QUIET), width, marks)


def _figure(value: float, width: int, digits: int) -> str:
    """Write a number; what is none, as the end of no range is, is left out."""
    text = f"{value:.{digits}f}" if isfinite(value) else "-"
    return f"{text.removeprefix('-') if not float(text.strip('-') or 1) else text:>{width}}"


def _column(grid: Grid, heads: Sequence[Text]) -> int:
    """Return how wide a column has to be for its numbers and heads, with the space before it."""
    sizes = abs(grid.values[np.isfinite(grid.values)])
    digits = len(f"{sizes.max(initial=0):.{grid.digits}f}")
    widest = max((one.cell_len for one in heads), default=0)
    return 1 + max(digits + bool((grid.values < 0).any()), widest, grid.digits + 3)


def _signed(grid: Grid, names: list[Text], label: int, width: int, marks: Marks) -> Iterator[Text]:
    room = max(width - len(INDENT) * 2 - label - 1 - cell_len(marks.more), 1)
    most = float(abs(grid.values).max())
    most = min(most, 2 * float(grid.values.std()) or most)  # an outlier is no measure
    more = marks.more if grid.values.shape[1] > room else ""
    for i, row in enumerate(grid.values):
        line = Text.assemble(INDENT * 2, _name(names, i, label, marks), " ", end="")
        line.append_text(signs_text(row[:room], most, marks))
        yield cut_line(line.append(more, QUIET), width, marks)
    if (grid.values < 0).any():
        yield from flow(legend(marks), width, "   ", INDENT * 2)


def _name(names: list[Text], row: int, label: int, marks: Marks) -> Text:
    name = names[row] if row < len(names) else Text(end="")
    return pad(cut(name, label, marks), label)


def _curves(curves: Curves, width: int, marks: Marks) -> Iterator[Text]:
    yield Text(f"{INDENT}{curves.name}")
    steps = [float(step) for step in range(len(curves.x))]
    drawn = [Curve(steps, values.tolist()) for values in curves.y.values()]
    ends = f"{curves.x[0]:g}", f"{curves.x[-1]:g}"
    yield from chart(drawn, width, ends, letters=True, height=_CHART)
    names = [key(i, letters=True).append(name) for i, name in enumerate(curves.y)]
    for name in names:
        name.end = ""
    yield from flow(names, width, "   ", INDENT * 2)
