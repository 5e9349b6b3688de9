"""The same number for the same label in all parts of the data, and in a model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import InputError
from tokpipe.labelled.labels import unknown_label
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords, place_of

_COLUMNS = {1: "single texts", 2: "pairs of texts"}

Kind = TypeVar("Kind", LabelledTexts, TaggedWords, Questions)


def with_names(data: Kind, names: Sequence[str]) -> Kind:
    """Give the labels of some data the numbers that they have in `names`.

    Parameters
    ----------
    data
        Questions and numbers have no names, and stay as they are.
    names
        Of all labels that there are.

    Raises
    ------
    InputError
        If a row has a label that is none of them, with its line.
    """
    if isinstance(data, Questions) or tuple(names) == data.names or not _has_names(data):
        return data
    number = {name: i for i, name in enumerate(names)}
    table = np.array([number.get(name, -1) for name in data.names], np.int32)
    row = _first_row(data, np.flatnonzero(table < 0))
    if row is not None:
        unknown = data.names[_label_of(data, row, table)]
        raise unknown_label(place_of(data.source, int(data.lines[row])), unknown, tuple(names))
    if isinstance(data, TaggedWords):
        return replace(data, tags=_renumbered(data.tags, table), names=tuple(names))
    if data.labels.ndim == 2:
        marks = np.zeros((len(data), len(names)), np.uint8)
        marks[:, table[table >= 0]] = data.labels[:, table >= 0]
        return replace(data, labels=marks, names=tuple(names))
    return replace(data, labels=_renumbered(data.labels, table), names=tuple(names))


def require_alike(parts: Mapping[str, Labelled]) -> None:
    """Refuse parts of which one has pairs of texts, and another has not.

    Raises
    ------
    InputError
    """
    texts = {p: data for p, data in parts.items() if isinstance(data, LabelledTexts)}
    for data in texts.values():
        first = next(iter(texts.values()))
        if len(data.texts) != len(first.texts):
            has = [f"{each.source} has {_COLUMNS[len(each.texts)]}" for each in (first, data)]
            hint = "Pass --text-column and --second-text-column."
            raise InputError(f"{has[0]}, but {has[1]}", hint=hint)


def _has_names(data: LabelledTexts | TaggedWords) -> bool:
    return isinstance(data, TaggedWords) or data.labels.dtype != np.float64


def _first_row(data: LabelledTexts | TaggedWords, unknown: NDArray[np.int64]) -> int | None:
    """Return the first row (or word) that has one of some labels."""
    if isinstance(data, LabelledTexts) and data.labels.ndim == 2:
        rows = data.labels[:, unknown].any(axis=1)
    else:
        labels = data.tags if isinstance(data, TaggedWords) else data.labels
        rows = np.isin(labels, unknown)
    return int(rows.argmax()) if rows.any() else None


def _label_of(data: LabelledTexts | TaggedWords, row: int, table: NDArray[np.int32]) -> int:
    if isinstance(data, TaggedWords):
        return int(data.tags[row])
    if data.labels.ndim == 1:
        return int(data.labels[row])
    return int(np.flatnonzero((data.labels[row] > 0) & (table < 0))[0])


def _renumbered(labels: NDArray, table: NDArray[np.int32]) -> NDArray[np.int32]:
    if not len(table):
        return labels
    return np.where(labels < 0, -1, table[labels]).astype(np.int32)
