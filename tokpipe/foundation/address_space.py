"""A limit on address space (`ulimit -v`), looked at before what would die of it is loaded.

Where it is too small, LLVM ends the process with a signal, or goes round and round looking for
room, and a library that does not fit in is an ImportError. Both are answered with exit code 5.
"""

from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.foundation.memory import address_space_limit, keep_to_one_arena
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.threads import usable_cpus

# Measured on two processors with numba 0.68, pyarrow 26 and OpenBLAS, by lowering the limit until
# training on a few words failed.
_LOADED = 750_000_000  # with kernels that are compiled already
_COMPILED = 1_400_000_000  # LLVM at work, once
_A_THREAD = 40_000_000  # stack and buffers of OpenBLAS and ours; two are in the figures above
_RESERVE = 1.1


def fit_into_address_space(*, compiles: bool) -> None:
    """Be sparing under a limit on address space; refuse one that cannot hold the program itself.

    Raises
    ------
    MemoryLimitError
        With what there is, what is needed, and the command that sets it.
    """
    limit = address_space_limit()
    if limit is None:
        return
    keep_to_one_arena()
    threads = max(0, usable_cpus() - 2)
    least = int(((_COMPILED if compiles else _LOADED) + _A_THREAD * threads) * _RESERVE)
    if limit < least:
        stage = "compiling the kernels" if compiles else "loading the kernels"
        raise MemoryLimitError(
            f"{stage}: the address space is limited to {format_bytes(limit)}; the program itself"
            f" takes {format_bytes(least)}",
            hint=f"Allow more with `ulimit -v {-(-least // 1024)}` or `ulimit -v unlimited`, and "
            "bound the memory for data with --memory.",
        )
