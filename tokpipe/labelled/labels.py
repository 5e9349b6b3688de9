"""Cells of a label column to numbers: classes, several classes, or what is measured.

Each different cell is looked at once, however many rows have it.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.columns import Column
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible

Parsed = TypeVar("Parsed")

_WHOLE = re.compile(r"-?\d+", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BY_NUMBER = re.compile(r"LABEL_\d+")  # what transformers calls labels that nobody has named
_HALF_PAIR = re.compile("[\ud800-\udfff]")  # of surrogates: in JSON alone
_HELD = {"1": True, "0": False, "true": True, "false": False}
LARGEST = float(np.finfo(np.float32).max)  # of the numbers that a model can say
_LONGEST = 40  # characters of a label that a message shows


class Wrong(NamedTuple):
    """What is the matter with a cell, and what to do about it."""

    problem: str
    hint: str = ""


class Cell(NamedTuple):
    """One of the different cells of a column."""

    text: str
    is_value: bool  # a number, truth value, list or object in JSON
    is_null: bool


Place = Callable[[int], str]  # of a row, for messages


def class_labels(column: Column, place: Place) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Give each class a number.

    Parameters
    ----------
    column
        Texts, or whole numbers.
    place
        Says where a row stands.

    Returns
    -------
    labels : int32[N]
    names : tuple of str
        `ordered`.

    Raises
    ------
    InputError
        If a cell is no class.
    """
    cells, index = distinct(column)
    found = parsed(cells, index, class_of, place)
    known = ordered(found)
    number = {name: i for i, name in enumerate(known)}
    return np.array([number[name] for name in found], np.int32)[index], known


def several_labels(
    columns: Sequence[Column],
    column_names: Sequence[str],
    separator: str | None,
    place: Place,
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Mark the labels that hold for N rows.

    Parameters
    ----------
    columns
        One of lists (or of texts with a separator), or one of 0 and 1 for each label.
    column_names
        Of the columns: the labels, where there is more than one.
    separator
        What stands between the labels in one cell.
    place
        Says where a row stands.

    Returns
    -------
    labels : uint8[N, C]
    names : tuple of str

    Raises
    ------
    InputError
        If a cell is no list of labels.
    """
    if len(columns) > 1:
        held = [parsed(*distinct(column), _held, place) for column in columns]
        marks = [np.array(h, np.uint8)[distinct(c)[1]] for h, c in zip(held, columns, strict=True)]
        return np.stack(marks, axis=1), tuple(column_names)
    cells, index = distinct(columns[0])
    found = parsed(cells, index, lambda cell: _names_of(cell, separator), place)
    known = ordered({name for each in found for name in each})
    number = {name: i for i, name in enumerate(known)}
    table = np.zeros((len(found), len(known)), np.uint8)
    for row, each in enumerate(found):
        table[row, [number[name] for name in each]] = 1
    return table[index], known


def numbers_of(column: Column, place: Place) -> NDArray[np.float64]:
    """Read N finite numbers.

    Raises
    ------
    InputError
        If a cell is none.
    """
    cells, index = distinct(column)
    return np.array(parsed(cells, index, _number, place), np.float64)[index]


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names of labels: whole numbers by their value, all else by its characters.

    Examples
    --------
    >>> ordered(["10", "9", "9"]), ordered(["b", "10", "9"])
    (('9', '10'), ('10', '9', 'b'))
    """
    different = set(names)
    if all(_WHOLE.fullmatch(name) and len(name) < 20 for name in different):
        return tuple(sorted(different, key=lambda name: (int(name), name)))
    return tuple(sorted(different))


def distinct(column: Column) -> tuple[list[Cell], NDArray[np.int64]]:
    """Return the different cells of a column, and which of them each of its N rows has."""
    coded = column.cells.to_arrow().dictionary_encode()
    keys = np.asarray(coded.indices, np.int64) * 4 + column.values * 2 + column.null
    found, index = np.unique(keys, return_inverse=True)
    texts = coded.dictionary.to_pylist()
    cells = [Cell(texts[key >> 2], bool(key & 2), bool(key & 1)) for key in found.tolist()]
    return cells, index


def parsed(
    cells: Sequence[Cell],
    index: NDArray[np.int64],
    parse: Callable[[Cell], Parsed | Wrong],
    place: Place,
) -> list[Parsed]:
    """Parse each different cell; raise for the first row whose cell is wrong."""
    found = [parse(cell) for cell in cells]
    rows = np.array([isinstance(each, Wrong) for each in found], np.bool_)[index]
    if rows.any():
        row = int(rows.argmax())
        wrong: Any = found[index[row]]
        raise InputError(f"{place(row)}: {wrong.problem}", hint=wrong.hint)
    return found  # type: ignore[return-value]


def class_of(cell: Cell) -> str | Wrong:
    """Return the class that a cell names: a text as it stands, a whole number by its digits."""
    if cell.is_null:
        return Wrong("no label: the value is null")
    if not cell.is_value:
        return cell.text if cell.text.strip() else Wrong("the label is empty")
    if cell.text[:1] in "[{":
        what = "a list" if cell.text[0] == "[" else "an object"
        hint = "Several labels a text? The task is multilabel." if what == "a list" else ""
        return Wrong(f"the label is {what}; a text or a whole number is needed", hint)
    return _class_of_value(cell.text)


def unknown_label(place: str, name: str, known: Sequence[str]) -> InputError:
    """Make the error for a label that is none of those known."""
    near = get_close_matches(name, known, n=1)
    few = ", ".join(repr(shown(label)) for label in known[:10])
    hint = f"Did you mean {shown(near[0])!r}?" if near else f"Known: {few}."
    if known and all(map(_BY_NUMBER.fullmatch, known)):
        hint += " The model has no names for them: give it some, in id2label of its config.json."
    return InputError(f"{place}: the label {shown(name)!r} is none of the {len(known)}", hint=hint)


def shown(name: str) -> str:
    """Return a label made short and harmless, for messages."""
    return visible(name if len(name) <= _LONGEST else name[:_LONGEST] + "…")


def _class_of_value(text: str) -> str | Wrong:
    if text in ("true", "false") or _WHOLE.fullmatch(text):
        return text
    value = _as_float(text)
    if not math.isfinite(value):
        return Wrong(f"the label is {text}; a text or a whole number is needed")
    return str(int(value)) if value.is_integer() else text


def _number(cell: Cell) -> float | Wrong:
    if cell.is_null:
        return Wrong("no label: the value is null; a number is needed")
    text = cell.text.strip()
    value = _as_float(text) if NUMBER.fullmatch(text) else math.nan
    if math.isfinite(value):
        return value
    hint = "Write decimals with a point." if re.fullmatch(r"[+-]?\d+,\d+", text) else ""
    hint = hint or "Leave such rows out, or name another --label-column."
    return Wrong(f"the label is {shown(cell.text)!r}, not a finite number", hint)


def _as_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _held(cell: Cell) -> bool | Wrong:
    if cell.is_null:
        return Wrong("no label: the value is null; 0 or 1 is needed")
    held = _HELD.get(cell.text.strip().lower())
    if held is None:
        hint = "With several label columns, each holds 0 or 1."
        return Wrong(f"the label is {shown(cell.text)!r}; 0 or 1 is needed", hint)
    return held


def _names_of(cell: Cell, separator: str | None) -> tuple[str, ...] | Wrong:
    if cell.is_null:
        return Wrong("no labels: the value is null; an empty list says that none holds")
    if cell.is_value and cell.text[:1] == "[":
        return _names_in(cell.text)
    if separator is not None and not cell.is_value:
        parts = (part.strip() for part in cell.text.split(separator))
        return tuple(part for part in parts if part)
    if not cell.text.strip():
        return ()
    name = class_of(cell)
    return name if isinstance(name, Wrong) else (name,)


def _names_in(text: str) -> tuple[str, ...] | Wrong:
    try:
        items = json.loads(text, parse_int=str, parse_float=_class_of_value)
    except (ValueError, RecursionError):
        return Wrong("the labels are no list that can be read")
    names = []
    for item in items:
        if isinstance(item, Wrong):
            return item
        is_text = isinstance(item, str | bool) and not _HALF_PAIR.search(str(item))
        if not is_text or not str(item).strip():
            return Wrong(f"the list of labels holds {shown(json.dumps(item))}; texts are needed")
        names.append(item if isinstance(item, str) else str(item).lower())
    return tuple(names)
