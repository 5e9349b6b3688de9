"""Ctrl-C and SIGTERM: answered within two seconds, the second time at once.

The main thread may sit in a kernel or a library for longer than that, and Python runs its signal
handlers only between its own instructions. So a thread of its own watches a pipe that the C handler
writes to, and ends the process when the orderly way takes too long. That is safe: what is on the
disk must survive a kill -9 at any moment anyway.

What a handler raises must not fall into llvmlite, which loads compiled kernels: an object of LLVM
is then given away and kept as well, and freed twice, or a callback of LLVM has no result. There the
signal is put off until llvmlite is left. Where it falls into another callback or a finalizer,
Python prints and drops it: then the signal is sent once more.
"""

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

from tokpipe.cli.console import Console
from tokpipe.foundation.visible import visible

_PATIENCE_SECONDS = 1.6  # for the orderly way; the rest of the two seconds is for leaving
_AGAIN_SECONDS = 0.02  # until a signal is sent once more: what could not take it is left then


class Stopped(KeyboardInterrupt):
    """A signal that asks the command to end.

    Attributes
    ----------
    exit_code : int
        130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@dataclass
class _Watch:
    """What the threads that watch over a command know of it."""

    reader: int  # end of the pipe that the C handler writes to
    console: Console
    arguments: Sequence[str]
    ended: threading.Event = field(default_factory=threading.Event)
    sends_again: bool = False  # the next signal is none of the user's


@contextmanager
def answering_signals(console: Console, arguments: Sequence[str]) -> Generator[None, None, None]:
    """Turn SIGINT and SIGTERM into `Stopped` in the main thread, with a time limit behind it.

    Does nothing outside of the main thread, where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    watch, hook = _Watch(reader, console, arguments), sys.unraisablehook
    answer = partial(_answer, watch)
    before = {s: signal.signal(s, answer) for s in (signal.SIGINT, signal.SIGTERM)}
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    sys.unraisablehook = partial(_take_dropped, watch, hook)
    threading.Thread(target=_watch, args=(watch,), daemon=True).start()
    try:
        yield
    finally:
        watch.ended.set()
        sys.unraisablehook = hook
        signal.set_wakeup_fd(previous)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writer)


def farewell(console: Console, arguments: Sequence[str], exit_code: int) -> str:
    """Return what a stopped command says: by what, what is kept, how to go on."""
    cause = "Ctrl-C" if exit_code == 130 else "SIGTERM"
    kept = console.err.glyph(visible(console.when_stopped()))
    if not kept:
        return f"stopped by {cause}"
    command = console.err.glyph(shlex.join(["tokpipe", *arguments]))
    return f"stopped by {cause}; {kept}. To go on:\n  {command}"


def _answer(watch: _Watch, number: int, frame: FrameType | None) -> None:
    if _is_in_llvm(frame):
        _send_again(watch, number)
    else:
        raise Stopped(number)


def _is_in_llvm(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith("llvmlite.binding"):
            return True
        frame = frame.f_back
    return False


def _take_dropped(watch: _Watch, hook: Callable[[Any], None], dropped: Any) -> None:
    """Send a signal that was dropped once more, and leave anything else to the hook before."""
    if isinstance(dropped.exc_value, Stopped):
        _send_again(watch, dropped.exc_value.exit_code - 128)
    else:
        hook(dropped)


def _send_again(watch: _Watch, number: int) -> None:
    def send() -> None:
        if not watch.ended.is_set():
            watch.sends_again = True
            os.kill(os.getpid(), number)

    later = threading.Timer(_AGAIN_SECONDS, send)
    later.daemon = True
    later.start()


def _watch(watch: _Watch) -> None:
    """Wait for signals; leave by force at the second, or when the first is not answered."""
    answered = 0
    while number := os.read(watch.reader, 1):
        if number[0] not in (signal.SIGINT, signal.SIGTERM):
            continue
        if watch.sends_again:
            watch.sends_again = False
            continue
        answered += 1
        if answered > 1:
            os._exit(128 + number[0])
        late = (watch, 128 + number[0])
        threading.Thread(target=_leave_if_late, args=late, daemon=True).start()
    os.close(watch.reader)


def _leave_if_late(watch: _Watch, exit_code: int) -> None:
    if watch.ended.wait(_PATIENCE_SECONDS):
        return
    message = f"\n{farewell(watch.console, watch.arguments, exit_code)}\n"
    try:
        os.write(2, message.encode("ascii", "backslashreplace"))
    finally:
        os._exit(exit_code)
