"""What readers yield: about a megabyte of texts as buffers, with the borders of documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings


@dataclass(frozen=True, slots=True, eq=False)
class TextBatch:
    r"""Texts, valid UTF-8, and the documents that they make up.

    Attributes
    ----------
    texts : Strings
        n texts. A line of plain text each, with its ``\n`` where it has one; or a cell of a
        column each, as it stands.
    documents : int64[D + 1]
        Borders into the texts: document d is texts ``documents[d]:documents[d + 1]``, at least
        one. In plain text the blank lines behind a document belong to it; those at the start of a
        file make one of nothing else.
    continues : bool
        Whether the first document goes on from the batch before.
    is_lines : bool
        Whether the texts are lines of plain text.
    tally : Mapping[str, int]
        What had to be mended here: how many "replaced", "skipped", "null", where not zero.
    """

    texts: Strings
    documents: NDArray[np.int64]
    continues: bool = False
    is_lines: bool = False
    tally: Mapping[str, int] = field(default_factory=dict)
