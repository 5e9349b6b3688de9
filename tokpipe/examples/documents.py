"""Many documents as ids: one buffer, with the borders of sentences and of documents."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class EncodedDocuments:
    """A block of documents: the unit from which examples are built.

    Attributes
    ----------
    ids : int32[T]
        The tokens of all documents, end to end, without special tokens.
    sentences : int64[S + 1]
        Ascending borders into `ids`; empty sentences are allowed.
    documents : int64[D + 1]
        Ascending borders into `sentences`; empty documents are allowed.
    numbers : int64[D]
        What the draws of a document depend on: its number in the corpus. No two documents, and
        no two parts of one that was cut, have the same.
    """

    ids: NDArray[np.int32]
    sentences: NDArray[np.int64]
    documents: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.documents) - 1
