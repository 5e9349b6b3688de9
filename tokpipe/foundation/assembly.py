"""Assembly as a private part of kernels: of 64-bit numbers, most of them addresses.

The levels of x86-64 that code is made for know nothing of the newest instructions, but LLVM's
assembler does: so the code is made and kept as any other, and may be called where `processors`
finds the instruction. No vector goes in or out of the assembly, so that any level compiles it.
"""

import inspect
from collections.abc import Callable

from tokpipe.foundation.jit import Intrinsic, LateModule

ir, types = LateModule("llvmlite.ir"), LateModule("numba.core.types")

_TOUCHED = ",".join(
    f"~{{{name}}}"
    for name in (
        *("rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
        *(f"xmm{number}" for number in range(32)),
        *("k1", "k2", "k3", "k4", "memory", "dirflag", "fpsr", "flags"),
    )
)


def assembly(
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
