"""Word counts made by hand, for the trainer's tests."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokpipe.foundation.arrays import Strings


@dataclass
class Counted:
    words: Strings
    counts: np.ndarray


def counted(words: Mapping[str, int] | Mapping[bytes, int]) -> Counted:
    """Wrap words and counts as `train` takes them, in the order given."""
    return Counted(Strings.from_list(words), np.array(list(words.values()), np.int64))
