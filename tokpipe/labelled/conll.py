"""Words and tags in columns, as CoNLL's shared tasks have them."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible
from tokpipe.labelled.config import TagColumns
from tokpipe.labelled.fields import COMMENT, Fields
from tokpipe.labelled.rows import DOCUMENT, Rows, check_counts, rows_of


def from_columns(
    name: str, fields: Fields, columns: TagColumns, least: int
) -> tuple[Rows, Strings, Strings]:
    """Return lines of words, the words, and their tags.

    Parameters
    ----------
    name
        Of the file, for messages.
    least
        How many columns there must be.

    Raises
    ------
    InputError
        If the lines have not all so many fields, or a column is not there.
    """
    held = np.flatnonzero(~fields.blank)
    documents = held[fields.starts_with(held, DOCUMENT)]
    held = np.setdiff1d(held, documents, assume_unique=True)
    if not len(held):
        raise InputError(f"{name}: no words")
    hashes = fields.data[fields.starts[held]] == COMMENT
    first = held[~hashes][0] if not hashes.all() else held[0]
    count = int(fields.counts()[first])
    tag = _number(name, columns.tag or "-1", count, "--tag-column")
    comments = _comments(fields, held, hashes, count, tag)
    lines = np.setdiff1d(held, comments, assume_unique=True)
    check_counts(name, fields, lines, count, f"line {first + 1} has {count}")
    if count < least:
        problem = f"{name}:{first + 1}: one column; a word and its tag are needed"
        raise InputError(problem, hint="Tabs or spaces divide columns.")
    left_out = {"-DOCSTART-": len(documents), "comments": len(comments)}
    rows = rows_of(name, fields, lines, {why: number for why, number in left_out.items() if number})
    word = _number(name, columns.word or "1", count, "--word-column")
    return rows, fields.column(lines, word), fields.column(lines, tag)


def _comments(
    fields: Fields, held: NDArray[np.int64], hashes: NDArray[np.bool_], count: int, tag: int
) -> NDArray[np.int64]:
    """Return the lines in front of a sentence that begin with # and are no word with its tag.

    They have another number of fields, or a tag that no other line has: `# word`, of two columns.
    """
    fits = fields.counts()[held] == count
    odd = np.concatenate(
        [held[hashes & ~fits], _with_tags_of_their_own(fields, held[fits], hashes[fits], tag)]
    )
    inside = ~fields.blank
    inside[odd] = False
    last = np.maximum.accumulate(np.where(inside, np.arange(len(inside)), -1))
    ended = np.maximum.accumulate(np.where(fields.blank, np.arange(len(inside)), -1))
    return np.sort(odd[ended[odd] >= last[odd]])


def _with_tags_of_their_own(
    fields: Fields, lines: NDArray[np.int64], hashes: NDArray[np.bool_], tag: int
) -> NDArray[np.int64]:
    """Return those of the lines with # as their first field whose tag stands on no other line.

    It is none of #, a tag of the Penn Treebank; and where tabs divide fields it has a space.
    """
    alone = hashes.copy()
    alone[hashes] = np.diff(fields.column(lines[hashes], 0).offsets) == 1
    if alone.all() or not alone.any():
        return lines[:0]
    tags, others = (fields.column(lines[which], tag).to_arrow() for which in (alone, ~alone))
    known = {"#", *others.unique().to_pylist()}
    marks = " " if fields.tabs else ""
    return lines[alone][[name not in known and marks in name for name in tags.to_pylist()]]


def _number(name: str, column: str, count: int, flag: str) -> int:
    """Return a column from 0, of a number from 1, or from the end."""
    try:
        number = int(column)
    except ValueError:
        number = 0
    if number == 0 or not -count <= number <= count:
        problem = f"{name}: no column {visible(column)!r}: the file has {count}"
        raise InputError(problem, hint=f"Pass a number to {flag}: 1 is the first, -1 the last.")
    return number - 1 if number > 0 else number + count
