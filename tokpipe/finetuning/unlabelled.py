"""Rows without a label beside those that have one: a teacher alone says what they are."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.scoring import Part
from tokpipe.foundation.arrays import join_strings
from tokpipe.labelled.records import NO_LABEL, LabelledTexts


def with_unlabelled(part: Part, data: LabelledTexts, examples: Examples) -> Part:
    """Return a part of texts with others behind it, which have no label.

    Parameters
    ----------
    data
        The others; as many columns of text as the part has.
    examples
        Their windows.
    """
    first = part.data
    assert isinstance(first, LabelledTexts)
    columns = zip(first.texts, data.texts, strict=True)
    joined = replace(
        first,
        source=f"{first.source} and {data.source}",
        texts=tuple(join_strings(pair) for pair in columns),
        labels=np.concatenate([first.labels, _none_like(first.labels, len(data))]),
        lines=np.concatenate([first.lines, data.lines]),
        ids=None,
    )
    return Part(part.name, joined, _joined(part.examples, examples))


def _joined(one: Examples, other: Examples) -> Examples:
    assert one.labels is not None
    kinds = [each.token_type_ids for each in (one, other) if each.token_type_ids is not None]
    return replace(
        one,
        input_ids=np.concatenate([one.input_ids, other.input_ids]),
        offsets=np.concatenate([one.offsets, one.offsets[-1] + other.offsets[1:]]),
        token_type_ids=np.concatenate(kinds) if kinds else None,
        row=np.concatenate([one.row, one.rows + other.row]),
        rows=one.rows + other.rows,
        labels=np.concatenate([one.labels, _none_like(one.labels, len(other))]),
        windowed=one.windowed + other.windowed,
        cut=one.cut + other.cut,
    )


def _none_like(labels: NDArray, count: int) -> NDArray:
    """Return no labels for so many rows, as labels of a kind say it: -1, or NaN."""
    none = np.nan if labels.dtype.kind == "f" else NO_LABEL
    return np.full((count, *labels.shape[1:]), none).astype(labels.dtype)
