"""The ordered stage: pieces of the corpus, as they come, to blocks of whole documents.

A block is what one thread makes examples of, and from which random next segments come. Where one
ends depends on the documents alone: with the first document that brings it to `block_bytes` of
text. So the blocks are the same for any cut of the corpus into pieces and for any number of
threads, and the work can go on from any of them.

A document longer than a block is cut into parts, behind the text (a line, or a piece of a long
one) that brings the part to that size; a part is used like a document.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from tokpipe.corpus.batch import TextBatch
from tokpipe.foundation.seeds import child_keys, stream_key
from tokpipe.shards.blocks import Block, ResumePoint, Units
from tokpipe.shards.cutting import cut_documents, without_long_texts
from tokpipe.shards.gathering import Gathering


class Documents:
    """Cuts a corpus into blocks of at least so many bytes of text, but for the last of its split.

    A share of the documents is held back for validation, by a draw of the seed. `starts` says where
    each split goes on; None for one that is done.
    """

    def __init__(
        self,
        block_bytes: int,
        validation_fraction: float,
        seed: int,
        starts: tuple[ResumePoint | None, ResumePoint | None] = (ResumePoint(), ResumePoint()),
    ) -> None:
        self._limit = block_bytes
        self._key = np.uint64(stream_key(seed, "split"))
        self._held_back = np.uint64(min(int(validation_fraction * 2**64), 2**64 - 1))
        self._sides = {
            split: Gathering(split, block_bytes, start)
            for split, start in enumerate(starts)
            if start is not None
        }
        self._now = min(start for start in starts if start is not None)

    @property
    def first_piece(self) -> int:
        """Index of the piece from which the corpus has to be read."""
        return self._now.piece

    def blocks(self, pieces: Iterable[tuple[int, TextBatch]]) -> Iterator[Block]:
        """Yield blocks as soon as they are whole: the splits mixed, each in its order.

        The pieces come with their indices, from `first_piece` on, in order.
        """
        return self.gathered((i, without_long_texts(batch, self._limit)) for i, batch in pieces)

    def gathered(self, pieces: Iterable[tuple[int, TextBatch]]) -> Iterator[Block]:
        """Yield blocks as `blocks` does, of pieces without long texts, or of their outlines."""
        for index, batch in pieces:
            units = self._units(index, batch)
            keys = np.full(len(units.documents), self._key, np.uint64)
            splits = child_keys(keys, units.documents) < self._held_back
            for split, side in self._sides.items():
                yield from side.add(units, np.flatnonzero(splits == split))
        for side in self._sides.values():
            yield from side.rest()

    def _units(self, index: int, batch: TextBatch) -> Units:
        texts = batch.texts
        entry = self._now._replace(piece=index)
        if entry.has_document and batch.continues:
            first, open_part = entry.document, (entry.part, entry.part_bytes)
        else:
            first, open_part = entry.document + entry.has_document, (0, 0)
        parts = cut_documents(texts.offsets, batch.documents, self._limit, *open_part)
        units = Units(
            texts=texts,
            borders=parts.borders,
            documents=first + parts.owners,
            parts=parts.numbers,
            begins=parts.begins,
            is_lines=batch.is_lines,
            entry=entry,
            repairs=batch.tally,
        )
        self._now = self._after(units)
        return units

    def _after(self, units: Units) -> ResumePoint:
        """Return what holds at the start of the next piece."""
        if not len(units.documents):
            return units.entry
        begin, end = units.texts.offsets[units.borders[-2:]].tolist()
        size = end - begin + (0 if units.begins[-1] else units.entry.part_bytes)
        document, part = int(units.documents[-1]), int(units.parts[-1])
        if size >= self._limit:  # should the document go on, then in another part
            part, size = part + 1, 0
        return ResumePoint(units.entry.piece, document, part, size, True)
