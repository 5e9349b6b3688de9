"""What readers yield: about a megabyte of texts as buffers, with the borders of documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings


@dataclass(frozen=True, slots=True, eq=False)
class TextBatch:
    r"""Texts, valid UTF-8, and the documents that they make up."""

    # n texts. A line of plain text each, with its ``\n`` where it has one; or a cell of a column
    # each, as it stands
    texts: Strings
    # int64[D + 1]: borders into the texts: document d is texts ``documents[d]:documents[d + 1]``,
    # at least one. In plain text the blank lines behind a document belong to it; those at the start
    # of a file make one of nothing else
    documents: NDArray[np.int64]
    continues: bool = False  # whether the first document goes on from the batch before
    is_lines: bool = False  # whether the texts are lines of plain text
    # what had to be mended here: how many "replaced", "skipped", "null", where not zero
    tally: Mapping[str, int] = field(default_factory=dict)
