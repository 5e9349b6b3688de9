"""Loads, stores and bit tricks on raw addresses, for the private parts of kernels.

Helpers that take arrays cost reference counts in the hot loop (21 MB/s for a word counter against
175 to 230 on addresses), so the face of a kernel takes arrays and its inner helpers take int64
addresses (``array.ctypes.data``). numba does not keep an array alive for its address: see
`keep_alive`.
"""

from collections.abc import Callable
from typing import Any

from tokpipe.foundation.jit import Intrinsic, LateModule

ir, types = LateModule("llvmlite.ir"), LateModule("numba.core.types")


def _load(bits: int):
    def generate(context, builder, signature, arguments):
        pointer = ir.IntType(bits).as_pointer()
        value = builder.load(builder.inttoptr(arguments[0], pointer))
        value.align = 1
        return value

    return generate


def _store(bits: int):
    def generate(context, builder, signature, arguments):
        pointer = ir.IntType(bits).as_pointer()
        builder.store(arguments[1], builder.inttoptr(arguments[0], pointer), align=1)
        return context.get_dummy_value()

    return generate


@Intrinsic
def keep_alive(typing_context, array):
    """Use an array that a kernel made itself, so that it lives until here; does nothing.

    numba frees an array behind its last use by name, though its address is used after that: of 200
    kernels that read a local array by address in a loop, 200 read what another array had been
    given. Arguments need no such line, for the caller holds them until the call returns (0 of 400).
    """

    def generate(context, builder, signature, arguments):
        return context.get_dummy_value()

    return types.void(array), generate


def _named(typer: Callable[..., Any], name: str, summary: str):
    typer.__name__, typer.__qualname__, typer.__doc__ = name, name, summary
    return Intrinsic(typer)


def _loader(name: str, kind: str, bits: int):
    """Make an intrinsic that returns the number at an address (int64), aligned or not."""

    def typer(typing_context, address):
        return getattr(types, kind)(types.int64), _load(bits)

    return _named(typer, name, f"Return the {kind} at an address (int64), aligned or not.")


def _storer(name: str, kind: str, bits: int):
    """Make an intrinsic that writes a number to an address (int64), aligned or not."""

    def typer(typing_context, address, value):
        return types.void(types.int64, getattr(types, kind)), _store(bits)

    return _named(typer, name, f"Write a {kind} to an address (int64), aligned or not.")


load_u8 = _loader("load_u8", "uint8", 8)
load_u16 = _loader("load_u16", "uint16", 16)
load_u32 = _loader("load_u32", "uint32", 32)
load_i32 = _loader("load_i32", "int32", 32)
load_u64 = _loader("load_u64", "uint64", 64)
load_i64 = _loader("load_i64", "int64", 64)
store_u8 = _storer("store_u8", "uint8", 8)
store_u32 = _storer("store_u32", "uint32", 32)
store_i32 = _storer("store_i32", "int32", 32)
store_u64 = _storer("store_u64", "uint64", 64)
store_i64 = _storer("store_i64", "int64", 64)


@Intrinsic
def prefetch(typing_context, address):
    """Ask for the cache line at an address (int64), without waiting for it."""

    def generate(context, builder, signature, arguments):
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        signature = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], signature)
        reading, all_levels, data = number(0), number(3), number(1)
        place = builder.inttoptr(arguments[0], pointer)
        builder.call(function, [place, reading, all_levels, data])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@Intrinsic
def trailing_zeros(typing_context, value):
    """Count the zero bits below the lowest one of a uint64; 64 for zero."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@Intrinsic
def count_ones(typing_context, value):
    """Count the one bits of a uint64."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _byte_mask(name: str, lanes: int, *ranges: tuple[int, int]):
    """Make an intrinsic: bit `i` of its uint64 is set if the byte at `address + i` is in a range.

    Written with LLVM vectors of 32 or 64 bytes, so that each processor uses the widest it has.
    """

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.IntType(8), lanes)
        bytes_ = builder.load(builder.inttoptr(arguments[0], vector.as_pointer()))
        bytes_.align = 1
        mask = None
        for least, most in ranges:
            shifted = builder.sub(bytes_, ir.Constant(vector, [least] * lanes))
            inside = builder.icmp_unsigned(
                "<=", shifted, ir.Constant(vector, [most - least] * lanes)
            )
            mask = inside if mask is None else builder.or_(mask, inside)
        bits = builder.bitcast(mask, ir.IntType(lanes))
        return builder.zext(bits, ir.IntType(64)) if lanes < 64 else bits

    def typer(typing_context, address):
        return types.uint64(types.int64), generate

    return _named(typer, name, f"Mark what the name says in {lanes} bytes at an address (int64).")


# First and last byte of each in ASCII
_DIGITS, _CAPITALS, _SMALL, _SPACE = (0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), (0x20, 0x20)
_MARKS = ((byte, byte) for byte in b"\n!.?\xd6\xd8\xdb\xef")  # or first bytes of longer ones

ascii32 = _byte_mask("ascii32", 32, (0x00, 0x7F))
ascii_letters32 = _byte_mask("ascii_letters32", 32, _CAPITALS, _SMALL)
ascii_alphanumerics32 = _byte_mask("ascii_alphanumerics32", 32, _DIGITS, _CAPITALS, _SMALL)
ascii_printable32 = _byte_mask("ascii_printable32", 32, (0x20, 0x7E))
ascii_visible32 = _byte_mask("ascii_visible32", 32, (0x21, 0x7E))  # no white space, no control
ascii64 = _byte_mask("ascii64", 64, (0x00, 0x7F))
ascii_letters64 = _byte_mask("ascii_letters64", 64, _CAPITALS, _SMALL)
ascii_digits64 = _byte_mask("ascii_digits64", 64, _DIGITS)
ascii_alphanumerics64 = _byte_mask("ascii_alphanumerics64", 64, _DIGITS, _CAPITALS, _SMALL)
ascii_spaces64 = _byte_mask("ascii_spaces64", 64, _SPACE, (0x09, 0x0D))
ascii_visible64 = _byte_mask("ascii_visible64", 64, (0x21, 0x7E))
ascii_blanks64 = _byte_mask("ascii_blanks64", 64, _SPACE, (0x09, 0x0A), (0x0D, 0x0D))
blanks64 = _byte_mask("blanks64", 64, _SPACE)
newlines64 = _byte_mask("newlines64", 64, (0x0A, 0x0A))
continuations64 = _byte_mask("continuations64", 64, (0x80, 0xBF))  # inside of a UTF-8 character
# line feeds, and the first bytes of all marks that end a sentence
sentence_marks64 = _byte_mask("sentence_marks64", 64, *_MARKS, (0xE0, 0xE3))
