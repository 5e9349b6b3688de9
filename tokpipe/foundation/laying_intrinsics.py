"""Loops that lay operands for the micro-kernels of products: rows are copied, rounded, turned.

Masks say which of 32 values of a row are there: bit `i` is value `i`. What is not there is not
read, and counts as zero. Loops that round take float32, or with `HALVES` in the mask bfloat16, what
was rounded before.

Rounding is to bfloat16, to nearest even; infinities stay, NaN becomes a quiet one, numbers below
the normal ones become zero. AVX512_BF16 has an instruction for it; without, whole numbers do it, to
the same bits.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tokpipe.foundation.assembly import assembly, ir, types
from tokpipe.foundation.jit import Intrinsic

HALVES = 1 << 32
_PARAMETERS = ("source", "source_row", "to", "to_row", "rows", "mask")
# Registers of 16 values of a row and of the next one, where these lie, and which are there. From 16
# on: what is left in those slows nobody down.
_LANES = ((16, 17, "", "%k1"), (18, 19, "64", "%k2"))
_FIRST, _SECOND = "(%rsi)", "(%rsi,%r8)"  # rows
_NEXT = ["addq %r8, %rsi", "addq %r9, %rdi"]


class _Taken(NamedTuple):
    """What a turn of a loop takes."""

    lanes: int  # of 16 values
    halves: bool = False  # whether they are bfloat16
    is_alone: bool = False  # whether it is a last row, where two are taken at once

    @property
    def registers(self) -> tuple[tuple[int, int, str, str], ...]:
        return _LANES[: self.lanes]

    def load(self, *, next_row: bool = False, as_float: bool = True) -> list[str]:
        """Return the lines that load values, as float32; bfloat16 else as whole numbers."""
        place, lines = _SECOND if next_row else _FIRST, []
        for one, other, at, there in self.registers:
            register = f"%zmm{other if next_row else one}"
            if self.halves:
                at = str(int(at or 0) // 2)
                lines += [f"vpmovzxwd {at}{place}, {register}{{{there}}}{{z}}"]
                lines += [f"vpslld $$16, {register}, {register}"] * as_float
            else:
                lines += [f"vmovups {at}{place}, {register}{{{there}}}{{z}}"]
        return lines

    def load_pair(self, *, as_float: bool = True) -> list[str]:
        """Return the lines that load values of a row, and of the next one: zeros if none is."""
        if not self.is_alone:
            return self.load(as_float=as_float) + self.load(next_row=True, as_float=as_float)
        seconds = [f"%zmm{other}" for _, other, *_ in self.registers]
        zeros = [f"vpxord {second}, {second}, {second}" for second in seconds]
        return self.load(as_float=as_float) + zeros

    def fetch(self, *values: int, rows: Sequence[str]) -> list[str]:
        """Return the lines that bring what lies so many values farther near."""
        size = 2 if self.halves else 4
        return [f"prefetcht0 {size * each}{row}" for each in values for row in rows]

    def rounded(self, *registers: int) -> list[str]:
        """Return the lines that round float32 in registers to what bfloat16 keeps of them."""
        return [] if self.halves else [line for each in registers for line in _rounded(each)]


def _laying(
    name: str,
    summary: str,
    body: Callable[[_Taken], list[str]],
    *,
    at_once: int = 1,
    constants: Sequence[str] = (),
    rounds: bool = True,
) -> Intrinsic:
    """Make a loop over rows, one or two `at_once`, of 16 or 32 values, of which `body` is a turn.

    One that `rounds` has another one for what was rounded before.
    """

    def turns(taken: _Taken) -> list[str]:
        count, last = f"subq $${at_once}, %rcx", body(taken._replace(is_alone=True))
        alone = ["cmpq $$-1, %rcx", "jne 4f", *last, "4:"] if at_once > 1 else []
        return [count, "jl 3f", "2:", *body(taken), count, "jge 2b", "3:", *alone]

    def loops(halves: bool) -> list[str]:
        two, one = turns(_Taken(2, halves)), turns(_Taken(1, halves))
        return ["testl %edx, %edx", "jz 1f", *two, "jmp 6f", "1:", *one, "jmp 6f"]

    lines = [
        *("movq (%rax), %rsi", "movq 8(%rax), %r8", "movq 16(%rax), %rdi", "movq 24(%rax), %r9"),
        *("movq 32(%rax), %rcx", "movq 40(%rax), %rdx", "kmovw %edx, %k1", *constants),
        *("movq %rdx, %r10", "shrl $$16, %edx", "kmovw %edx, %k2"),
        *(["btq $$32, %r10", "jnc 5f", *loops(True), "5:"] if rounds else []),
        *(*loops(False), "6:"),
    ]
    return assembly(name, lines, _PARAMETERS, summary)


def _copied(taken: _Taken) -> list[str]:
    ahead = ["prefetcht0 (%rsi,%r8,8)"] if taken.lanes == 1 else []
    stores = [f"vmovups %zmm{one}, {at}(%rdi){{{k}}}" for one, _, at, k in taken.registers]
    return [*ahead, *taken.load(), *stores, *_NEXT]


# A strip of 32 values of each row is taken after the other, a page apart: no processor guesses
# that the same rows come again, so the next strips are fetched. Products take 3 to 5 % less with it
# (Zen 4). The rows of the next panel, too: no difference.
def _side_by_side(taken: _Taken) -> list[str]:
    whole = taken._replace(lanes=2)
    ahead = whole.fetch(32, 48, rows=[_FIRST])
    if taken.halves:
        made = ["vmovdqu16 (%rsi), %ymm16{%k1}{z}", "vmovdqu16 32(%rsi), %ymm18{%k2}{z}"]
        made += ["vinserti64x4 $$1, %ymm18, %zmm16, %zmm16"]
    else:
        made = [*whole.load(), "vcvtne2ps2bf16 %zmm16, %zmm18, %zmm16"]
    return [*ahead, *made, "vmovups %zmm16, (%rdi)", *_NEXT]


def _paired(taken: _Taken) -> list[str]:
    farther = [112] if taken.lanes == 1 else [64, 80]
    lines = taken.fetch(*farther, rows=[_FIRST, _SECOND])
    lines += taken.load_pair(as_float=not taken.halves)
    for one, other, at, _ in taken.registers:
        if not taken.halves:
            lines += [f"vcvtneps2bf16 %zmm{each}, %ymm{each}" for each in (one, other)]
            lines += [f"vpmovzxwd %ymm{each}, %zmm{each}" for each in (one, other)]
        lines += [f"vpslld $$16, %zmm{other}, %zmm{other}"]
        lines += [f"vpord %zmm{one}, %zmm{other}, %zmm{one}", f"vmovups %zmm{one}, {at}(%rdi)"]
    return [*lines, "leaq (%rsi,%r8,2), %rsi", "addq %r9, %rdi"]


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


def _turned_about(taken: _Taken) -> list[str]:
    lines = taken.load()
    for one, _, at, _ in taken.registers:
        lines += [*taken.rounded(one), f"vpshufd $$0xb1, %zmm{one}, %zmm{one}"]
        lines += [f"vmovups %zmm{one}, {at}(%rdi)"]
    return [*lines, *_NEXT]


def _rows_turned_about(taken: _Taken) -> list[str]:
    lines = taken.load_pair()
    for one, other, at, _ in taken.registers:
        lines += taken.rounded(*([one] if taken.is_alone else [one, other]))
        lines += [f"vmovups %zmm{other}, {at}(%rdi)", f"vmovups %zmm{one}, {at}(%rdi,%r9)"]
    return [*lines, "leaq (%rsi,%r8,2), %rsi", "leaq (%rdi,%r9,2), %rdi"]


move_rows = _laying("move_rows", "Copy values of 4 bytes.", _copied, rounds=False)
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
