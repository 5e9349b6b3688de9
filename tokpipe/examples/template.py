"""What a tokenizer puts around the segments of a row: special tokens, and where types change."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class RowTemplate(NamedTuple):
    """The special tokens of a row, and its token types."""

    # `begin`, `between`, `end`: int32[k]: ids in front of the first segment, between two of them,
    # and behind the last one
    begin: NDArray[np.int32]
    between: NDArray[np.int32]
    end: NDArray[np.int32]
    # how many of the tokens between two segments have the type 0, as all in front of them; from
    # there on it is 1. None: all are of type 0
    type_1_from: int | None = None

    def added(self, segments: int) -> int:
        """Return how many special tokens a row of so many segments has."""
        return len(self.begin) + (segments - 1) * len(self.between) + len(self.end)
