"""Answers of a model as drawings, table lines, JSON lines or CoNLL columns, one after the other."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from tokpipe.cli.console import escape_controls
from tokpipe.foundation.visible import escape_of, visible
from tokpipe.tasks.answers import Answer, ClassAnswer, NumberAnswer, QuestionAnswer, TagAnswer

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

_BREAKS = "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # at which readers end a column or a line


class AnswerViews:
    """Drawings for a terminal, a blank line between them."""

    def __init__(self, terminal: "RichConsole", labels: Sequence[str]) -> None:
        self._terminal, self._labels, self._first = terminal, labels, True

    def write(self, answers: Sequence[Answer]) -> None:
        """Draw some, and hand them on at once: somebody may wait for them."""
        from tokpipe.inspection.terminal.predictions import answer_renderable

        for answer in answers:
            if not self._first and not isinstance(answer, NumberAnswer):
                self._terminal.print()
            self._first = False
            self._terminal.print(answer_renderable(answer, self._labels))
        self._terminal.file.flush()


class AnswerLines:
    """Lines of text, one or several for each answer; `visibly` where a person reads them."""

    def __init__(self, file: BinaryIO, layout: str, *, visibly: bool) -> None:
        self._file, self._lines_of, self._visibly = file, _LAYOUTS[layout], visibly

    def write(self, answers: Sequence[Answer]) -> None:
        """Write some, and hand them on at once."""
        found = (self._lines_of(answer, self._visibly) for answer in answers)
        lines = [f"{line}\n" for lines in found for line in lines]
        self._file.write("".join(lines).encode("utf-8", "backslashreplace"))
        self._file.flush()


def _table_lines(answer: Answer, visibly: bool) -> Iterator[str]:
    """Yield the answer, its probability and the text, between tabs."""
    yield "\t".join(visible(cell) for cell in _cells(answer))


def _json_lines(answer: Answer, visibly: bool) -> Iterator[str]:
    line = json.dumps(answer.to_dict(), ensure_ascii=False)
    yield escape_controls(line) if visibly else line


def _conll_lines(answer: Answer, visibly: bool) -> Iterator[str]:
    """Yield a word and its tag a line, a tab between them; a blank line behind each sentence."""
    assert isinstance(answer, TagAnswer)  # the command has looked
    for word, tag in zip(answer.words, answer.tags, strict=True):
        yield "\t".join(visible(cell) if visibly else _unbroken(cell) for cell in (word, tag))
    yield ""


def _cells(answer: Answer) -> Iterator[str]:
    if isinstance(answer, ClassAnswer):
        yield ",".join(answer.labels)
        yield ",".join(f"{answer.probabilities[label]:.4f}" for label in answer.labels)
        yield from answer.texts
    elif isinstance(answer, NumberAnswer):
        yield f"{answer.value:.6g}"
        yield from answer.texts
    elif isinstance(answer, QuestionAnswer):
        found = answer.answer
        yield found.text if found else ""
        yield f"{answer.probability:.4f}"
        yield answer.question
    else:
        yield _bracketed(answer) if answer.entities is not None else _slashed(answer)


def _bracketed(answer: TagAnswer) -> str:
    """Return a sentence with its entities in brackets: ``[PER Ada Lovelace] met ...``."""
    parts, before = [], 0
    for entity in answer.entities or ():
        kind = f"{entity.label} " if entity.label else ""
        parts += [answer.text[before : entity.start], f"[{kind}{entity.text}]"]
        before = entity.end
    return "".join([*parts, answer.text[before:]])


def _slashed(answer: TagAnswer) -> str:
    pairs = zip(answer.words, answer.tags, strict=True)
    return " ".join(f"{word}/{tag}" for word, tag in pairs)


def _unbroken(text: str) -> str:
    return "".join(escape_of(c) if c in _BREAKS else c for c in text)


_LAYOUTS = {"table": _table_lines, "jsonl": _json_lines, "conll": _conll_lines}
