"""How the memory that counting may take is shared out."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.foundation.pages import release_freed_memory
from tokpipe.foundation.sizes import format_bytes
from tokpipe.words.counter import NO_LIMITS, Limits

_LEAST_SHARE = 6 << 20  # bytes of a thread: below it the runs become too many
_PROGRAM = 190_000_000  # bytes: Python, numba, Arrow and the loaded kernels
_RESERVE = 16 << 20  # for what is not counted here: Python, Arrow, the compiled kernels
_PIECE_COPIES = 4  # a piece as read, as texts, their borders, what is decoded
_SLOT_COST = 40  # bytes a slot at the worst moment: while it doubles, or while it is sorted
_LEAST_SLOTS = 1 << 12  # of a table: 160 KB at the worst moment, well inside the least share
_STREAM_BYTES = 2 << 20  # of a run that is being merged: its batch as read, and as merged


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What counting may take."""

    threads: int  # how many there is room for
    piece_bytes: int = 1 << 62  # how large a piece of the corpus may be
    limits: Limits = NO_LIMITS  # of each thread's table
    # the largest table that is sorted in memory in the end; None: any
    keep_bytes: int | None = None
    result_bytes: int | None = None  # the largest result in memory; None: any
    fan_in: int = 256  # how many runs are merged at once

    @classmethod
    def of(cls, memory: int | None, threads: int) -> Self:
        """Share out a number of bytes for the whole process, or set no bound.

        Too little for one thread is a `MemoryLimitError`.
        """
        if memory is None:
            return cls(threads=threads)
        release_freed_memory()
        least = min(resident_bytes(), _PROGRAM) + _RESERVE + _LEAST_SHARE
        if memory < least:
            raise MemoryLimitError(
                f"counting words in {format_bytes(memory)} of memory: the program itself takes"
                f" {format_bytes(least)}",
                hint=f"Allow at least {format_bytes(least + 2 * _LEAST_SHARE)}.",
            )
        # What this process has done before (compiled the kernels, say) may have taken all of it.
        free = max(memory - resident_bytes() - _RESERVE, _LEAST_SHARE)
        threads = max(1, min(threads, free // _LEAST_SHARE))
        return cls._shared(free, threads)

    @classmethod
    def _shared(cls, free: int, threads: int) -> Self:
        share = free // threads
        piece_bytes = max(1 << 17, share // (4 * _PIECE_COPIES))
        tables = share - _PIECE_COPIES * piece_bytes
        slots = _LEAST_SLOTS
        while 2 * slots * _SLOT_COST <= tables * 2 // 3:
            slots *= 2
        return cls(
            threads=threads,
            piece_bytes=piece_bytes,
            limits=Limits(slots, tables // 4),
            keep_bytes=share // 4,
            result_bytes=free // 6,
            fan_in=max(4, min(256, free // 2 // _STREAM_BYTES)),
        )


def resident_bytes() -> int:
    """Return how much memory this process takes now; its peak, where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        import resource  # not on every system

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
