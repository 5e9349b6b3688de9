"""Texts and pairs of texts with their labels, from the tables that people have."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.columns import Chosen, Column, Columns, TableHead
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.whole import read_columns
from tokpipe.foundation.arrays import Strings, take_strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.labels import class_labels, numbers_of, several_labels
from tokpipe.labelled.naming import with_names
from tokpipe.labelled.records import LabelledTexts, place_of
from tokpipe.labelled.roles import Roles, roles_of
from tokpipe.labelled.splits import take_rows

KINDS = ("class", "number", "several", "none")

_UNDECIDED = ord("-")  # gold_label of SNLI and MultiNLI where the five who judged did not agree


def read_texts(
    path: str | Path,
    columns: TextColumns | None = None,
    kind: str = "class",
    names: Sequence[str] | None = None,
    read: ReadConfig | None = None,
) -> LabelledTexts:
    """Read texts with a class, a number or several classes each.

    Parameters
    ----------
    path
        A CSV, TSV, JSON lines, Parquet or Arrow file, compressed or not, or a folder of `datasets`.
    columns
        Which columns hold what; those that are not named are found.
    kind
        What the labels are: "class", "number", "several", or "none" where they are not wanted.
    names
        The labels that there are, in their order; None: those of the file, sorted (whole numbers by
        their value).
    read
        How the file is read.

    Raises
    ------
    InputError
        If the file, a text or a label is not as it should be, with its line.
    """
    if kind not in KINDS:
        raise ConfigError(f"kind={kind!r} is not one of {', '.join(KINDS)}")
    columns, found = columns or TextColumns(), []
    if kind in ("class", "number"):
        _require_one_label(columns, kind)

    def choose(head: TableHead) -> Chosen:
        roles = roles_of(head, columns, kind)
        found.append(roles)
        wanted = roles.texts + roles.labels + roles.ids
        return Chosen(wanted, roles.flags, roles.header, columns.ragged == "leave-out")

    table = read_columns(path, choose, read)
    data = _labelled(str(path), table, found[-1], columns.separator, kind)
    return data if names is None or kind == "none" else with_names(data, names)


def _require_one_label(columns: TextColumns, kind: str) -> None:
    several = {
        "label_separator": columns.separator is not None,
        "several columns of label_column": len(columns.label or ()) > 1,
    }
    for name, is_given in several.items():
        if is_given:
            raise ConfigError(f"{name}: each text has one {kind}", hint="The task is multilabel.")


def _labelled(
    source: str, table: Columns, roles: Roles, separator: str | None, kind: str
) -> LabelledTexts:
    cells = list(table.columns)
    left_out = {"rows with another number of fields": table.ragged} if table.ragged else {}
    count = len(roles.texts)
    labels, ids = cells[count : count + len(roles.labels)], cells[count + len(roles.labels) :]
    texts = tuple(_texts(source, table, column) for column in cells[:count])
    own = ids[0].cells if ids else None
    data = LabelledTexts(source, texts, np.arange(len(table.lines)), (), table.lines, own)
    if roles.names == ("gold_label",):
        kept = ~_is_undecided(labels[0].cells)
        if not kept.any():
            raise InputError(f"{source}: no row has a label: all are '-'")
        if not kept.all():
            left_out["gold label -"] = int((~kept).sum())
            data = take_rows(data, np.flatnonzero(kept))
            labels = [_kept(labels[0], kept)]

    def place(row: int) -> str:
        return place_of(source, int(data.lines[row]))

    known: tuple[str, ...] = ()
    if kind == "class":
        numbers, known = class_labels(labels[0], place)
    elif kind == "several":
        numbers, known = several_labels(labels, roles.names, separator, place)
    elif kind == "number":
        numbers = numbers_of(labels[0], place)
    else:
        numbers = np.full(len(data), -1, np.int32)
    return replace(data, labels=numbers, names=known, left_out=left_out)


def _texts(source: str, table: Columns, column: Column) -> Strings:
    wrong = column.null | column.values
    if wrong.any():
        row = int(wrong.argmax())
        what = "the text is null" if column.null[row] else "the text is no text but a value"
        hint = "Write an empty text, or leave the row out." if column.null[row] else ""
        raise InputError(f"{place_of(source, int(table.lines[row]))}: {what}", hint=hint)
    return column.cells


def _is_undecided(cells: Strings) -> NDArray[np.bool_]:
    return (np.diff(cells.offsets) == 1) & (cells.data[cells.offsets[:-1]] == _UNDECIDED)


def _kept(column: Column, kept: NDArray[np.bool_]) -> Column:
    cells = take_strings(column.cells, np.flatnonzero(kept))
    return Column(cells, column.null[kept], column.values[kept])
