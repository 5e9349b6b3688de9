"""What both tasks of words share: reading, labels, and a line for each sentence."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.predictions import TagPredictions
from tokpipe.finetuning.task import Row, Tuned
from tokpipe.labelled.config import TagColumns
from tokpipe.labelled.naming import with_names
from tokpipe.labelled.records import NO_LABEL, TaggedWords
from tokpipe.labelled.tagged import read_tagged, require_entities


def read_entities(
    path: str | Path, columns: TagColumns | None, names: tuple[str, ...] | None
) -> TaggedWords:
    """Read a part of the data; tags that mark no entities are refused."""
    data = read_tagged(path, columns or TagColumns())
    if names is None or (data.tags != NO_LABEL).any():
        require_entities(data)
    return data if names is None else with_names(data, names)


def read_tags(
    path: str | Path, columns: TagColumns | None, names: tuple[str, ...] | None
) -> TaggedWords:
    """Read a part of the data; tags are taken as they stand, unless their scheme is told."""
    columns = columns or TagColumns()
    if columns.scheme == "auto":
        columns = replace(columns, scheme="none")
    return read_tagged(path, columns, names)


def has_tags(data: TaggedWords) -> NDArray[np.bool_]:
    """Return which sentences have a tag at every word: bool[S]."""
    missing = np.concatenate([[0], np.cumsum(data.tags == NO_LABEL)])
    return missing[data.borders[1:]] == missing[data.borders[:-1]]


def tag_rows(data: TaggedWords, predictions: TagPredictions, tuned: Tuned) -> Iterator[Row]:
    """Yield a line for each sentence."""
    words, shares = data.words.to_arrow().to_pylist(), predictions.probabilities.tolist()
    found, gold = predictions.tags.tolist(), data.tags.tolist()
    for row, (first, last) in enumerate(pairwise(data.borders.tolist())):
        golds = gold[first:last]
        known = {} if NO_LABEL in golds else {"gold": [data.names[tag] for tag in golds]}
        yield {
            "row": row,
            "line": int(data.lines[first]),
            "words": words[first:last],
            "tags": [data.names[tag] for tag in found[first:last]],
            "probabilities": shares[first:last],
            **known,
        }
