"""What a model is asked on the command line: texts, words or questions, batch after batch."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from tokpipe.cli.texts import arriving_lines
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.formats import format_of_name
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.addresses import address_of, local_path
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.small_files import read_small_file
from tokpipe.foundation.stores.copies import here
from tokpipe.labelled.config import TextColumns

if TYPE_CHECKING:
    from tokpipe.tasks.predict import Job

_ROWS = 1024  # answered at once: enough for batches of like length, few enough to be seen soon
_PIECE_BYTES = 1 << 20  # of a file at once, so that the first answers come soon
_COLUMNS = {".conll", ".conllu", ".iob", ".iob2", ".bio"}  # no other text has these endings
_MOST_CONTEXT = 16 << 20  # bytes of a paragraph


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was given on the command line; see `tokpipe predict --help`."""

    inputs: tuple[str, ...]
    texts: tuple[str, ...]
    questions: tuple[str, ...]
    context: str | None
    words: bool
    pairs: bool
    second_text_column: str | None
    read: ReadConfig


def input_batches(job: "Job", asked: Asked) -> Iterator[Any]:
    """Yield what `Job.answers` takes, in parts.

    Raises
    ------
    ConfigError
        If something was given that a model of this kind is not asked.
    InputError
        If the inputs cannot be read as asked.
    """
    kind = job.task.data
    _check(asked, kind, str(job.model.folder or "the model"))
    if kind == "questions":
        return _questions(asked)
    if kind == "words":
        return _sentences(asked)
    return _texts(asked)


def _check(asked: Asked, kind: str, model: str) -> None:
    wanted = {
        "questions": {"--question": asked.questions, "--context": asked.context},
        "words": {"--words": asked.words},
        "texts": {"--pairs": asked.pairs, "--second-text-column": asked.second_text_column},
    }
    for other, options in wanted.items():
        for name, value in options.items():
            if value and other != kind:
                raise ConfigError(f"{name} is for {other}: {model} is for {kind}")
    if kind == "questions":
        if asked.texts:
            raise ConfigError(f"--text: {model} answers questions", hint="Use --question.")
        if asked.inputs and asked.questions:
            raise ConfigError(
                f"--question is asked of --context: {asked.inputs[0]} is no such paragraph",
                hint="Name its file with --context; a file of SQuAD's kind has its own questions.",
            )
        if not asked.inputs and asked.context is None:
            raise ConfigError(
                f"{model} answers questions: it needs the paragraph that answers",
                hint="Name its file with --context, or a file of SQuAD's kind as INPUT.",
            )
    if (asked.texts or asked.context) and asked.inputs:
        given = "--text" if asked.texts else "--context"
        raise ConfigError(f"{given} stands in the place of INPUT: {asked.inputs[0]} is too much")


def _texts(asked: Asked) -> Iterator[Any]:
    if asked.second_text_column is not None or _are_tables(asked):
        yield from _tables(asked)
        return
    number = 0
    for lines in _lines(asked):
        yield [_pair(line, number + i) for i, line in enumerate(lines, 1)] if asked.pairs else lines
        number += len(lines)


def _are_tables(asked: Asked) -> bool:
    """Return whether all inputs are files whose columns are to be found, as training finds them."""
    is_table = [_is_table(path) for path in asked.inputs]
    return bool(is_table) and all(is_table) and not asked.pairs and _given(asked) is None


def _is_table(path: str) -> bool:
    return format_of_name(path) not in (None, "txt") and (
        address_of(path) is not None or local_path(path).is_file()
    )


def _given(asked: Asked) -> str | None:
    """Return the column of the text, if it was named."""
    column = asked.read.text_column
    return None if column == ReadConfig().text_column else column


def _pair(line: str, number: int) -> tuple[str, str]:
    first, tab, second = line.partition("\t")
    if not tab:
        raise InputError(
            f"line {number} has no tab: --pairs needs two texts with a tab between them"
        )
    return first, second


def _tables(asked: Asked) -> Iterator[Any]:
    from tokpipe.labelled.texts import read_texts

    for path in asked.inputs:
        columns = TextColumns(text=_given(asked), second=asked.second_text_column)
        yield from _rows(read_texts(path, columns, "none", read=asked.read))


def _rows(data: Any) -> Iterator[Any]:
    import numpy as np

    from tokpipe.labelled.splits import take_rows

    for start in range(0, len(data), _ROWS):
        yield take_rows(data, np.arange(start, min(start + _ROWS, len(data))))


def _sentences(asked: Asked) -> Iterator[Any]:
    from tokpipe.labelled.tagged import read_tagged

    columns = [path for path in asked.inputs if _has_words(path, asked.words)]
    for path in columns:
        yield from _rows(read_tagged(path, tagged=False))
    others = tuple(path for path in asked.inputs if path not in columns)
    if others or not columns:
        for lines in _lines(asked, others):
            yield [line.split() for line in lines] if asked.words else lines


def _has_words(path: str, words: bool) -> bool:
    """Return whether a file has a word a line: its name says so, or --words and it is no text."""
    if _COLUMNS & set(PurePath(path.lower()).suffixes):
        return True
    return words and format_of_name(path) != "txt" and path != "-"


def _questions(asked: Asked) -> Iterator[Any]:
    if asked.context is None:
        from tokpipe.labelled.questions import read_questions

        for path in asked.inputs:
            yield from _rows(read_questions(path, "unread"))
        return
    context = _paragraph(here(asked.context))
    for questions in [asked.questions] if asked.questions else arriving_lines(sys.stdin):
        yield [(question, context) for question in questions]


def _paragraph(path: Path) -> str:
    try:
        text = read_small_file(path, _MOST_CONTEXT, error=InputError).decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8") from None
    if not text.strip():
        raise InputError(f"{path} holds no text")
    return text.rstrip("\r\n")


def _lines(asked: Asked, inputs: Sequence[str] | None = None) -> Iterator[list[str]]:
    """Yield lines of text: given ones, those of files, or of stdin as they come."""
    inputs = asked.inputs if inputs is None else inputs
    if asked.texts:
        yield list(asked.texts)
    elif tuple(inputs) in ((), ("-",)) and asked.read.format == "auto":
        yield from arriving_lines(sys.stdin)
    elif _are_tables(asked):
        for rows in _tables(asked):
            if len(rows.texts) > 1:
                hint = "Pass --text-column."
                raise InputError(f"{rows.source}: two columns of text; one is needed", hint=hint)
            yield [text.decode() for text in rows.texts[0].iter_bytes()]
    else:
        for piece in open_corpus(inputs or ("-",), asked.read).pieces(_PIECE_BYTES):
            found = [text.decode().rstrip("\r\n") for text in piece.load().texts.iter_bytes()]
            yield from (found[i : i + _ROWS] for i in range(0, len(found), _ROWS))
