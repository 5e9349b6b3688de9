"""Micro-kernels of matrix products, and what packs their operands: by inline assembly.

A micro-kernel adds to a tile of 14 x 32 sums, which stay in 28 registers, or of fewer rows, one
step of depth at a time. A step is 4 bytes of depth: one float32, two bfloat16 or four 8-bit
numbers. Of the left operand it takes one such group a row, wherever the rows lie; of the right one
the groups of 32 columns, which lie side by side (a panel: ``[steps][32]`` groups of 4 bytes).

The levels of x86-64 that code is made for know nothing of these instructions, but LLVM's assembler
does: so the code is made and kept as any other, and may be called where `processors` finds the
instruction. No vector goes in or out of the assembly, so that any level compiles it.

Masks say which values are there: bit `i` is value `i`. What is not there is neither read nor
written, and counts as zero.
"""

import inspect
from collections.abc import Callable

from tokpipe.foundation.jit import Intrinsic, LateModule

ir, types = LateModule("llvmlite.ir"), LateModule("numba.core.types")

ROWS, COLUMNS = 14, 32  # of a tile: 28 sums, 2 registers for the right operand, 2 for the left
LEAST_ROWS = 9  # of lower tiles
GROUP = 4  # bytes of depth in a step

_TOUCHED = ",".join(
    f"~{{{name}}}"
    for name in (
        *("rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
        *(f"xmm{number}" for number in range(32)),
        *("k1", "k2", "k3", "k4", "memory", "dirflag", "fpsr", "flags"),
    )
)


def _assembly(
    name: str, lines: list[str], parameters: tuple[str, ...], summary: str, spare: int = 0
) -> Intrinsic:
    """Make an intrinsic of assembly that finds its arguments, 64 bits each, behind rax.

    In memory, for twelve of them and the registers at work are more than there are; behind them
    there is room for `spare` more.
    """
    text = "\n".join(lines)

    def generate(context, builder, signature, arguments):
        long = ir.IntType(64)
        with builder.goto_entry_block():
            frame = builder.alloca(long, size=len(parameters) + spare)
        for number, value in enumerate(arguments):
            builder.store(value, builder.gep(frame, [ir.IntType(32)(number)]))
        kind = ir.FunctionType(ir.VoidType(), [long])
        code = ir.InlineAsm(kind, text, f"{{rax}},{_TOUCHED}", side_effect=True)
        builder.call(code, [builder.ptrtoint(frame, long)])
        return context.get_dummy_value()

    return Intrinsic(_typer(name, parameters, generate, summary))


def _typer(name: str, parameters: tuple[str, ...], generate: Callable, summary: str) -> Callable:
    """Return what tells numba the type of an intrinsic whose arguments are int64."""

    def typer(typing_context, *arguments):
        return types.void(*[types.int64] * len(parameters)), generate

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    named = [inspect.Parameter(each, kind) for each in ("typing_context", *parameters)]
    typer.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]  # numba reads it
    typer.__name__, typer.__qualname__, typer.__doc__ = name, name, summary
    return typer


_PARAMETERS = (
    *("rows", "left", "left_row", "left_step", "right", "steps"),
    *("start", "start_row", "out", "out_row", "ahead"),
)
_AT = {name: f"{8 * number}(%rax)" for number, name in enumerate((*_PARAMETERS, "back"))}


def _micro_kernel(name: str, broadcast: str, multiply: str, numbers: str) -> Intrinsic:
    """Make a micro-kernel of two instructions: a loop for each height of a tile."""
    lines = [f"movq {_AT['rows']}, %rcx"]
    for rows in range(ROWS, LEAST_ROWS, -1):
        lines += [f"cmpq $${rows}, %rcx", "jne 5f", *_tile(broadcast, multiply, rows)]
        lines += ["jmp 6f", "5:"]
    lines += [*_tile(broadcast, multiply, LEAST_ROWS), "6:"]
    lines += ["vzeroupper"]  # code of others runs slower else, as long as these registers are full
    summary = f"""Multiply {numbers}: a tile of {LEAST_ROWS} to {ROWS} rows and 32 columns.

    `left`, `right`, `start` and `out` are addresses; `left_row`, `left_step`, `start_row` and
    `out_row` say how many bytes lie between two rows, and two steps. Sums begin with what lies at
    `start`: at `out` itself to add to it, in one row (`start_row` 0) for a bias or zeros. As many
    rows from `ahead` are brought near meanwhile, and where the sums go.
    """
    return _assembly(name, lines, _PARAMETERS, summary, spare=1)


def _tile(broadcast: str, multiply: str, rows: int) -> list[str]:
    """Return the lines that multiply a tile of so many rows."""
    bases = ("%r8", "%rcx", "%rdx", "%rsi")  # of rows 0, 4, 8 and 12
    places = ("({})", "({},%r12)", "({},%r12,2)", "({},%rdi)")
    lines = [f"movq {_AT['start']}, %rsi", f"movq {_AT['start_row']}, %rdi"]
    for row, step in _tile_rows(rows, "%rdi", "%rsi"):
        lines += [f"vmovups (%rsi), %zmm{2 * row}", f"vmovups 64(%rsi), %zmm{2 * row + 1}", *step]
    lines += [
        *(f"movq {_AT['left']}, %r8", f"movq {_AT['left_row']}, %r12"),
        *(f"movq {_AT['left_step']}, %r11", f"movq {_AT['right']}, %r9"),
        *(f"movq {_AT['ahead']}, %r13", f"movq {_AT['out']}, %r15"),
        # between the cache line of the last row ahead and the next one of the first
        *(f"imulq $${rows}, %r12, %rdi", "subq $$64, %rdi", f"movq %rdi, {_AT['back']}"),
        *("leaq (%r12,%r12,2), %rdi", "leaq (%r8,%r12,4), %rcx"),
        *("leaq (%rcx,%r12,4), %rdx", "leaq (%rdx,%r12,4), %rsi"),
        *(f"movl $${rows}, %r14d", f"movq {_AT['steps']}, %r10"),
        *("testq %r10, %r10", "jz 2f", ".p2align 4", "1:"),
        *("vmovups (%r9), %zmm28", "vmovups 64(%r9), %zmm29"),
        # a line of each row in turn, and then the next lines
        *("prefetcht0 (%r13)", "addq %r12, %r13", "decl %r14d", "jnz 3f"),
        *(f"subq {_AT['back']}, %r13", f"movl $${rows}, %r14d", "3:"),
        # where the sums go: a row every 8 steps, as all at once would keep others waiting
        *("testb $$7, %r10b", "jnz 4f"),
        *("prefetchw (%r15)", "prefetchw 64(%r15)", f"addq {_AT['out_row']}, %r15", "4:"),
    ]
    for row in range(rows):
        given, place = 30 + row % 2, places[row % 4].format(bases[row // 4])
        lines += [
            f"{broadcast} {place}, %zmm{given}",
            f"{multiply} %zmm28, %zmm{given}, %zmm{2 * row}",
            f"{multiply} %zmm29, %zmm{given}, %zmm{2 * row + 1}",
        ]
    lines += [f"addq %r11, {base}" for base in bases]
    lines += ["addq $$128, %r9", "decq %r10", "jnz 1b", "2:"]
    lines += [f"movq {_AT['out']}, %rsi", f"movq {_AT['out_row']}, %rdi"]
    for row, step in _tile_rows(rows, "%rdi", "%rsi"):
        lines += [f"vmovups %zmm{2 * row}, (%rsi)", f"vmovups %zmm{2 * row + 1}, 64(%rsi)", *step]
    return lines


def _tile_rows(rows: int, stride: str, at: str) -> list[tuple[int, list[str]]]:
    """Return for each row of a tile what is to be added to the place before the next."""
    return [(row, [f"addq {stride}, {at}"] if row < rows - 1 else []) for row in range(rows)]


multiply_float32 = _micro_kernel(
    "multiply_float32", "vbroadcastss", "vfmadd231ps", "float32 (AVX512F), one a step"
)
multiply_bfloat16 = _micro_kernel(
    "multiply_bfloat16",
    *("vpbroadcastd", "vdpbf16ps"),
    "pairs of bfloat16 into float32 (AVX512_BF16)",
)
multiply_int8 = _micro_kernel(
    "multiply_int8",
    *("vpbroadcastd", "vpdpbusd"),
    "fours of uint8, left, and int8, right, into int32 (AVX512_VNNI), without saturation",
)

# Registers from 16 on: what is left in them slows nobody down.
_ROWS = ("source", "source_row", "to", "to_row", "rows", "mask")
_BEGIN = [
    *("movq (%rax), %rsi", "movq 8(%rax), %r8", "movq 16(%rax), %rdi", "movq 24(%rax), %r9"),
    *("movq 32(%rax), %rcx", "movq 40(%rax), %rdx", "kmovw %edx, %k1"),
]
_NEXT = ["addq %r8, %rsi", "addq %r9, %rdi"]
_AGAIN = ["decq %rcx", "jnz 1b"]

move_rows = _assembly(
    "move_rows",
    [
        *(*_BEGIN, "testq %rcx, %rcx", "jz 3f", "shrq $$16, %rdx", "jz 2f", "kmovw %edx, %k2"),
        *("1:", "vmovups (%rsi), %zmm16{%k1}{z}", "vmovups 64(%rsi), %zmm17{%k2}{z}"),
        *("vmovups %zmm16, (%rdi){%k1}", "vmovups %zmm17, 64(%rdi){%k2}", *_NEXT, *_AGAIN),
        *(
            "jmp 3f",
            "2:",
            "prefetcht0 (%rsi,%r8,8)",
            "vmovups (%rsi), %zmm16{%k1}{z}",
            "vmovups %zmm16, (%rdi){%k1}",
        ),
        *(*_NEXT, "decq %rcx", "jnz 2b", "3:"),
    ],
    _ROWS,
    "Copy those of 32 values of 4 bytes in each row that a mask names.",
)

round_rows = _assembly(
    "round_rows",
    [
        *(*_BEGIN, "shrq $$16, %rdx", "kmovw %edx, %k2", "testq %rcx, %rcx", "jz 3f"),
        *("1:", "vmovups (%rsi), %zmm16{%k1}{z}", "vmovups 64(%rsi), %zmm17{%k2}{z}"),
        *("vcvtne2ps2bf16 %zmm16, %zmm17, %zmm16", "vmovups %zmm16, (%rdi)", *_NEXT, *_AGAIN, "3:"),
    ],
    _ROWS,
    """Round those of 32 float32 in each row that a mask names to bfloat16 (AVX512_BF16): 64 bytes.

    To nearest even; infinities stay, NaN becomes a quiet one, numbers below the normal ones zero.
    """,
)

_PAIR = [
    *("vcvtneps2bf16 %zmm16, %ymm16", "vcvtneps2bf16 %zmm17, %ymm17"),
    *("vpmovzxwd %ymm16, %zmm16", "vpmovzxwd %ymm17, %zmm17", "vpslld $$16, %zmm17, %zmm17"),
    *("vpord %zmm16, %zmm17, %zmm16", "vmovups %zmm16, (%rdi)"),
]
round_pairs = _assembly(
    "round_pairs",
    [
        *(*_BEGIN, "subq $$2, %rcx", "jl 2f"),
        *("1:", "vmovups (%rsi), %zmm16{%k1}{z}", "vmovups (%rsi,%r8), %zmm17{%k1}{z}", *_PAIR),
        *("leaq (%rsi,%r8,2), %rsi", "addq %r9, %rdi", "subq $$2, %rcx", "jge 1b"),
        *("2:", "cmpq $$-1, %rcx", "jne 3f"),
        *("vmovups (%rsi), %zmm16{%k1}{z}", "vpxord %zmm17, %zmm17, %zmm17", *_PAIR, "3:"),
    ],
    _ROWS,
    """Round 16 float32 of each two rows to bfloat16, one of either side by side: 64 bytes.

    As `round_rows` does it; what a row without another one stands beside is zero.
    """,
)


def _turned(builder, rows: list) -> list:
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
        for number, column in enumerate(_turned(builder, rows)):
            builder.store(column, place(to, to_row, number), align=4)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate
