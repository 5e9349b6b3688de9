"""Micro-kernels of matrix products, from one generator of assembly.

A micro-kernel adds to a tile of 14 x 32 sums, which stay in 28 registers, or of fewer rows, one
step of depth at a time. A step is 4 bytes of depth: one float32, two bfloat16 or four 8-bit
numbers. Of the left operand it takes one such group a row, wherever the rows lie; of the right one
the groups of 32 columns, which lie side by side (a panel: ``[steps][32]`` groups of 4 bytes).
"""

from tokpipe.foundation.assembly import assembly
from tokpipe.foundation.jit import Intrinsic

ROWS, COLUMNS = 14, 32  # of a tile: 28 sums, 2 registers for the right operand, 2 for the left
LEAST_ROWS = 9  # of lower tiles
GROUP = 4  # bytes of depth in a step

_PARAMETERS = (
    *("rows", "left", "left_row", "left_step", "right", "steps"),
    *("start", "start_row", "out", "out_row", "ahead"),
)
_SPARE = ("back", "state", "flushing")
_AT = {name: f"{8 * number}(%rax)" for number, name in enumerate((*_PARAMETERS, *_SPARE))}


def _micro_kernel(
    name: str, broadcast: str, multiply: str, numbers: str, *, flushes: bool = False
) -> Intrinsic:
    """Make a micro-kernel of two instructions: a loop for each height of a tile.

    `flushes`: numbers below the normal ones count as zero meanwhile, given or made.
    """
    lines = [f"movq {_AT['rows']}, %rcx"]
    if flushes:
        lines += [f"stmxcsr {_AT['state']}", f"movl {_AT['state']}, %esi", "orl $$0x8040, %esi"]
        lines += [f"movl %esi, {_AT['flushing']}", f"ldmxcsr {_AT['flushing']}"]
    for rows in range(ROWS, LEAST_ROWS, -1):
        lines += [f"cmpq $${rows}, %rcx", "jne 5f", *_tile(broadcast, multiply, rows)]
        lines += ["jmp 6f", "5:"]
    lines += [*_tile(broadcast, multiply, LEAST_ROWS), "6:"]
    lines += [f"ldmxcsr {_AT['state']}"] if flushes else []
    lines += ["vzeroupper"]  # code of others runs slower else, as long as these registers are full
    summary = f"""Multiply {numbers}: a tile of {LEAST_ROWS} to {ROWS} rows and 32 columns.

    `left`, `right`, `start` and `out` are addresses; `left_row`, `left_step`, `start_row` and
    `out_row` say how many bytes lie between two rows, and two steps. Sums begin with what lies at
    `start`: at `out` itself to add to it, in one row (`start_row` 0) for a bias or zeros. As many
    rows from `ahead` are brought near meanwhile, and where the sums go.
    """
    return assembly(name, lines, _PARAMETERS, summary, spare=len(_SPARE))


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
multiply_flushed = _micro_kernel(
    "multiply_flushed",
    *("vbroadcastss", "vfmadd231ps"),
    "float32 (AVX512F), one a step; those below the normal ones, sums too, are zero",
    flushes=True,
)
multiply_int8 = _micro_kernel(
    "multiply_int8",
    *("vpbroadcastd", "vpdpbusd"),
    "fours of uint8, left, and int8, right, into int32 (AVX512_VNNI), without saturation",
)
