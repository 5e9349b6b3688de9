"""Compiling what nobody has called yet: beside a first run, or where a wheel is built.

`tokpipe/machine_code/signatures.tsv` lists with which kinds of arguments each command calls which
kernels, in the order of their first calls. A command that finds nothing compiled starts this module
as a process: it compiles the same list from its end, so that the two meet in the middle.

    python -m tokpipe.foundation.compile_ahead COMMAND
    python -m tokpipe.foundation.compile_ahead --packs FOLDER LEVEL…
"""

import argparse
import gc
import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.foundation.code_store import PACKS, write_pack
from tokpipe.foundation.processors import WAYS, WITH_PRODUCTS, way_here
from tokpipe.foundation.threads import usable_cpus

_MODULE = "tokpipe.foundation.compile_ahead"  # this, where it is run as a process
SIGNATURES = PACKS / "signatures.tsv"


class Signature(NamedTuple):
    """A kernel, and kinds of arguments that it is called with."""

    commands: tuple[str, ...]  # that call it so; where a way to multiply does, "name@way+way"
    kernel: str  # "module.name", of a kernel or of a helper that Python calls
    kinds: str

    def is_called(self, ways: Iterable[str], command: str | None = None) -> bool:
        """Return whether a command, or any, calls it where linear maps multiply in such a way."""
        return any(
            not {*ways}.isdisjoint(told.split("+") if told else WAYS)
            for name, _, told in (each.partition("@") for each in self.commands)
            if command in (None, name)
        )


def signatures(command: str | None = None) -> list[Signature]:
    """Return all that is listed, or what is listed of a command."""
    lines = SIGNATURES.read_text(encoding="utf-8").splitlines()
    found = [
        Signature(tuple(names.split(",")), kernel, kinds)
        for names, kernel, kinds in map(_split, lines)
    ]
    return [one for one in found if one.is_called(WAYS, command)]


def missing(command: str) -> list[Signature]:
    """Return what a command has to compile here; of one that is not listed, all that is listed.

    That is nothing as soon as anything was compiled.
    """
    from tokpipe.foundation.jit import is_kept, kept_name

    is_listed = bool(signatures(command))
    called = command if is_listed else None
    found = [one for one in signatures(called) if one.is_called([way_here()], called)]
    absent = [one for one in found if not is_kept(kept_name(one.kernel, one.kinds))]
    return absent if is_listed or len(absent) == len(found) else []


def _split(line: str) -> list[str]:
    return line.split("\t")


def write_signatures(found: Iterable[Signature]) -> None:
    """Write the list."""
    lines = ["\t".join((",".join(one.commands), one.kernel, one.kinds)) for one in found]
    SIGNATURES.write_text("\n".join(lines) + "\n", encoding="utf-8")


def compile_listed(found: Iterable[Signature], folder: Path, level: str | None) -> None:
    """Compile what is listed, for a kind of processor, into a folder."""
    for one in found:
        named(one.kernel).compile_ahead(one.kinds, folder, level)


def named(function: str) -> Any:
    """Return a compiled function by the name of its module and its own."""
    from tokpipe.foundation.jit import KERNELS

    module, _, name = function.rpartition(".")
    home = importlib.import_module(module)
    return KERNELS.get(function) or getattr(home, name)


def start_helper(command: str) -> None:
    """Start a process that compiles for a command beside it, and ends with it at the latest.

    One at a time; where none can be started, compiling takes longer.
    """
    if any(thread.name == _MODULE for thread in threading.enumerate()):
        return
    reader, _ = os.pipe()  # the other end closes with this process, whatever ends it
    arguments, silent = [sys.executable, "-m", _MODULE, command], subprocess.DEVNULL
    try:
        helper = subprocess.Popen(
            arguments, stdin=reader, stdout=silent, stderr=silent, start_new_session=True
        )
    except OSError:
        return
    finally:
        os.close(reader)
    threading.Thread(target=helper.wait, name=_MODULE, daemon=True).start()


def make_packs(levels: Iterable[str], folder: Path) -> None:
    """Compile all that is listed for kinds of processor, in a process for each of ours."""
    from tokpipe.foundation.jit import pack_path

    for level in levels:
        made = folder / level
        made.mkdir()
        command = [sys.executable, "-m", _MODULE, "--into", str(made), level]
        # each takes of the list what no other has begun
        processes = [subprocess.Popen(command) for _ in range(usable_cpus())]
        if sum(process.wait() for process in processes):
            raise SystemExit(f"kernels do not compile for {level}")
        write_pack(folder / pack_path(level).name, made)


def help_command(command: str) -> None:
    """Compile what a command needs, from the end of the list."""
    from tokpipe.foundation.jit import cache_folder
    from tokpipe.foundation.processors import levels

    threading.Thread(target=_end_with_parent, daemon=True).start()
    folder = cache_folder()
    if folder is not None:
        compile_listed(reversed(missing(command)), folder, next(iter(levels()), None))


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # until the other end is closed, by whatever ends its process
    os._exit(0)


def main() -> None:
    """Compile, as the arguments say."""
    gc.disable()  # numba makes much, and all of it is gone soon
    parser = argparse.ArgumentParser(prog="python -m tokpipe.foundation.compile_ahead")
    parser.add_argument("names", nargs="+", metavar="COMMAND or LEVEL")
    parser.add_argument("--packs", type=Path, metavar="FOLDER")
    parser.add_argument("--into", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    if asked.packs:
        make_packs(asked.names, asked.packs)
    elif asked.into:
        level = asked.names[0]
        ways = WAYS if level in WITH_PRODUCTS else ("blas",)
        listed = [one for one in signatures() if one.is_called(ways)]
        compile_listed(listed, asked.into, level)
    else:
        help_command(asked.names[0])


if __name__ == "__main__":
    main()
