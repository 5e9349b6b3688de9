"""The index of a corpus: where each block begins, and how much text it has.

With it any process can begin with any block, and knows what others begin with.
"""

import hashlib
from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.files import atomic_write
from tokpipe.foundation.shared_files import at_hand
from tokpipe.shards.blocks import Block, ResumePoint

_POINT = len(ResumePoint._fields)
_COLUMNS = 1 + _POINT + 2  # the split; where the block begins; its text; what stands before
_START_OVER = "Pass --force to start over."


class BlockIndex:
    """The blocks of one split, in their order.

    Attributes
    ----------
    points : int64[B, 7]
        Where each begins, as the fields of `ResumePoint`.
    text_bytes : int64[B]
        How much text each has.
    stored_bytes : int64[B]
        How many stored bytes of the corpus stand before the piece in which it begins.
    """

    def __init__(self, table: NDArray[np.int64]) -> None:
        self.points = table[:, 1 : 1 + _POINT]
        self.text_bytes = table[:, -2]
        self.stored_bytes = table[:, -1]

    def __len__(self) -> int:
        return len(self.points)

    def point(self, block: int) -> ResumePoint:
        """Return where a block begins."""
        piece, document, part, part_bytes, has_document, *following = self.points[block].tolist()
        return ResumePoint(piece, document, part, part_bytes, bool(has_document), *following)

    def find(self, point: ResumePoint) -> int:
        """Return which block begins somewhere; an `ArtifactError` if none does."""
        found = np.flatnonzero((self.points == np.array(point, np.int64)).all(axis=1))
        if not len(found):
            raise ArtifactError(
                "a finished shard ends where no block of the input begins", hint=_START_OVER
            )
        return int(found[0])


def index_row(block: Block, stored_bytes: int) -> list[int]:
    """Return what the index says of a block."""
    return [block.split, *map(int, block.resume_point), block.texts.nbytes, stored_bytes]


def write_index(path: Path, rows: Iterable[list[int]]) -> None:
    """Write the rows of all blocks, sealed; the file appears whole."""
    data = array("q")
    for row in rows:
        data.extend(row)
    with atomic_write(path) as file:
        file.write(hashlib.sha256(data).digest())
        file.write(data)


def read_index(path: Path) -> tuple[BlockIndex, BlockIndex]:
    """Return the blocks of training and those of validation.

    Raises
    ------
    ArtifactError
        If the file is not as `write_index` left it.
    """
    with at_hand(path) as copy:
        content = copy.read_bytes()
    seal, data = content[:32], content[32:]
    if hashlib.sha256(data).digest() != seal:
        raise ArtifactError(f"{path}: no index of blocks", hint=_START_OVER)
    table = np.frombuffer(data, np.int64).reshape(-1, _COLUMNS)
    train, validation = (BlockIndex(table[table[:, 0] == split]) for split in (0, 1))
    return train, validation
