"""Ctrl-C and SIGTERM: answered within two seconds, the second time at once.

The main thread may sit in a kernel or a library for longer than that, and Python runs its signal
handlers only between its own instructions. So a thread of its own watches a pipe that the C handler
writes to, and ends the process when the orderly way takes too long. That is safe: what is on the
disk must survive a kill -9 at any moment anyway.

What a handler raises must not fall into what compiles and loads kernels: an object of LLVM is then
given away and kept as well, and freed twice, or machine code that calls Python has no result. There
the signal is put off until that is left. Where it falls into another callback or a finalizer,
Python prints and drops it: then the signal is sent once more. A command that fails meanwhile, of an
input that ends perhaps as Ctrl-C ends what writes it, was ended by the signal all the same.
"""

import os
import select
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from types import FrameType
from typing import Any, NoReturn

from tokpipe.cli.console import Console
from tokpipe.cli.started import whole_command
from tokpipe.foundation.panics import stderr_handle
from tokpipe.foundation.told import told
from tokpipe.foundation.visible import visible

_PATIENCE_SECONDS = 1.6  # for the orderly way; the rest of the two seconds is for leaving
_AGAIN_SECONDS = 0.02  # until a signal is sent once more: what could not take it is left then
_OF_KERNELS = ("llvmlite.binding", "tokpipe.foundation.machine_code")
_AGAIN = 128  # added to a signal's number in the pipe: it is to be sent once more


class Stopped(KeyboardInterrupt):
    """A signal that asks the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@dataclass(frozen=True)
class _Watch:
    """What the thread that watches over a command knows of it."""

    reader: int  # end of the pipe that the C handler writes to
    writer: int
    console: Console
    arguments: Sequence[str]
    ended: threading.Event = field(default_factory=threading.Event)
    put_off: list[int] = field(default_factory=list)  # signals that are to be sent once more

    def ended_by(self, error: BaseException) -> BaseException:
        """Return what a command that fails was ended by: a signal, if one was put off."""
        if not self.put_off or isinstance(error, Stopped):
            return error
        self.ended.set()  # it need not come again
        return Stopped(self.put_off[0])


@contextmanager
def answering_signals(
    console: Console, arguments: Sequence[str]
) -> Generator[Callable[[BaseException], BaseException], None, None]:
    """Turn SIGINT and SIGTERM into `Stopped` in the main thread, with a time limit behind it.

    Yields what tells, of an error, what the command was ended by: the error, or a signal before it.
    Does nothing outside of the main thread, where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda error: error
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    watch, hook = _Watch(reader, writer, console, arguments), sys.unraisablehook
    answer = partial(_answer, watch)
    before = {s: signal.signal(s, answer) for s in (signal.SIGINT, signal.SIGTERM)}
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    sys.unraisablehook = partial(_take_dropped, watch, hook)
    with suppress(RuntimeError):  # no thread to be had: signals are answered without a time limit
        threading.Thread(target=_watch, args=(watch,), daemon=True).start()
    try:
        yield watch.ended_by
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
    kept = console.err.glyph(visible(told(console.when_stopped())))
    if not kept:
        return f"stopped by {cause}"
    again = [word for word in arguments if word != "--force"]  # which would start over
    command = console.err.glyph(shlex.join(whole_command(again)))
    return f"stopped by {cause}; {kept}. To go on:\n  {command}"


def _answer(watch: _Watch, number: int, frame: FrameType | None) -> None:
    if _is_among_kernels(frame):
        _ask_to_send_again(watch, number)
    else:
        raise Stopped(number)


def _is_among_kernels(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_OF_KERNELS):
            return True
        frame = frame.f_back
    return False


def _take_dropped(watch: _Watch, hook: Callable[[Any], None], dropped: Any) -> None:
    """Send a signal that was dropped once more, and leave anything else to the hook before.

    But for what finalizers raise once the command has failed, such as that of a table whose file
    is closed already: the error that matters has been said.
    """
    if isinstance(dropped.exc_value, Stopped):
        _ask_to_send_again(watch, dropped.exc_value.exit_code - 128)
    elif not watch.console.is_over or "--debug" in watch.arguments:
        hook(dropped)


def _ask_to_send_again(watch: _Watch, number: int) -> None:
    """Ask the watching thread: the one there is, for none may be to be had when memory is short."""
    watch.put_off.append(number)
    os.write(watch.writer, bytes([_AGAIN + number]))


def _watch(watch: _Watch) -> None:
    """Wait for signals; leave by force at the second, or when the first is not answered."""
    first, own, deadline = 0, 0, inf
    while number := _next(watch, first, deadline):
        if number > _AGAIN:
            own = _send_again(watch, number - _AGAIN)
        elif number == own:
            own = 0
        elif number in (signal.SIGINT, signal.SIGTERM):
            if first:
                os._exit(128 + number)
            first, deadline = number, time.monotonic() + _PATIENCE_SECONDS
    os.close(watch.reader)


def _next(watch: _Watch, first: int, deadline: float) -> int:
    """Return what comes through the pipe, and 0 at its end; leave when the time is over."""
    left = deadline - time.monotonic()
    in_time = left > 0 and select.select([watch.reader], [], [], None if left == inf else left)[0]
    if not in_time and not watch.ended.is_set():
        _leave(watch, 128 + first)
    return int.from_bytes(os.read(watch.reader, 1))


def _send_again(watch: _Watch, number: int) -> int:
    """Send a signal once more, and return what will come through the pipe for it."""
    time.sleep(_AGAIN_SECONDS)
    if watch.ended.is_set():
        return 0
    os.kill(os.getpid(), number)
    return number


def _leave(watch: _Watch, exit_code: int) -> NoReturn:
    message = f"\n{farewell(watch.console, watch.arguments, exit_code)}\n"
    try:
        os.write(stderr_handle(), message.encode("ascii", "backslashreplace"))
    finally:
        os._exit(exit_code)
