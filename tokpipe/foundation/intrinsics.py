"""Loads, stores and bit tricks on raw addresses, for the private parts of kernels.

Helpers that take arrays cost reference counts in the hot loop (21 MB/s for a word counter against
175 to 230 on addresses), so the face of a kernel takes arrays and its inner helpers take int64
addresses (``array.ctypes.data``). numba does not keep an array alive for its address: see
`keep_alive`.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTE, _HALF, _WORD, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def _load(width: ir.IntType):
    def generate(context, builder, signature, arguments):
        value = builder.load(builder.inttoptr(arguments[0], width.as_pointer()))
        value.align = 1
        return value

    return generate


def _store(width: ir.IntType):
    def generate(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], width.as_pointer())
        builder.store(arguments[1], pointer, align=1)
        return context.get_dummy_value()

    return generate


@intrinsic
def keep_alive(typing_context, array):
    """Use an array that a kernel made itself, so that it lives until here; does nothing.

    numba frees an array behind its last use by name, though its address is used after that: of 200
    kernels that read a local array by address in a loop, 200 read what another array had been
    given. Arguments need no such line, for the caller holds them until the call returns (0 of 400).
    """

    def generate(context, builder, signature, arguments):
        return context.get_dummy_value()

    return types.void(array), generate


@intrinsic
def load_u8(typing_context, address):
    """Return the byte at an address (int64) as uint8."""
    return types.uint8(types.int64), _load(_BYTE)


@intrinsic
def load_u16(typing_context, address):
    """Return two bytes at an address (int64), aligned or not, as uint16."""
    return types.uint16(types.int64), _load(_HALF)


@intrinsic
def load_u32(typing_context, address):
    """Return four bytes at an address (int64), aligned or not, as uint32."""
    return types.uint32(types.int64), _load(_WORD)


@intrinsic
def load_i32(typing_context, address):
    """Return four bytes at an address (int64), aligned or not, as int32."""
    return types.int32(types.int64), _load(_WORD)


@intrinsic
def load_u64(typing_context, address):
    """Return eight bytes at an address (int64), aligned or not, as uint64."""
    return types.uint64(types.int64), _load(_LONG)


@intrinsic
def load_i64(typing_context, address):
    """Return eight bytes at an address (int64), aligned or not, as int64."""
    return types.int64(types.int64), _load(_LONG)


@intrinsic
def store_u8(typing_context, address, value):
    """Write a uint8 to an address (int64)."""
    return types.void(types.int64, types.uint8), _store(_BYTE)


@intrinsic
def store_u32(typing_context, address, value):
    """Write a uint32 to an address (int64), aligned or not."""
    return types.void(types.int64, types.uint32), _store(_WORD)


@intrinsic
def store_i32(typing_context, address, value):
    """Write an int32 to an address (int64), aligned or not."""
    return types.void(types.int64, types.int32), _store(_WORD)


@intrinsic
def store_u64(typing_context, address, value):
    """Write a uint64 to an address (int64), aligned or not."""
    return types.void(types.int64, types.uint64), _store(_LONG)


@intrinsic
def store_i64(typing_context, address, value):
    """Write an int64 to an address (int64), aligned or not."""
    return types.void(types.int64, types.int64), _store(_LONG)


@intrinsic
def prefetch(typing_context, address):
    """Ask for the cache line at an address (int64), without waiting for it."""

    def generate(context, builder, signature, arguments):
        pointer, number = _BYTE.as_pointer(), _WORD
        signature = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], signature)
        reading, all_levels, data = number(0), number(3), number(1)
        place = builder.inttoptr(arguments[0], pointer)
        builder.call(function, [place, reading, all_levels, data])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def trailing_zeros(typing_context, value):
    """Count the zero bits below the lowest one of a uint64; 64 for zero."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic
def count_ones(typing_context, value):
    """Count the one bits of a uint64."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _byte_mask(name: str, lanes: int, ranges: tuple[tuple[int, int], ...], summary: str):
    """Make an intrinsic: bit `i` of its uint64 is set if the byte at `address + i` is in a range.

    Written with LLVM vectors of 32 or 64 bytes, so that each processor uses the widest it has.
    """
    vector = ir.VectorType(_BYTE, lanes)

    def splat(value: int):
        return ir.Constant(vector, [value] * lanes)

    def generate(context, builder, signature, arguments):
        bytes_ = builder.load(builder.inttoptr(arguments[0], vector.as_pointer()))
        bytes_.align = 1
        mask = None
        for least, most in ranges:
            shifted = builder.sub(bytes_, splat(least))
            inside = builder.icmp_unsigned("<=", shifted, splat(most - least))
            mask = inside if mask is None else builder.or_(mask, inside)
        bits = builder.bitcast(mask, ir.IntType(lanes))
        return builder.zext(bits, _LONG) if lanes < 64 else bits

    def typer(typing_context, address):
        return types.uint64(types.int64), generate

    typer.__name__, typer.__qualname__, typer.__doc__ = name, name, summary
    return intrinsic(typer)


# First and last byte of each in ASCII
_DIGITS, _CAPITALS, _SMALL = (0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)

ascii_letters32 = _byte_mask(
    "ascii_letters32", 32, (_CAPITALS, _SMALL), "Mark ASCII letters in 32 bytes at an address."
)
ascii_alphanumerics32 = _byte_mask(
    "ascii_alphanumerics32",
    32,
    (_DIGITS, _CAPITALS, _SMALL),
    "Mark ASCII letters and digits in 32 bytes at an address.",
)
ascii_alphanumerics64 = _byte_mask(
    "ascii_alphanumerics64",
    64,
    (_DIGITS, _CAPITALS, _SMALL),
    "Mark ASCII letters and digits in 64 bytes at an address.",
)
ascii_letters64 = _byte_mask(
    "ascii_letters64", 64, (_CAPITALS, _SMALL), "Mark ASCII letters in 64 bytes at an address."
)
ascii_digits64 = _byte_mask(
    "ascii_digits64", 64, (_DIGITS,), "Mark ASCII digits in 64 bytes at an address."
)
ascii_spaces64 = _byte_mask(
    "ascii_spaces64",
    64,
    ((0x20, 0x20), (0x09, 0x0D)),
    "Mark space and the controls 0x09 to 0x0D in 64 bytes at an address.",
)
blanks64 = _byte_mask("blanks64", 64, ((0x20, 0x20),), "Mark the space in 64 bytes at an address.")
ascii64 = _byte_mask("ascii64", 64, ((0x00, 0x7F),), "Mark ASCII in 64 bytes at an address.")
ascii_blanks64 = _byte_mask(
    "ascii_blanks64",
    64,
    ((0x20, 0x20), (0x09, 0x0A), (0x0D, 0x0D)),
    "Mark space, tab, line feed and carriage return in 64 bytes at an address.",
)
ascii_visible32 = _byte_mask(
    "ascii_visible32", 32, ((0x21, 0x7E),), "Mark ASCII but white space, controls and delete."
)
ascii_printable32 = _byte_mask(
    "ascii_printable32", 32, ((0x20, 0x7E),), "Mark ASCII but controls and delete."
)
ascii32 = _byte_mask("ascii32", 32, ((0x00, 0x7F),), "Mark ASCII in 32 bytes at an address.")
newlines64 = _byte_mask("newlines64", 64, ((0x0A, 0x0A),), "Mark line feeds in 64 bytes.")
continuations64 = _byte_mask(
    "continuations64", 64, ((0x80, 0xBF),), "Mark the bytes of UTF-8 that continue a character."
)
sentence_marks64 = _byte_mask(
    "sentence_marks64",
    64,
    (
        *((byte, byte) for byte in b"\n!.?\xd6\xd8\xdb\xef"),
        (0xE0, 0xE3),
    ),
    "Mark line feeds and the first bytes of all marks that end a sentence, in 64 bytes.",
)
