"""What one thread counts with: its tables, and where they go when they are full."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tokpipe.corpus.batch import TextBatch
from tokpipe.foundation.arrays import Strings
from tokpipe.words.config import WordsConfig
from tokpipe.words.journal import Covered, Journal, write_temporary_run
from tokpipe.words.kernels.count import count_texts, texts_below
from tokpipe.words.normalizers import before_split
from tokpipe.words.pre_tokenizers import scratch_bytes, split_tables
from tokpipe.words.runs import Run, merge_in_memory, sorted_batches, sorted_run
from tokpipe.words.table import WordTable

_WORTH_KEEPING = 2.0  # seconds of counting: below, to count again is quicker than to write and read
_LARGE_RUN = 1 << 28  # bytes; two of them are merged within a second
COUNTED, HELD_OUT = 0, 1  # sides: a text goes to one of them


class Limits(NamedTuple):
    """How large the tables of a thread may become.

    Even without a limit on memory a table ends somewhere: sorting one of four million slots takes
    half a second, in which Ctrl-C would not be answered; past it, sorted runs take half the room.
    """

    slots: int = 1 << 22
    arena: int = 1 << 30


NO_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What all threads of a counting share."""

    config: WordsConfig  # what makes words of texts
    threshold: int = 0  # texts whose hash is below it are held out: their share times 2^64
    limits: Limits = NO_LIMITS  # of the tables, each
    spill: Path | None = None  # where full tables go; None: they stay in memory as sorted runs
    # a table up to this size that was never full stays in memory when all is counted; None: any
    keep_bytes: int | None = None
    journal: Journal | None = None  # the work folder, where the counting can be gone on with
    # `commit_bytes`, `commit_seconds`: how much work of a thread may be lost, whichever comes first
    commit_bytes: int = 1 << 30
    commit_seconds: float = 5.0


class Side:
    """A table, and the runs that it has been emptied into."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tables = split_tables(plan.config)
        self.table = WordTable()
        self.runs: list[Run] = []
        self.files: list[Path] = []

    def count(self, texts: Strings, left_out: np.ndarray) -> int:
        """Count the words of texts that are not left out; return how many there were."""
        longest = int(np.diff(texts.offsets).max()) if len(texts) else 0
        room = scratch_bytes(longest, self._plan.config)
        text, position, words = 0, int(texts.offsets[0]), 0
        while text < len(texts):
            table = self.table
            text, position, needed, found = count_texts(
                texts.data, texts.offsets, left_out, text, position, self._tables, room,
                table.head, table.slots, table.arena,
            )  # fmt: skip
            words += found
            if needed:
                self._make_room(needed)
        return words

    def _make_room(self, word_bytes: int) -> None:
        if len(self.table) and not self.table.fits(word_bytes, *self._plan.limits):
            self.spill()
        self.table.make_room(word_bytes)

    def spill(self) -> None:
        """Empty the table into a sorted run, on disk if there is a place for it."""
        if self._plan.spill is None:
            self._sort_in_memory()
        elif len(self.table):
            durable = self._plan.journal is not None
            batches = sorted_batches(self.table)
            self.files.append(write_temporary_run(self._plan.spill, batches, durable=durable))

    def _sort_in_memory(self) -> None:
        if len(self.table):
            self.runs.append(sorted_run(self.table))
        # Few runs, each word merged seldom; none so large that Ctrl-C would wait for it.
        while len(self.runs) > 1 and (
            self.runs[-2].nbytes < min(2 * self.runs[-1].nbytes, _LARGE_RUN)
        ):
            self.runs[-2:] = [merge_in_memory(self.runs[-2:])]

    def finish(self) -> None:
        """Sort what is left, and free the table."""
        keep = self._plan.keep_bytes
        if keep is None or (not self.files and self.table.nbytes <= keep):
            self._sort_in_memory()
        else:
            self.spill()
        del self.table


class ThreadCounter:
    """Counts the pieces that one thread draws."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.sides = [Side(plan) for _ in range(2 if plan.threshold else 1)]
        self.covered = Covered()
        self._last_commit = time.monotonic()

    def count(self, index: int, batch: TextBatch) -> None:
        """Count one piece, and commit when it is time."""
        texts = before_split(batch.texts, self._plan.config)
        for side, left_out in zip(self.sides, self._left_out(texts), strict=True):
            self.covered.facts["words"] += side.count(texts, left_out)
        self.covered.pieces.append(index)
        self.covered.facts.update({"texts": len(texts), "bytes": batch.texts.nbytes, **batch.tally})
        if self._plan.journal is not None and self._is_time():
            self.commit()

    def _left_out(self, texts: Strings) -> Sequence[np.ndarray]:
        if not self._plan.threshold:
            return [np.zeros(len(texts), np.bool_)]
        chosen = texts_below(texts.data, texts.offsets, np.uint64(self._plan.threshold))
        return [chosen, ~chosen]

    def _is_time(self) -> bool:
        elapsed = time.monotonic() - self._last_commit
        return (
            self.covered.facts["bytes"] >= self._plan.commit_bytes
            or elapsed >= self._plan.commit_seconds
        )

    def commit(self) -> None:
        """Put what was counted since the last commit on disk, for good."""
        if self._plan.journal is None or not self.covered.pieces:
            return
        for side in self.sides:
            side.spill()
        self._plan.journal.commit(self.covered, [side.files for side in self.sides])
        self.covered = Covered()
        for side in self.sides:
            side.files = []
        self._last_commit = time.monotonic()

    def finish(self) -> None:
        """Sort what is left, and free the tables; commit what took long.

        Merges and files come after it, and a kill there must not cost the counts.
        """
        if time.monotonic() - self._last_commit >= _WORTH_KEEPING:
            self.commit()
        for side in self.sides:
            side.finish()
