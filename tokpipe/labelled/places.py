"""Where rows stand, and names of labels, for messages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.labelled.labels import shown
from tokpipe.labelled.records import Labelled, Questions, TaggedWords, place_of

_FEW = 5  # names that a message lists


def place_in(data: Labelled, row: int) -> str:
    """Return where a text, sentence or question stands, for messages."""
    if isinstance(data, Questions):
        return f"{data.source}: question {shown(data.ids.bytes_of(row).decode())!r}"
    first = int(data.borders[row]) if isinstance(data, TaggedWords) else row
    return place_of(data.source, int(data.lines[first]))


def few_of(names: Sequence[str]) -> str:
    """Return the first of some labels, and how many more there are."""
    listed = ", ".join(repr(shown(name)) for name in names[:_FEW])
    return listed + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def share_of(rows: NDArray[np.bool_]) -> str:
    """Return how many of all rows are marked, in percent."""
    return f"{100 * rows.mean():.3g} %"
