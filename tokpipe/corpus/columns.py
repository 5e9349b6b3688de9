"""Several columns of one table, whole: what labelled data is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, join_strings
from tokpipe.foundation.config import unknown_name
from tokpipe.foundation.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The cells of one column, N rows."""

    cells: Strings  # N texts, valid UTF-8; empty where the cell is null
    null: NDArray[np.bool_]  # bool[N]: where the file has no value
    # bool[N]: where the cell is a number, true, false, a list or an object, written as JSON
    values: NDArray[np.bool_]

    @classmethod
    def of_texts(cls, cells: Strings) -> "Column":
        """Make a column in which every cell is a text."""
        return cls(cells, np.zeros(len(cells), np.bool_), np.zeros(len(cells), np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Some columns of a table."""

    columns: tuple[Column, ...]  # of N rows each, in the order asked for
    # int64[N]: line (or row, where the format has no lines) that each row begins in, from 1
    lines: NDArray[np.int64]
    ragged: int = 0  # how many rows were left out because they have another number of fields


class Chosen(NamedTuple):
    """Which columns are wanted."""

    columns: tuple[int, ...]  # from 0
    flags: tuple[str, ...]  # the option that names another one, for each of them
    header: bool = True  # whether the first record names the columns
    # whether rows with another number of fields are left out, instead of refused
    keeps_going: bool = False


@dataclass(frozen=True, slots=True)
class TableHead:
    """What is known of a table before its columns are chosen."""

    name: str  # the file, for messages
    first: tuple[str, ...]  # the names of the columns, or the fields of the first record
    named: bool  # whether `first` can only be names: JSON, Parquet, Arrow
    # reads all columns of the first records, the first one among them; CSV and TSV only
    sample: Callable[[], tuple[Strings, ...]]


Choose = Callable[[TableHead], Chosen]


def join_columns(parts: Sequence[Columns]) -> Columns:
    """Put parts of one table below each other."""
    if len(parts) == 1:
        return parts[0]
    columns = []
    for group in zip(*(part.columns for part in parts), strict=True):
        cells = join_strings([column.cells for column in group])
        null = np.concatenate([column.null for column in group])
        values = np.concatenate([column.values for column in group])
        columns.append(Column(cells, null, values))
    lines = np.concatenate([part.lines for part in parts])
    return Columns(tuple(columns), lines, sum(part.ragged for part in parts))


def missing_column(place: str, wanted: str, names: Sequence[str], flag: str) -> InputError:
    """Make the error for a table that lacks a column, with the nearest name as its hint."""
    known = unknown_name(f"{place}: no column", wanted, [str(name) for name in names[:20]])
    return InputError(known.problem, hint=f"{known.hint} Pass {flag}.")


def check_single(place: str, names: Sequence[str], chosen: Chosen) -> None:
    """Refuse a chosen name that two columns have."""
    for column in chosen.columns:
        if names.count(names[column]) > 1:
            raise InputError(f"{place}: two columns are called {names[column]!r}")
