"""Compiling by numba: Python functions made machine code, for a kind of processor.

Only what is not compiled yet comes here; numba is imported with this module, and LLVM with it.

The code generator is one of our own, set in while a function of ours is compiled: a user's numba
code in the same process keeps that for his processor, and ours is made for all of a kind (x86-64-v3
or -v4), the same on each of them, whether it is made here or was made where the wheel was built.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numba
from llvmlite import binding
from numba.core import registry, types
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering
from numba.extending import intrinsic

from tokpipe.foundation.linking import NotLinkableError, linked
from tokpipe.foundation.machine_code import Image, ObjectFile
from tokpipe.foundation.processors import is_tried

binding.initialize_native_asmparser()  # for assembly in intrinsics; numba makes none
_CPU: Any = registry.cpu_target
_UNITS: dict[str | None, Any] = {}  # code generator by kind of processor


class _Library(JITCodeLibrary):
    """Code of a function; of a part of others, only what LLVM reads.

    numba makes machine code of each helper, and optimises it before, though only what LLVM reads is
    ever linked into its callers, and optimised there once more: a third of all compiling.
    """

    is_part = is_optimised_later = False

    def finalize(self) -> None:
        if not self.is_part:
            super().finalize()
            return
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        if not self.is_optimised_later:
            self._optimize_final_module()
        self._final_module.verify()
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0 if self.is_part else super().get_pointer_to_function(name)


class _Codegen(JITCPUCodegen):
    """A code generator for a kind of processor, as LLVM names it; for this one if it is None."""

    _library_class = _Library
    processor: str | None = None

    def _get_host_cpu_name(self) -> str:
        return self.processor or super()._get_host_cpu_name()

    def _get_host_cpu_features(self) -> str:
        # whole registers: attention takes 3 to 6 % less time than with halves (Intel)
        return "-prefer-256-bit" if self.processor else super()._get_host_cpu_features()

    def set_env(self, env_name: str, env: Any) -> None:
        if self._engine.is_symbol_defined(env_name):  # not of what is only inlined
            super().set_env(env_name, env)


class _Lowering(NativeLowering):
    """Lowering without a wrapper for C, which nobody calls; one for Python is as the flags say."""

    def run_pass(self, state: Any) -> Any:
        state.flags.no_cfunc_wrapper = True
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class _EntryLowering(_Lowering):
    _name = "tokpipe_entry_lowering"


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(_Lowering):
    _name = "tokpipe_part_lowering"

    def run_pass(self, state: Any) -> Any:
        flags = state.flags
        flags.no_cpython_wrapper = True
        state.library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
        state.library.is_part = True
        # Where sums may be taken in any order, optimising twice takes them in another than once.
        state.library.is_optimised_later = bool(flags.forceinline and not flags.fastmath)
        return super().run_pass(state)


class _EntryCompiler(Compiler):
    lowering: type[NativeLowering] = _EntryLowering

    def define_pipelines(self) -> list[Any]:
        (pipeline,) = super().define_pipelines()
        pipeline.passes = [
            (self.lowering if one is NativeLowering else one, told) for one, told in pipeline.passes
        ]
        pipeline.finalize()
        return [pipeline]


class _PartCompiler(_EntryCompiler):
    lowering = _PartLowering


def dispatcher_of(function: Callable[..., Any], options: dict[str, Any], *, is_part: bool) -> Any:
    """Return numba's compiler of a function, to be called by Python or as a part of others.

    `options` are those of `numba.njit`.
    """
    if is_tried(numba.__version__):
        options = {**options, "pipeline_class": _PartCompiler if is_part else _EntryCompiler}
    return numba.njit(function, **options)


def intrinsic_of(typer: Callable[..., Any]) -> Any:
    """Return what numba calls an intrinsic."""
    return intrinsic(typer)


def type_of(compiled: Any) -> Any:
    """Return numba's type of a compiled function or intrinsic, for the code that calls it."""
    if hasattr(compiled, "py_func"):
        return types.Dispatcher(compiled)
    _CPU.typing_context.refresh()  # which learns of intrinsics made since
    return _CPU.typing_context.resolve_value_type(compiled)


def compile_for(
    dispatcher: Any, arguments: tuple[Any, ...], processor: str | None
) -> tuple[Callable[..., Any], Image | ObjectFile | None]:
    """Compile a function for arguments of the kinds of these.

    Returns
    -------
    tuple
        What calls it, and its machine code to be kept, or None if it cannot be.
    """
    kinds = tuple(dispatcher.typeof_pyval(value) for value in arguments)
    with _code_generator(processor) as unit:
        call = dispatcher.compile(kinds)
        result = dispatcher.overloads[kinds]
        environments = result._find_referenced_environments()
        for one in environments:  # of what was only inlined, too
            unit.set_env(one.env_name, one)
        return call, _machine_code(dispatcher.py_func, result, environments)


@contextmanager
def _code_generator(processor: str | None) -> Generator[Any, None, None]:
    """Compile for a kind of processor inside."""
    with global_compiler_lock:
        if not is_tried(numba.__version__):
            yield _CPU.target_context.codegen()
            return
        context = _CPU.target_context
        if processor not in _UNITS:
            kind = type("_Codegen", (_Codegen,), {"processor": processor})
            _UNITS[processor] = kind("tokpipe.exec")
        before, context._internal_codegen = context._internal_codegen, _UNITS[processor]
        try:
            yield _UNITS[processor]
        finally:
            context._internal_codegen = before


def _machine_code(function: Any, result: Any, environments: list[Any]) -> Any:
    """Return the machine code of a compiled function, None if another process cannot use it."""
    if result.lifted or result.reload_init or result.library.has_dynamic_globals:
        return None
    own = result.environment
    held = {one.env_name: (one.globals["__name__"], list(one.consts)) for one in environments}
    code = ObjectFile(
        module=function.__module__,
        name=function.__name__,
        content=result.library._get_compiled_object(),
        entry=result.fndesc.llvm_cpython_wrapper_name,
        environments=held | {own.env_name: (function.__module__, list(own.consts))},
        own=own.env_name,
    )
    try:
        return linked(code)
    except NotLinkableError:
        return code
