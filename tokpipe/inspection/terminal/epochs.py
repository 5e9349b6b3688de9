"""Static and dynamic masks side by side: a line a token, a column a pass."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tokpipe.examples.kernels.mask_trace import KEPT, MASKED, RANDOM
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.epochs import EpochsView, Passes
from tokpipe.inspection.terminal.charts import INDENT, facts
from tokpipe.inspection.terminal.marks import (
    GOOD,
    HEADING,
    QUIET,
    Marks,
    cut,
    flow,
    laid,
    pad,
)
from tokpipe.inspection.terminal.masking import Vocabulary, column_width, token_text
from tokpipe.inspection.terminal.tokens import heading

_SIGNS = {MASKED: ("M", "bold red"), RANDOM: ("R", "yellow"), KEPT: ("=", GOOD)}
_NOT = (".", QUIET)
_GAP = 3  # columns between static and dynamic: more than between two passes, which have one
_LEAST_TOKEN = 8  # columns for the tokens, before passes are left out


@laid
def epochs_renderable(
    width: int, marks: Marks, view: EpochsView, vocabulary: Vocabulary, name: str, about: str
) -> Iterator[Text]:
    """Draw the masks of a text, and how much those of two passes have in common."""
    yield heading(name, about, width, marks)
    yield Text()
    drawn = [token_text(token, vocabulary, marks) for token in view.ids]
    for kinds in _side_by_side(view, width):
        yield from _grid(kinds, drawn, width, marks)
        yield Text()
    yield from facts(_facts(view), width, marks)
    yield Text()
    notes = ["M mask token", "R random token", "= chosen, but kept", ". not chosen"]
    yield from flow([Text(note, QUIET, end="") for note in notes], width, "   ")


def _side_by_side(view: EpochsView, width: int) -> list[list[Passes]]:
    both = [view.static, view.dynamic]
    needed = _LEAST_TOKEN + sum(_GAP + _columns(passes) for passes in both)
    return [both] if needed <= width else [[passes] for passes in both]


def _columns(passes: Passes) -> int:
    return max(len(passes.masks) * _cell(passes), len(passes.name))


def _cell(passes: Passes) -> int:
    return len(str(len(passes.masks))) + 1


def _grid(
    kinds: Sequence[Passes], drawn: Sequence[Text], width: int, marks: Marks
) -> Iterator[Text]:
    room = max(width - sum(_GAP + _columns(passes) for passes in kinds), _LEAST_TOKEN)
    room = min(room, column_width(drawn))
    names, numbers = Text(INDENT + " " * room), Text(INDENT + " " * room)
    for passes in kinds:
        names.append(" " * _GAP).append(f"{passes.name:<{_columns(passes)}}", HEADING)
        cells = [f"{i + 1:>{_cell(passes)}}" for i in range(len(passes.masks))]
        numbers.append(" " * _GAP).append(f"{''.join(cells):<{_columns(passes)}}", QUIET)
    yield from (_cropped(line, width) for line in (names, numbers))
    becomes = [
        [{f.position: f.becomes for f in mask.fates} for mask in passes.masks] for passes in kinds
    ]
    for position, token in enumerate(drawn):
        line = Text.assemble(INDENT, pad(cut(token, room, marks), room))
        for passes, masks in zip(kinds, becomes, strict=True):
            line.append(" " * _GAP)
            for mask in masks:
                sign, style = _SIGNS.get(mask.get(position, ""), _NOT)
                line.append(f"{sign:>{_cell(passes)}}", style)
            line.append(" " * (_columns(passes) - len(masks) * _cell(passes)))
        yield _cropped(line, width)


def _cropped(line: Text, width: int) -> Text:
    line.rstrip()
    line.truncate(width, overflow="crop")
    line.no_wrap, line.overflow = True, "ignore"
    return line


def _facts(view: EpochsView) -> Iterator[tuple[str, str]]:
    chosen = len(view.dynamic.masks[0].positions)
    yield (
        "a pass",
        f"{chosen} of {plural(len(view.ids), 'token')} chosen, {view.candidates} could be",
    )
    for passes in (view.static, view.dynamic):
        copies = f" ({view.copies} {'copy' if view.copies == 1 else 'copies'} stored)"
        note = copies if passes is view.static else ""
        count = len(passes.masks)
        found = f"{plural(len(passes.positions), 'position')} in {count} pass{'es' * (count > 1)}"
        if passes.overlap is not None:
            found += f", two share {100 * passes.overlap:.0f} %"
        yield passes.name, found + note
    yield "by chance", f"two would share {100 * view.chance:.0f} %"
