"""The one door to BLAS: SGEMM at the address that scipy hands out for Cython."""

import ctypes
import functools
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.products import LEFT, NOT, RIGHT, multiply, multiply_reference
from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.foundation.memory import room_in_address_space
from tokpipe.foundation.sizes import format_bytes, plural

Array = NDArray[np.floating]

_BLAS_BYTES = 40 << 20  # a thread's: OpenBLAS takes 32 MiB
_KERNEL_BYTES = 96 << 20  # of kernels and libraries that are loaded when they are first called

__all__ = ["LEFT", "NOT", "RIGHT", "gemm", "refuse_little_room", "sgemm_address", "use_one_thread"]


@functools.cache
def sgemm_address() -> int:
    """Return where scipy's SGEMM is."""
    # 60 ms: not before a model is made
    cython_blas: Any = import_module("scipy.linalg.cython_blas")
    capsule = cython_blas.__pyx_capi__["sgemm"]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return int(api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule)))


@functools.cache
def use_one_thread() -> None:
    """Keep BLAS at one thread from now on: a shard of the batch has a thread, a product has none.

    Two threads with a BLAS of two threads each would wait for one another.
    """
    from threadpoolctl import threadpool_limits

    sgemm_address()  # loads the library, so that the limit finds it
    threadpool_limits(1, user_api="blas")


def refuse_little_room(threads: int) -> None:
    """Refuse to begin where a limit on address space leaves too little for what BLAS takes.

    Each thread that multiplies takes 32 MiB, once, and asks for them for ever where they are not
    to be had (OpenBLAS, `blas_memory_alloc`).

    Raises
    ------
    MemoryLimitError
        With what is left, and what is needed.
    """
    left, needed = room_in_address_space(), _KERNEL_BYTES + threads * _BLAS_BYTES
    if left is not None and left < needed:
        raise MemoryLimitError(
            f"multiplying matrices: {format_bytes(left)} of the address space are left; BLAS and "
            f"kernels on {plural(threads, 'thread')} take {format_bytes(needed)}",
            hint="Allow more with `ulimit -v`, or take smaller batches, or fewer --threads.",
        )


def gemm(
    left: Array, right: Array, out: Array, *, transposed: int = NOT, add: bool = False
) -> None:
    """Multiply two matrices, by BLAS in float32 and by NumPy in float64.

    Parameters are those of `kernels.products.multiply_reference`.
    """
    run = multiply if out.dtype == np.float32 else multiply_reference
    run(sgemm_address(), left, right, out, transposed, add)
