"""Labelled data as a table: how many rows each label has, part by part."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.labelled import CheckedPart
from tokpipe.inspection.terminal.charts import INDENT
from tokpipe.inspection.terminal.marks import HEADING, QUIET, Laid, Marks, cut, pad, plain_text

_MOST_LABELS = 20  # rows of the table; what is more is added up in the last
_FIGURE = 18  # columns of a count with its share


def parts_renderable(task: str, parts: Sequence[CheckedPart]) -> Laid:
    """Draw what the parts of the data hold."""

    def lay(width: int, marks: Marks) -> Iterator[Text]:
        yield Text(f"{task}: {parts[0].counted.units} by label", HEADING)
        for part in parts:
            rows = plural(part.counted.number, part.counted.rows)
            about = f"{INDENT}{part.name:<10}  {rows}  "
            room = max(width - len(about), 1)
            source = cut(plain_text(part.source, marks, QUIET), room, marks, keep_end=True)
            yield Text.assemble((about, QUIET), source)
        labels = _labels(parts)
        if labels:
            yield from _table(parts, labels, width, marks)

    return Laid(lay)


def _labels(parts: Sequence[CheckedPart]) -> list[str]:
    """Return all labels, those of the training part first, the most frequent first."""
    totals: dict[str, int] = {}
    for part in parts:
        for label, count in part.counted.labels.items():
            totals[label] = totals.get(label, 0) + (count if part is parts[0] else 0)
    return sorted(totals, key=lambda label: -totals[label])


def _table(
    parts: Sequence[CheckedPart], labels: Sequence[str], width: int, marks: Marks
) -> Iterator[Text]:
    room = max(width - len(INDENT) - _FIGURE * len(parts), 8)
    names = [plain_text(label, marks) for label in labels[:_MOST_LABELS]]
    wide = min(max(name.cell_len for name in names) + 2, room)
    yield Text(INDENT + " " * wide + "".join(f"{part.name:>{_FIGURE}}" for part in parts), QUIET)
    for label, shown in zip(labels, names, strict=False):
        name = pad(cut(shown, wide - 1, marks), wide)
        cells = [_figure(part, part.counted.labels.get(label, 0)) for part in parts]
        yield Text.assemble(INDENT, name, "".join(cells))
    rest = labels[_MOST_LABELS:]
    if rest:
        cells = [_figure(part, sum(part.counted.labels.get(x, 0) for x in rest)) for part in parts]
        name = pad(cut(Text(f"{len(rest):,} more", end=""), wide - 1, marks), wide)
        yield Text.assemble(INDENT, name, "".join(cells))


def _figure(part: CheckedPart, count: int) -> str:
    share = 100 * count / max(sum(part.counted.labels.values()), 1)
    return f"{count:,} {share:5.1f} %".rjust(_FIGURE)
