"""What kernels on float32 need from the machine: BLAS at an address, and bits of a float.

BLAS is called through the address of its Fortran entry (scipy hands out one in `cython_blas`), as
an int64 argument: a kernel that closes over a foreign pointer cannot be cached.
"""

from tokpipe.foundation.jit import Intrinsic, LateModule

ir, types = LateModule("llvmlite.ir"), LateModule("numba.core.types")


def _char(value: int):
    return ir.IntType(8)(value)


def _int():
    return ir.IntType(32)


def _long(value: int):
    return ir.IntType(64)(value)


def _float():
    return ir.FloatType()


@Intrinsic
def call_sgemm(  # noqa: PLR0913
    typing_context,
    address,
    flags,
    rows,
    columns,
    depth,
    alpha,
    left,
    left_stride,
    right,
    right_stride,
    beta,
    out,
    out_stride,
):
    """Call Fortran's SGEMM: ``out = alpha * op(left) @ op(right) + beta * out``, by columns.

    `flags` has bit 0 for a transposed left and bit 1 for a transposed right operand; operands are
    int64 addresses, sizes and strides int64 (passed on as 32 bits), factors float32.
    """

    def generate(context, builder, signature, arguments):
        flags, rows, columns, depth = arguments[1:5]
        alpha, left, left_stride, right, right_stride, beta, out, out_stride = arguments[5:]

        def place(value):
            with builder.goto_entry_block():
                slot = builder.alloca(value.type)
            builder.store(value, slot)
            return slot

        def letter(bit: int):
            asked = builder.and_(flags, _long(bit))
            is_transposed = builder.icmp_unsigned("!=", asked, _long(0))
            return place(builder.select(is_transposed, _char(ord("T")), _char(ord("N"))))

        def integer(value):
            return place(builder.trunc(value, _int()))

        def pointer(value):
            return builder.inttoptr(value, _float().as_pointer())

        passed = [
            *(letter(1), letter(2), integer(rows), integer(columns), integer(depth)),
            *(place(alpha), pointer(left), integer(left_stride)),
            *(pointer(right), integer(right_stride), place(beta), pointer(out)),
            integer(out_stride),
        ]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in passed])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), passed)
        return context.get_dummy_value()

    long, single = types.int64, types.float32
    return types.void(
        *(long, long, long, long, long, single, long, long, long, long, single, long, long)
    ), generate


@Intrinsic
def nearest_integer(typing_context, value):
    """Round a float32 to the nearest whole number, as float32."""

    def generate(context, builder, signature, arguments):
        function = builder.module.declare_intrinsic("llvm.rint", [_float()])
        return builder.call(function, [arguments[0]])

    return types.float32(types.float32), generate


@Intrinsic
def power_of_two(typing_context, exponent):
    """Return 2 to the power of a whole float32 from -126 to 127; anything for another.

    The whole number is read from the low bits of ``exponent + 1.5 * 2**23``: a conversion to an
    integer would be undefined for NaN.
    """

    def generate(context, builder, signature, arguments):
        shifted = builder.fadd(arguments[0], _float()(12582912.0))
        bits = builder.shl(builder.bitcast(shifted, _int()), _int()(23))
        return builder.bitcast(builder.add(bits, _int()(127 << 23)), _float())

    return types.float32(types.float32), generate


def _flip_negative(builder, bits):
    sign = builder.ashr(bits, _int()(31))
    return builder.xor(bits, builder.and_(sign, _int()(0x7FFFFFFF)))


@Intrinsic
def order_key(typing_context, value):
    """Return an int32 that is in the order of float32: its greatest is found by vectors.

    The greatest of floats is not, without leave to ignore NaN.
    """

    def generate(context, builder, signature, arguments):
        return _flip_negative(builder, builder.bitcast(arguments[0], _int()))

    return types.int32(types.float32), generate


@Intrinsic
def from_order_key(typing_context, key):
    """Return the float32 of an `order_key`."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(_flip_negative(builder, arguments[0]), _float())

    return types.float32(types.int32), generate


@Intrinsic
def stored(typing_context, array, value):
    """Return a float32 as an array holds it: as it is, or rounded to bfloat16 (uint16).

    To the same bits as loops that lay operands round it (`laying_intrinsics`).
    """

    def generate(context, builder, signature, arguments):
        value, kind = arguments[1], signature.args[1]
        if signature.return_type != types.uint16:
            return context.cast(builder, value, kind, signature.return_type)
        bits, int_ = builder.bitcast(value, _int()), _int()
        upper = builder.lshr(bits, int_(16))
        odd = builder.add(builder.and_(upper, int_(1)), int_(0x7FFF))
        rounded = builder.lshr(builder.add(bits, odd), int_(16))
        exponent = builder.and_(bits, int_(0x7F800000))
        is_below = builder.icmp_unsigned("==", exponent, int_(0))
        rounded = builder.select(is_below, builder.and_(upper, int_(0x8000)), rounded)
        is_none = builder.fcmp_unordered("uno", value, value)
        rounded = builder.select(is_none, builder.or_(upper, int_(0x40)), rounded)
        return builder.trunc(rounded, ir.IntType(16))

    return array.dtype(array, value), generate
