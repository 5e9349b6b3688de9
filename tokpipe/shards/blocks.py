"""What flows from reading to building: documents with their numbers, and blocks of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings

PART_SHIFT = 40  # of a number: the document's in the corpus below, which part of it above


class ResumePoint(NamedTuple):
    """From where the corpus has to be read again, and which document comes next there."""

    piece: int = 0  # index of the piece
    # `document`, `part`, `part_bytes`: at its start: number of the last document that has begun,
    # the part of it, and how many bytes that part has so far
    document: int = 0
    part: int = 0
    part_bytes: int = 0
    has_document: bool = False  # whether there is such a document
    # `next_document`, `next_part`: everything before this one is done
    next_document: int = 0
    next_part: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The documents of one piece, long ones in parts."""

    texts: Strings  # n texts
    borders: NDArray[np.int64]  # int64[U + 1]: unit u is texts ``borders[u]:borders[u + 1]``
    # `documents`, `parts`: int64[U]: number of the document, and which part of it
    documents: NDArray[np.int64]
    parts: NDArray[np.int64]
    # bool[U]: whether it begins here; only the first can go on from the piece before
    begins: NDArray[np.bool_]
    is_lines: bool  # as in `TextBatch`
    entry: ResumePoint  # what holds at the start of the piece
    repairs: Mapping[str, int]  # what was repaired in the piece; counted with its first unit

    def resume_point(self, unit: int) -> ResumePoint:
        """Return where work goes on from a unit that begins here."""
        document, part = int(self.documents[unit]), int(self.parts[unit])
        return self.entry._replace(next_document=document, next_part=part)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Whole documents of one split."""

    split: int  # 0 for training, 1 for validation
    texts: Strings  # n texts
    documents: NDArray[np.int64]  # int64[D + 1]: borders into the texts
    # int64[D]: of the documents in the corpus; parts of one that was cut have numbers of their own
    numbers: NDArray[np.int64]
    is_lines: bool  # as in `TextBatch`
    # what was repaired in the text: how many texts "replaced", "skipped", "null", "cut"
    repairs: Mapping[str, int]
    # where it begins: what comes before it is done when work goes on from there
    resume_point: ResumePoint

    @property
    def further_parts(self) -> int:
        """How many of the documents are second, third … parts of long ones."""
        return int(np.count_nonzero(self.numbers >> PART_SHIFT))
