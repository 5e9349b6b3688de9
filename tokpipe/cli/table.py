"""Aligned tables of plain text; where the columns do not fit, one value a line."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len, chop_cells

Style = Callable[[str], str]

_GAP = 2  # blanks between columns: a single one may stand inside a value
_LEAST_ROOM = 8  # columns of a value, before it moves to a line of its own


def plain(text: str) -> str:
    """Return the text as it is."""
    return text


def table_lines(
    rows: Sequence[Sequence[str]],
    header: Sequence[str],
    width: int,
    *,
    name_style: Style = plain,
    head_style: Style = plain,
) -> list[str]:
    """Lay out a table: names to the left; of two columns values too, of more to the right.

    Cells are without control characters; shorter rows are filled up. The styles are put on the
    cells of the first column and on the header when all is laid out.

    Examples
    --------
    >>> table_lines([("size", "8,000"), ("merges", "7,739")], (), 80)
    ['size    8,000', 'merges  7,739']
    """
    count = max(map(len, [*rows, header]), default=0)
    filled = [(*row, *[""] * (count - len(row))) for row in rows]
    heads = [tuple(header) + ("",) * (count - len(header))] if header else []
    widths = [max(cell_len(row[i]) for row in [*heads, *filled]) for i in range(count)]
    if sum(widths) + _GAP * (count - 1) <= width:
        lines = [_aligned(row, widths, head_style, head_style) for row in heads]
        return lines + [_aligned(row, widths, name_style, plain) for row in filled]
    if count == 2:
        return [line for row in filled for line in _folded(row, widths[0], width, name_style)]
    return [line for row in filled for line in _stacked(row, header, width, name_style)]


def _aligned(row: Sequence[str], widths: Sequence[int], first: Style, others: Style) -> str:
    cells = []
    for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
        space = " " * (width - cell_len(cell))
        styled = (first if i == 0 else others)(cell)
        cells.append(space + styled if i > 0 and len(row) > 2 else styled + space)
    return (" " * _GAP).join(cells).rstrip()


def _folded(row: Sequence[str], names: int, width: int, style: Style) -> list[str]:
    room = width - names - _GAP
    if room < _LEAST_ROOM:
        return [style(row[0]), *(f"  {part}" for part in _chopped(row[1], width - 2))]
    first, *rest = _chopped(row[1], room) or [""]
    space = " " * (names - cell_len(row[0]) + _GAP)
    return [style(row[0]) + space + first, *(" " * (names + _GAP) + part for part in rest)]


def _stacked(row: Sequence[str], header: Sequence[str], width: int, style: Style) -> list[str]:
    lines = [style(row[0])]
    for i, cell in enumerate(row[1:], 1):
        head = f"{header[i]} " if i < len(header) else ""
        lines += [f"  {part}" for part in _chopped(head + cell, width - 2)]
    return lines


def _chopped(text: str, room: int) -> list[str]:
    """Cut a text into lines, at the last space of each if it has one."""
    lines, room = [], max(room, 2)
    while cell_len(text) > room:
        line = chop_cells(text, room)[0]
        space = text.rfind(" ", 1, len(line) + 1)
        lines.append(text[:space] if space > 0 else line)
        text = text[space + 1 :] if space > 0 else text[len(line) :]
    return [*lines, text]
