"""Loops that lay operands for the micro-kernels of products: rows are copied, rounded, turned.

Masks say which of 32 values of a row are there: bit `i` is value `i`. What is not there is not
read, and counts as zero.

Rounding is to bfloat16, to nearest even; infinities stay, NaN becomes a quiet one, numbers below
the normal ones become zero. AVX512_BF16 has an instruction for it; without, whole numbers do it, to
the same bits.
"""

from collections.abc import Callable, Sequence

from tokpipe.foundation.assembly import assembly, ir, types
from tokpipe.foundation.jit import Intrinsic

_PARAMETERS = ("source", "source_row", "to", "to_row", "rows", "mask")
# Registers of 16 values of a row and of the next one, where these lie, and which are there. From 16
# on: what is left in those slows nobody down.
_LANES = ((16, 17, "", "%k1"), (18, 19, "64", "%k2"))


def _laying(
    name: str,
    summary: str,
    body: Callable[[int, bool], list[str]],
    at_once: int = 1,
    constants: Sequence[str] = (),
) -> Intrinsic:
    """Make a loop over rows of 16 or 32 values, one or two lanes.

    `body` returns the lines for so many lanes of one row, or of two at once, and then it is asked
    for those of a last row alone, too.
    """

    def loop(lanes: int) -> list[str]:
        next_rows = f"subq $${at_once}, %rcx"
        last = ["cmpq $$-1, %rcx", "jne 4f", *body(lanes, True), "4:"] if at_once > 1 else []
        return [next_rows, "jl 3f", "2:", *body(lanes, False), next_rows, "jge 2b", "3:", *last]

    lines = [
        *("movq (%rax), %rsi", "movq 8(%rax), %r8", "movq 16(%rax), %rdi", "movq 24(%rax), %r9"),
        *("movq 32(%rax), %rcx", "movq 40(%rax), %rdx", "kmovw %edx, %k1", *constants),
        *("shrq $$16, %rdx", "kmovw %edx, %k2", "jz 1f", *loop(2), "jmp 5f", "1:", *loop(1), "5:"),
    ]
    return assembly(name, lines, _PARAMETERS, summary)


def _loads(lanes: int, *, next_row: bool = False) -> list[str]:
    place = "(%rsi,%r8)" if next_row else "(%rsi)"
    return [
        f"vmovups {at}{place}, %zmm{other if next_row else one}{{{there}}}{{z}}"
        for one, other, at, there in _LANES[:lanes]
    ]


def _copied(lanes: int, is_alone: bool) -> list[str]:
    ahead = ["prefetcht0 (%rsi,%r8,8)"] if lanes == 1 else []
    stores = [f"vmovups %zmm{one}, {at}(%rdi){{{k}}}" for one, _, at, k in _LANES[:lanes]]
    return [*ahead, *_loads(lanes), *stores, "addq %r8, %rsi", "addq %r9, %rdi"]


def _side_by_side(lanes: int, is_alone: bool) -> list[str]:
    made = ["vcvtne2ps2bf16 %zmm16, %zmm18, %zmm16", "vmovups %zmm16, (%rdi)"]
    return [*_loads(2), *made, "addq %r8, %rsi", "addq %r9, %rdi"]


def _paired(lanes: int, is_alone: bool) -> list[str]:
    lines = [*_loads(lanes), *_second_row(lanes, is_alone)]
    for one, other, at, _ in _LANES[:lanes]:
        lines += [f"vcvtneps2bf16 %zmm{each}, %ymm{each}" for each in (one, other)]
        lines += [f"vpmovzxwd %ymm{each}, %zmm{each}" for each in (one, other)]
        lines += [f"vpslld $$16, %zmm{other}, %zmm{other}"]
        lines += [f"vpord %zmm{one}, %zmm{other}, %zmm{one}", f"vmovups %zmm{one}, {at}(%rdi)"]
    return [*lines, "leaq (%rsi,%r8,2), %rsi", "addq %r9, %rdi"]


def _second_row(lanes: int, is_missing: bool) -> list[str]:
    if is_missing:
        return [f"vpxord %zmm{other}, %zmm{other}, %zmm{other}" for _, other, *_ in _LANES[:lanes]]
    return _loads(lanes, next_row=True)


# Registers of a one, the half of what is left out less one, what stays, the exponent, the sign,
# and what makes a NaN quiet
_CONSTANTS = [
    line
    for number, bits in enumerate((1, 0x7FFF, 0xFFFF0000, 0x7F800000, 0x80000000, 0x400000))
    for line in (f"movl $${bits:#x}, %r11d", f"vpbroadcastd %r11d, %zmm{20 + number}")
]


def _rounded(register: int) -> list[str]:
    """Return the lines that round float32 in a register to what bfloat16 keeps of them."""
    x, made = f"%zmm{register}", "%zmm26"
    return [
        *(f"vpsrld $$16, {x}, {made}", f"vpandd %zmm20, {made}, {made}"),
        *(f"vpaddd %zmm21, {made}, {made}", f"vpaddd {x}, {made}, {made}"),
        *(f"vcmpunordps {x}, {x}, %k3", f"vpord %zmm25, {x}, {made}{{%k3}}"),
        *(f"vpandd %zmm22, {made}, {made}", f"vptestnmd %zmm23, {x}, %k4"),
        *(f"vpandd %zmm24, {x}, {made}{{%k4}}", f"vmovdqa32 {made}, {x}"),
    ]


def _turned_about(lanes: int, is_alone: bool) -> list[str]:
    lines = _loads(lanes)
    for one, _, at, _ in _LANES[:lanes]:
        lines += [*_rounded(one), f"vpshufd $$0xb1, %zmm{one}, %zmm{one}"]
        lines += [f"vmovups %zmm{one}, {at}(%rdi)"]
    return [*lines, "addq %r8, %rsi", "addq %r9, %rdi"]


def _rows_turned_about(lanes: int, is_alone: bool) -> list[str]:
    lines = [*_loads(lanes), *_second_row(lanes, is_alone)]
    for one, other, at, _ in _LANES[:lanes]:
        lines += [*_rounded(one), *([] if is_alone else _rounded(other))]
        lines += [f"vmovups %zmm{other}, {at}(%rdi)", f"vmovups %zmm{one}, {at}(%rdi,%r9)"]
    return [*lines, "leaq (%rsi,%r8,2), %rsi", "leaq (%rdi,%r9,2), %rdi"]


move_rows = _laying("move_rows", "Copy values of 4 bytes.", _copied)
round_rows = _laying(
    "round_rows", "Round float32 to bfloat16 (AVX512_BF16): 64 bytes a row.", _side_by_side
)
round_pairs = _laying(
    "round_pairs",
    """Round float32 of each two rows to bfloat16 (AVX512_BF16), one of either side by side.

    What a last row without another one stands beside is zero.
    """,
    _paired,
    at_once=2,
)
round_about = _laying(
    "round_about",
    "Round float32 to what bfloat16 keeps; of each two neighbours the second comes first.",
    _turned_about,
    constants=_CONSTANTS,
)
round_rows_about = _laying(
    "round_rows_about",
    """Round float32 to what bfloat16 keeps; of each two rows the second comes first.

    Before a last row without another one there is a row of zeros.
    """,
    _rows_turned_about,
    at_once=2,
    constants=_CONSTANTS,
)


def _transposed(builder, rows: list) -> list:
    """Return the 16 columns of 16 vectors of 16: at each distance, quarters change places."""
    for distance in (1, 2, 4, 8):
        made = list(rows)
        for one in (number for number in range(16) if not number & distance):
            other = one + distance
            low = [16 + (j ^ distance) if j & distance else j for j in range(16)]
            high = [16 + j if j & distance else j ^ distance for j in range(16)]
            for row, chosen in ((one, low), (other, high)):
                mask = ir.Constant(ir.VectorType(ir.IntType(32), 16), chosen)
                made[row] = builder.shuffle_vector(rows[one], rows[other], mask)
        rows = made
    return rows


@Intrinsic
def transpose_groups(typing_context, source, source_row, to, to_row):
    """Write 16 x 16 values of 4 bytes transposed; `source_row` and `to_row` are bytes."""

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.IntType(32), 16)

        def place(start, row, number: int):
            at = builder.add(start, builder.mul(row, ir.IntType(64)(number)))
            return builder.inttoptr(at, vector.as_pointer())

        source, source_row, to, to_row = arguments
        rows = [builder.load(place(source, source_row, number), align=4) for number in range(16)]
        for number, column in enumerate(_transposed(builder, rows)):
            builder.store(column, place(to, to_row, number), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate
