"""What a model says of a text, drawn: classes as bars, tags and answers in their sentences."""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from tokpipe.inspection.terminal.charts import INDENT
from tokpipe.inspection.terminal.marks import (
    HEADING,
    HOT,
    QUIET,
    Laid,
    Marks,
    bar,
    cut_line,
    flow,
    pad,
    plain_text,
)
from tokpipe.inspection.terminal.model import scores_renderable
from tokpipe.tasks.answers import Answer, ClassAnswer, NumberAnswer, QuestionAnswer, TagAnswer

_COLORS = ("cyan", "green", "yellow", "magenta", "blue", "red")
_CLASSES = 10  # shown of a text
_RIVALS = 5  # answers shown to a question
_AROUND = 160  # characters of the paragraph on each side of an answer


def answer_renderable(answer: Answer, labels: Sequence[str] = ()) -> Laid:
    """Draw one answer; foreign text is made visible.

    Parameters
    ----------
    labels
        Of the model, which give each kind of entity its colour.
    """
    if isinstance(answer, ClassAnswer):
        return _classes(answer)
    if isinstance(answer, NumberAnswer):
        return Laid(lambda width, marks: [_number(answer, width, marks)])
    if isinstance(answer, QuestionAnswer):
        return Laid(lambda width, marks: _question(answer, width, marks))
    colors = _colors(labels)
    if answer.entities is None:
        return Laid(lambda width, marks: _tagged(answer, width, marks, colors))
    return Laid(lambda width, marks: _entities(answer, width, marks, colors))


def _classes(answer: ClassAnswer) -> Laid:
    title = " | ".join(answer.texts)
    return scores_renderable(title, answer.ranked[:_CLASSES])


def _number(answer: NumberAnswer, width: int, marks: Marks) -> Text:
    value = Text(f"{answer.value:10.4g}", HOT)
    text = plain_text(" | ".join(answer.texts), marks)
    return cut_line(Text.assemble(value, "  ", text), width, marks)


def _entities(
    answer: TagAnswer, width: int, marks: Marks, colors: dict[str, str]
) -> Iterable[Text]:
    """Draw a sentence with its entities in brackets: ``[PER Ada Lovelace] met ...``."""
    return list(flow(_marked_words(answer, marks, colors), width, "")) or [Text()]


def _marked_words(answer: TagAnswer, marks: Marks, colors: dict[str, str]) -> Iterator[Text]:
    """Yield what may not be cut at a line's end, with the space before it."""
    before = 0
    for entity in answer.entities or ():
        yield from _plain_words(answer.text[before : entity.start], marks)
        color = colors.get(entity.label, _COLORS[0])
        words = _pieces(answer.text[entity.start : entity.end])
        for number, word in enumerate(words):
            piece = Text(style=color, end="")
            if number == 0:
                piece.append("[").append_text(plain_text(entity.label, marks, "bold"))
                piece.append(" " if entity.label else "")
            piece.append_text(plain_text(word, marks))
            if number == len(words) - 1:
                piece.append("]")
            yield piece
        before = entity.end
    yield from _plain_words(answer.text[before:], marks)


def _plain_words(text: str, marks: Marks) -> Iterator[Text]:
    return (plain_text(piece, marks) for piece in _pieces(text))


def _pieces(text: str) -> list[str]:
    """Split a text behind its spaces, so that the pieces put together are the text again.

    Examples
    --------
    >>> _pieces("to  be")
    ['to ', ' ', 'be']
    """
    pieces = text.split(" ")
    ends = [f"{piece} " for piece in pieces[:-1]]
    return [*ends, pieces[-1]] if pieces[-1] else ends


def _tagged(answer: TagAnswer, width: int, marks: Marks, colors: dict[str, str]) -> Iterator[Text]:
    """Draw words and below them their tags."""
    words, tags, used = Text(), Text(), 0
    for word, tag in zip(answer.words, answer.tags, strict=True):
        above = plain_text(word, marks)
        below = plain_text(tag, marks, colors.get(tag, QUIET))
        columns = max(cell_len(above.plain), cell_len(below.plain))
        if used and used + 1 + columns > width:
            yield from (words, tags)
            words, tags, used = Text(), Text(), 0
        if used:
            words.append(" ")
            tags.append(" ")
        words.append_text(pad(above, columns))
        tags.append_text(pad(below, columns))
        used += columns + 1
    if used or not answer.spans:
        yield from (words, tags)[: 1 + bool(used)]


def _question(answer: QuestionAnswer, width: int, marks: Marks) -> Iterator[Text]:
    yield cut_line(plain_text(answer.question, marks, HEADING), width, marks)
    yield from flow(_in_context(answer, marks), width, "", INDENT)
    rows = [(span.text, span.probability) for span in answer.spans[:_RIVALS]]
    none = [] if answer.no_answer is None else [("", answer.no_answer)]
    ordered = [*rows, *none] if answer.is_answered else [*none, *rows]
    for number, (text, value) in enumerate(ordered):
        yield _rival(text, value, width, marks, is_first=number == 0)


def _in_context(answer: QuestionAnswer, marks: Marks) -> Iterator[Text]:
    """Yield the words round the answer, itself in brackets; of no answer the paragraph's first."""
    context, span = answer.context, answer.answer
    start, end = (span.start, span.end) if span else (0, 0)
    first = max(start - _AROUND, 0)
    first = context.find(" ", first, start) + 1 if first else 0
    last = min(end + _AROUND, len(context))
    last = max(context.rfind(" ", end, last), end) if last < len(context) else last
    if first:
        yield Text(f"{marks.more} ", QUIET)
    yield from _plain_words(context[first:start], marks)
    words = _pieces(context[start:end])
    for number, word in enumerate(words):
        opened, closed = "[" * (number == 0), "]" * (number == len(words) - 1)
        yield Text.assemble(opened, plain_text(word, marks), closed, style=HOT, end="")
    yield from _plain_words(context[end:last], marks)
    if last < len(context):
        yield Text(f" {marks.more}", QUIET)


def _rival(text: str, value: float, width: int, marks: Marks, *, is_first: bool) -> Text:
    room = max(min(width // 4, 20), 4)
    drawn = f"{bar(value, 1.0, room, marks):<{room}}"
    name = plain_text(text, marks) if text else Text("no answer", QUIET, end="")
    line = Text.assemble(INDENT, (f"{100 * value:6.2f} %", QUIET), " ", (drawn, "cyan"), " ", name)
    if is_first:
        line.stylize("bold")
    return cut_line(line, width, marks)


def _colors(labels: Sequence[str]) -> dict[str, str]:
    """Return a colour for each kind of entity, or tag, by the order of the labels."""
    kinds = list(dict.fromkeys(kind_of(label) for label in labels if label != "O"))
    return {kind: _COLORS[number % len(_COLORS)] for number, kind in enumerate(kinds)}


def kind_of(tag: str) -> str:
    """Return a tag without what says where in an entity its word stands.

    Examples
    --------
    >>> kind_of("B-PER"), kind_of("NOUN")
    ('PER', 'NOUN')
    """
    return tag[2:] if tag[1:2] == "-" else tag
