"""Memory that nobody needs any more, given back: the compiler's code, and what was freed.

Loading compiled kernels walks through LLVM: 52 MB of its code are then resident (numba 0.68) and
never run again. They are clean pages of a file, so that the system can drop them and would read
them again if they were needed after all; but it drops them only when it is short of memory itself,
and until then they count against whoever limits or measures this process.

What NumPy frees, the C library keeps for later: 57 MB after training on 100 MB of text.
"""

import contextlib
import ctypes
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_MAPS = Path("/proc/self/smaps")
_MADV_DONTNEED = 4  # as Linux numbers it
# As glibc numbers and chooses them by itself for a program with large arrays: what is larger than
# the first is given back at once, and of the rest what is more than the second.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = (-1, 64 << 20), (-3, 32 << 20)
# What must be zero of a mapping whose pages are all as in its file. A page that was written (by the
# loader, that is) is no page of the file any more, but an anonymous one; in a child of `fork` it is
# shared with the parent and so not private, and it may be swapped out and so not resident.
_WRITTEN = ("Anonymous", "Swap", "Private_Dirty", "Shared_Dirty")
_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(\S.*)")


def release_compiler_pages() -> int:
    """Give back the resident code of LLVM; return how many bytes that may have been.

    Only mappings in which no page was ever written are touched. Elsewhere than on Linux, nothing
    is done.
    """
    if sys.platform != "linux" or "llvmlite.binding" not in sys.modules:
        return 0
    try:
        clean = list(_clean_mappings("libllvmlite"))
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):  # no /proc, or a C library without it: it is only a gain
        return 0
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return sum(
        end - start for start, end in clean if not advise(start, end - start, _MADV_DONTNEED)
    )


def release_freed_memory() -> None:
    """Let the C library return what it keeps of freed memory; it takes a few milliseconds."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for what comes next, as it does by itself.

    An environment that sets MALLOC_TRIM_THRESHOLD_, as Dask does for its workers, has it give each
    large array back when it is freed: a quarter of the time went to asking for zeroed pages anew.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        adjust = ctypes.CDLL(None).mallopt
        for setting in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            adjust(*setting)


def _clean_mappings(library: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the mappings of a library whose pages are all as in its file."""
    head, written, wanted = None, dict[str, int](), False
    for line in [*_MAPS.read_text(errors="replace").splitlines(), ""]:
        name, _, value = line.partition(":")
        if wanted and name in _WRITTEN:
            written[name] = int(value.split()[0])
        elif (following := _HEAD.fullmatch(line)) or not line:
            if head and wanted and [*written.values()] == [0] * len(_WRITTEN):
                yield int(head[1], 16), int(head[2], 16)
            head, written = following, {}
            wanted = bool(head) and library in head[4] and head[3] in ("r-xp", "r--p")
