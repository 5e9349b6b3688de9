"""Tokens of a text, set like an interlinear gloss: each over its id and its offsets."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.foundation.visible import visible
from tokpipe.inspection.readable import parts_of
from tokpipe.inspection.terminal.marks import (
    BAD,
    HEADING,
    QUIET,
    SPECIAL,
    Marks,
    chunks,
    cut,
    cut_line,
    flow,
    laid,
    pad,
    parts_text,
    plain_text,
    whole_line,
    word_style,
)
from tokpipe.inspection.tokens import TokenRow, TokenView


@dataclass(frozen=True, slots=True)
class _Cell:
    """One column of the gloss: what stands before it, and its lines."""

    border: str
    lines: tuple[Text, Text, Text]

    @property
    def width(self) -> int:
        return max(cell_len(line.plain) for line in self.lines)


@laid
def tokens_renderable(width: int, marks: Marks, view: TokenView) -> Iterator[Text]:
    """Draw one tokenizer's tokens, with a heading and a line of counts."""
    yield heading(view.name, view.about, width, marks)
    yield Text()
    yield from _gloss(view, width, marks)
    yield from _counts(view, width)


def heading(name: str, about: str, width: int, marks: Marks) -> Text:
    """Draw a name in bold and a phrase beside it, on one line; of a long path, its end."""
    phrase = plain_text(f"  {about}" if about else "", marks, QUIET)
    room = max(width - phrase.cell_len, min(width, 16))
    text = cut(plain_text(name, marks, HEADING), room, marks, keep_end=True)
    return cut_line(Text.assemble(text, phrase, end=""), width, marks)


def _gloss(view: TokenView, width: int, marks: Marks) -> Iterator[Text]:
    line: list[_Cell] = []
    used = 0
    for cell in _cells(view.rows, width, marks):
        taken = cell.width + 3
        if line and used + taken > width:
            yield from _set(line, marks)
            line, used = [], 0
        line.append(cell)
        used += taken
    if line:
        yield from _set(line, marks)


def _cells(rows: Iterable[TokenRow], width: int, marks: Marks) -> Iterator[_Cell]:
    most = max(width - 3, 4)
    for row in rows:
        first, *rest = chunks(_token(row, marks), most)
        place = marks.dash if row.word is None else f"{row.start}-{row.end}"
        border = marks.word if row.begins_word or row.word is None else marks.piece
        below = Text(str(row.id), QUIET, end=""), Text(place, QUIET, end="")
        yield _Cell(border, (first, *below))
        for piece in rest:
            yield _Cell(marks.more[0], (piece, Text(end=""), Text(end="")))


def _token(row: TokenRow, marks: Marks) -> Text:
    if row.unknown:
        text = Text.assemble(parts_text(row.parts, marks, BAD), ("=", QUIET), end="")
        return text.append_text(parts_text(parts_of(row.source), marks, BAD))
    style = SPECIAL if row.special else word_style(row.word)
    if row.begins_word:
        style = f"bold {style}"
    text = parts_text(row.parts, marks, style)
    bare = row.special and text.plain[:1] not in ("[", "<")
    return Text.assemble("[", text, "]", end="") if bare else text


def _set(line: list[_Cell], marks: Marks) -> Iterator[Text]:
    for level in range(3):
        drawn = Text(no_wrap=True, overflow="ignore")
        for cell in line:
            drawn.append(cell.border if level == 0 or cell.border == marks.word else " ", QUIET)
            drawn.append(" ")
            drawn.append_text(pad(cell.lines[level], cell.width))
            drawn.append(" ")
        drawn.rstrip()
        yield drawn
    yield Text()


def _counts(view: TokenView, width: int) -> Iterable[Text]:
    counts = [plural(view.tokens, "token"), plural(view.words, "word")]
    counts += [f"{view.unknown:,} unknown"] if view.unknown else []
    counts += [f"{view.tokens_per_word:.2f} tokens a word"]
    counts += [f"{view.bytes_per_token:.2f} bytes a token"]
    return flow([Text(count, end="") for count in counts], width, ", ")


@laid
def comparison_renderable(width: int, marks: Marks, views: Sequence[TokenView]) -> Iterator[Text]:
    """Draw the counts of several tokenizers, one a line, under each other."""
    head = ("tokens", "words", "tokens/word", "bytes/token", "unknown")
    table = [head, *(_figures(view) for view in views)]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    while len(widths) > 1 and sum(widths) + 2 * len(widths) + 8 > width:
        widths.pop()  # a narrow terminal keeps the first columns
    room = width - sum(widths) - 2 * len(widths)
    longest = max(cell_len(plain_text(view.name, marks).plain) for view in views)
    names = [Text(end=""), *(plain_text(view.name, marks, HEADING) for view in views)]
    for name, row in zip(names, table, strict=True):
        line = pad(cut(name, room, marks, keep_end=True), min(longest, room))
        for text, columns in zip(row, widths, strict=False):
            line.append(f"  {text:>{columns}}", QUIET if row is head else "")
        yield whole_line(line)


def _figures(view: TokenView) -> tuple[str, ...]:
    ratios = f"{view.tokens_per_word:.2f}", f"{view.bytes_per_token:.2f}"
    return f"{view.tokens:,}", f"{view.words:,}", *ratios, f"{view.unknown:,}"


@laid
def legend_renderable(width: int, marks: Marks, views: Sequence[TokenView]) -> Iterable[Text]:
    """Explain the signs that the views before it used, and only those."""
    rows = [row for view in views for row in view.rows]
    kinds = {part.kind for row in rows for part in row.parts}
    notes = [f"{marks.word} word"]
    if any(not row.begins_word and row.word is not None for row in rows):
        notes.append(f"{marks.piece} piece of the same word")
    if "space" in kinds:
        notes.append(f"{marks.space} space")
    if "byte" in kinds:
        notes.append(f"{marks.open_byte}C3{marks.close_byte} byte of a cut character")
    unknown = next((row.token for row in rows if row.unknown), None)
    if unknown is not None:
        notes.append(f"{visible(unknown, ascii_only=marks.ascii_only)}=x no token for x")
    return flow([Text(note, QUIET, end="") for note in notes], width, "   ")
