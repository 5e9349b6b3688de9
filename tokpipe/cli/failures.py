"""The one place that turns errors into messages and exit codes.

0 done; 1 the job failed, or a bug; 2 usage or configuration; 3 bad input; 4 disk, permission,
damaged artifact; 5 out of memory; 130 SIGINT; 141 the reader of a pipe went away; 143 SIGTERM.
"""

import errno
import os
import sys
import traceback
from collections.abc import Sequence

import click
from click.core import ParameterSource

from tokpipe.cli.console import Console, safe_lines
from tokpipe.cli.interrupts import Stopped, farewell
from tokpipe.cli.options import setting_name
from tokpipe.cli.streams import silence
from tokpipe.foundation.errors import TokpipeError

_MEMORY_HINT = "Bound it with --memory 1GB, take fewer --threads, or raise `ulimit -v`."
_THREADS_HINT = "Take fewer --threads, or raise the limits: `ulimit -u` (processes), `ulimit -v`."
_PIPE_CLOSED = 141  # what a shell shows for a program that died of SIGPIPE


def report(error: BaseException, console: Console, arguments: Sequence[str]) -> int:
    """Say what went wrong on stderr, and return the exit code."""
    if isinstance(error, SystemError) and isinstance(error.__cause__, KeyboardInterrupt):
        error = error.__cause__  # a signal that came while a kernel handed its result over
    console.is_over = True
    try:
        code = _report(error, console, arguments)
        console.flush()
    except OSError as second:  # the stream that we speak through is the one that failed
        code = _PIPE_CLOSED if isinstance(second, BrokenPipeError) else 4
    _let_go_of_streams(console)
    return code


def _report(error: BaseException, console: Console, arguments: Sequence[str]) -> int:
    if "--debug" in arguments and not isinstance(error, click.exceptions.Exit):
        console.err.write(safe_lines("".join(traceback.format_exception(error))))
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case Stopped():
            console.err.line(f"\n{farewell(console, arguments, error.exit_code)}")
            return error.exit_code
        case BrokenPipeError():
            return _PIPE_CLOSED
        case SystemExit():
            return error.code if isinstance(error.code, int) else 1
        case click.UsageError() if type(error).__name__ == "NoArgsIsHelpError":  # click 8.2 has it
            text = error.format_message()
            console.err.line(text if console.err.color else click.unstyle(text))
            return error.exit_code
    problem, hint, code = explain(error)
    _say(console, problem, hint)
    return code


def explain(error: BaseException) -> tuple[str, str, int]:
    """Return problem, hint and exit code of an error.

    Examples
    --------
    >>> explain(MemoryError())[2]
    5
    """
    match error:
        case TokpipeError():
            return error.problem, error.hint, error.exit_code
        case click.UsageError():
            return _usage(error)
        case click.ClickException():
            return error.format_message(), "", error.exit_code
        case _ if problem := _of_memory(error):
            return problem, _THREADS_HINT if isinstance(error, RuntimeError) else _MEMORY_HINT, 5
        case OSError():
            return _storage(error)
        case KeyboardInterrupt():
            return "stopped", "", 130
    kind, text = type(error).__name__, str(error).split("\n")[0]
    return f"unexpected {kind}: {text}", "This is a bug; --debug shows the traceback.", 1


def _of_memory(error: BaseException) -> str:
    """Return what is to be said of an error if what was missing is memory, or nothing."""
    match error:
        case MemoryError():
            stage = "".join(f" {note}" for note in getattr(error, "__notes__", ())[:1])
            return f"out of memory{stage}"
        case ImportError() if "failed to map segment" in str(error):
            return f"no memory to load a library: {error}"
        case OSError() if error.errno is None and "libllvmlite" in str(error):
            return "no memory to load the compiler of the kernels"
        case RuntimeError() if "start new thread" in str(error):
            return "the system allows no further thread"
        case OSError() if error.errno == errno.ENOMEM:
            return f"out of memory: {error.strerror}"
    return ""


def _usage(error: click.UsageError) -> tuple[str, str, int]:
    where = error.ctx.command_path if error.ctx else "tokpipe"
    hint = f"`{where} --help` shows what is allowed."
    name = getattr(error, "option_name", None)
    if isinstance(error, click.NoSuchOption) and name and error.ctx:
        params = error.ctx.command.get_params(error.ctx)
        known = [o for p in params for o in (*p.opts, *p.secondary_opts)]
        return f"{where}: no such option {name!r}", _nearest(name, known) or hint, 2
    wanted = getattr(error, "command_name", None)
    if wanted and error.ctx and isinstance(error.ctx.command, click.Group):
        known = error.ctx.command.list_commands(error.ctx)
        return f"no such command {wanted!r}", _nearest(wanted, known) or hint, 2
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter):
        return f"{_origin(error)}: {error.message.rstrip('.')}", hint, 2
    message = " ".join(error.format_message().split()).rstrip(".")
    return message[:1].lower() + message[1:], hint, 2


def _origin(error: click.BadParameter) -> str:
    """Return where a bad value came from: option, environment or settings file."""
    if error.param is None or error.param.name is None:
        return "bad value"
    name = error.param.opts[-1] if isinstance(error.param, click.Option) else error.param.name
    source = error.ctx.get_parameter_source(error.param.name) if error.ctx else None
    if source is ParameterSource.ENVIRONMENT and error.ctx:
        return f"environment {error.ctx.auto_envvar_prefix}_{setting_name(error.param).upper()}"
    if source is ParameterSource.DEFAULT_MAP and error.ctx:
        return f"{error.ctx.params.get('config') or 'settings file'}: {setting_name(error.param)}"
    return name


def _nearest(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.replace("_", "-"), known, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def _storage(error: OSError) -> tuple[str, str, int]:
    path = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    reason = error.strerror or str(error)
    hints = {
        errno.ENOSPC: "Free some space, or write elsewhere.",
        errno.EDQUOT: "Your quota is used up; free some space, or write elsewhere.",
        errno.EROFS: "Write elsewhere.",
        errno.EACCES: "Check the permissions, or write elsewhere.",
        errno.EBADF: "A standard stream is closed; redirect it to a file or /dev/null.",
    }
    return f"{path}{reason}", hints.get(error.errno or 0, ""), 4


def _say(console: Console, problem: str, hint: str) -> None:
    err = console.err
    err.line(f"{err.styled('error:', 'red')} {safe_lines(err.glyph(problem))}")
    if hint:
        err.line(f"{err.styled('hint:', 'bold')}  {safe_lines(err.glyph(hint))}")


def _let_go_of_streams(console: Console) -> None:
    """Flush what still can be; point at nothing what cannot, or Python complains at its end."""
    for number, stream in ((1, console.out), (2, console.err)):
        try:
            stream.file.flush()
        except (OSError, ValueError):
            if stream.file in (sys.__stdout__, sys.__stderr__):
                silence(number)
