"""How many rows each label has."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from tokpipe.labelled.records import Labelled, Questions, TaggedWords
from tokpipe.labelled.schemes import entities_of


class Counted(NamedTuple):
    """What the rows of a part are called, how many there are, and what is counted by label."""

    rows: str
    number: int
    units: str  # more than one of them
    labels: dict[str, int]
    whole: int  # of which the labels are shares: rows that may have several, else all units


def count_labels(data: Labelled) -> Counted:
    """Count the rows of each class, the words of each tag, the entities of each kind, the answers.

    Numbers are no classes: they are counted in none.
    """
    if isinstance(data, Questions):
        answered = int((np.diff(data.answer_borders) > 0).sum())
        labels = {"with an answer": answered, "without an answer": len(data) - answered}
        labels = {name: count for name, count in labels.items() if count}
        return Counted("question", len(data), "questions", labels, len(data))
    if isinstance(data, TaggedWords):
        return _count_tags(data)
    rows = "pair" if len(data.texts) > 1 else "text"
    if data.labels.dtype == np.float64:
        return Counted(rows, len(data), f"{rows}s", {}, 0)
    counts = (
        data.labels.sum(axis=0, dtype=np.int64)
        if data.labels.ndim == 2
        else np.bincount(data.labels[data.labels >= 0], minlength=len(data.names))
    )
    labels = dict(zip(data.names, counts.tolist(), strict=True))
    return Counted(rows, len(data), f"{rows}s", labels, len(data))


def rows_left_out(data: Labelled) -> str:
    """Say how many texts or questions of a file were not taken, and why; empty if all were.

    Of words none is: what is left out there are comments and the like.
    """
    if isinstance(data, TaggedWords):
        return ""
    return ", ".join(f"{count:,} left out: {reason}" for reason, count in data.left_out.items())


def _count_tags(data: TaggedWords) -> Counted:
    if data.scheme == "none":
        counts = np.bincount(data.tags[data.tags >= 0], minlength=len(data.names))
        labels = dict(zip(data.names, counts.tolist(), strict=True))
        return Counted("sentence", len(data), "words", labels, sum(labels.values()))
    found = Counter(entities_of(data.names, data.tags, data.borders).kinds)
    labels = dict(sorted(found.items()))
    return Counted("sentence", len(data), "entities", labels, found.total())
