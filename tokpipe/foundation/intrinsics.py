"""Loads, stores and bit tricks on raw addresses, for the private parts of kernels.

Helpers that take arrays cost reference counts in the hot loop (21 MB/s for a word counter against
175 to 230 on addresses), so the face of a kernel takes arrays and its inner helpers take int64
addresses (``array.ctypes.data``). numba does not keep an array alive for its address: use the
array once more after the loop.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTE, _WORD, _LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def _load(width: ir.IntType):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        value = builder.load(builder.inttoptr(arguments[0], width.as_pointer()))
        value.align = 1
        return value

    return generate


def _store(width: ir.IntType):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        pointer = builder.inttoptr(arguments[0], width.as_pointer())
        builder.store(arguments[1], pointer, align=1)
        return context.get_dummy_value()

    return generate


@intrinsic
def load_u8(typing_context, address):  # type: ignore[no-untyped-def]
    """Return the byte at an address (int64) as uint8."""
    return types.uint8(types.int64), _load(_BYTE)


@intrinsic
def load_u32(typing_context, address):  # type: ignore[no-untyped-def]
    """Return four bytes at an address (int64), aligned or not, as uint32."""
    return types.uint32(types.int64), _load(_WORD)


@intrinsic
def load_i32(typing_context, address):  # type: ignore[no-untyped-def]
    """Return four bytes at an address (int64), aligned or not, as int32."""
    return types.int32(types.int64), _load(_WORD)


@intrinsic
def load_u64(typing_context, address):  # type: ignore[no-untyped-def]
    """Return eight bytes at an address (int64), aligned or not, as uint64."""
    return types.uint64(types.int64), _load(_LONG)


@intrinsic
def load_i64(typing_context, address):  # type: ignore[no-untyped-def]
    """Return eight bytes at an address (int64), aligned or not, as int64."""
    return types.int64(types.int64), _load(_LONG)


@intrinsic
def store_u8(typing_context, address, value):  # type: ignore[no-untyped-def]
    """Write a uint8 to an address (int64)."""
    return types.void(types.int64, types.uint8), _store(_BYTE)


@intrinsic
def store_u32(typing_context, address, value):  # type: ignore[no-untyped-def]
    """Write a uint32 to an address (int64), aligned or not."""
    return types.void(types.int64, types.uint32), _store(_WORD)


@intrinsic
def store_i32(typing_context, address, value):  # type: ignore[no-untyped-def]
    """Write an int32 to an address (int64), aligned or not."""
    return types.void(types.int64, types.int32), _store(_WORD)


@intrinsic
def store_u64(typing_context, address, value):  # type: ignore[no-untyped-def]
    """Write a uint64 to an address (int64), aligned or not."""
    return types.void(types.int64, types.uint64), _store(_LONG)


@intrinsic
def store_i64(typing_context, address, value):  # type: ignore[no-untyped-def]
    """Write an int64 to an address (int64), aligned or not."""
    return types.void(types.int64, types.int64), _store(_LONG)


@intrinsic
def trailing_zeros(typing_context, value):  # type: ignore[no-untyped-def]
    """Count the zero bits below the lowest one of a uint64; 64 for zero."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate
