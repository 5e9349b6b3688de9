"""A command: global options before and after its name, settings from a file, grouped help."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tokpipe.cli.console import Console
from tokpipe.cli.help import (
    HelpFormatter,
    own_params,
    write_commands,
    write_examples,
    write_global_names,
    write_options,
)
from tokpipe.cli.options import GLOBAL, Count, GroupedOption, Optional
from tokpipe.cli.progress import console_progress, duration
from tokpipe.cli.settings import check_environment, read_settings
from tokpipe.foundation.address_space import fit_into_address_space
from tokpipe.foundation.memory import address_space_limit, peak_memory
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.threads import thread_count


@dataclass(frozen=True, kw_only=True)
class Session:
    """What every command gets as its first argument: the global options and the terminal."""

    console: Console
    progress: Progress
    command_path: str
    settings_file: Path | None = None
    seed: int = 0
    threads: int | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    dry_run: bool = False
    force: bool = False

    def keeps_counts(self, inputs: Sequence[str]) -> str:
        """Return what a stopped count keeps; of standard input nothing, it cannot be read again."""
        return "" if "-" in inputs else "the words counted so far are kept"

    def begin_kernels(self, *, keeps: str | Callable[[], str] = "") -> None:
        """Load what kernels need; and say what a stopped command keeps.

        To be called before the first kernel is: as soon as one has to be compiled, that is said,
        and an address space that is too small for it is refused there (`MemoryLimitError`). `keeps`
        is "the words counted so far are kept", or what finds that out when the command is stopped;
        empty where the work starts over.
        """
        from tokpipe.foundation.jit import before_compiling, cache_folder

        self.console.when_stopped = keeps if callable(keeps) else lambda: keeps
        before_compiling(self._announce_compiling)
        if self.verbose and (folder := cache_folder()):
            self.progress.note(f"kernels: {folder}")

    def _announce_compiling(self) -> None:
        from tokpipe.foundation.compile_ahead import start_helper
        from tokpipe.foundation.jit import cache_folder

        fit_into_address_space(compiles=True)
        if cache_folder() is None:
            self.progress.note("compiling kernels: nowhere to keep them (see tokpipe doctor)")
            return
        self.progress.note("compiling kernels, first run only: up to a minute")
        if thread_count(self.threads) > 1 and address_space_limit() is None:
            start_helper(" ".join(self.command_path.split()[1:]))


def global_options() -> list[click.Option]:
    """Make the options that the group and each command understand."""

    def option(*names: str, **settings: Any) -> click.Option:
        return GroupedOption(names, heading=GLOBAL, **settings)

    return [
        option(
            "--config",
            metavar="FILE",
            is_eager=True,
            callback=_apply_settings,
            expose_value=True,
            help="Read settings from FILE; ./tokpipe.toml is read where it exists.",
        ),
        option("--seed", type=Count(), metavar="N", default=0, help="Seed of all random choices."),
        option(
            "--threads",
            type=Optional(Count(least=1)),
            metavar="N",
            help="How many threads; by default one a processor. Never changes a result.",
        ),
        option("--json", is_flag=True, help="Write results as JSON."),
        option("-q", "--quiet", is_flag=True, help="No progress, no log."),
        option(
            "-v",
            "--verbose",
            is_flag=True,
            help="Say which settings and kernels are used, and in the end time and memory.",
        ),
        option("--debug", is_flag=True, help="Show the traceback of an error."),
        option("--no-color", is_flag=True, help="No colours (NO_COLOR does the same)."),
        option("--dry-run", is_flag=True, help="Print the plan and do nothing."),
        option("--force", is_flag=True, help="Replace outputs that exist; start over."),
        option(
            "--version",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        ),
    ]


GLOBAL_NAMES = (
    *("config", "seed", "threads", "json", "quiet", "verbose"),
    *("debug", "no_color", "dry_run", "force"),
)


class Context(click.Context):
    """click's context with our look of the help."""

    formatter_class = HelpFormatter


class Command(click.Command):
    """A command whose callback gets a `Session` first; one that `plans` answers ``--dry-run``."""

    context_class = Context

    def __init__(
        self, *args: Any, examples: Sequence[str] = (), plans: bool = False, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.examples, self.plans = tuple(examples), plans
        self.params.extend(global_options())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, after a look for misspelt environment variables."""
        if not ctx.resilient_parsing:
            check_environment(ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the callback with the session.

        A plan asked of a command that has none is a UsageError: the work must not be done instead.
        """
        session = _session(ctx)
        if session.dry_run and not self.plans:
            raise click.UsageError("--dry-run: this command makes nothing that could be planned")
        values = {k: v for k, v in ctx.params.items() if k not in GLOBAL_NAMES}
        assert self.callback is not None
        with told_at_length(session):
            return ctx.invoke(self.callback, session, **values)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write usage, text, examples, options by heading."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        write_examples(self.examples, formatter)
        self.format_options(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings; the global ones by name only."""
        write_options(own_params(self, ctx), ctx, formatter)
        write_global_names(global_options(), formatter)


def command(
    *, examples: Sequence[str], name: str | None = None, plans: bool = False
) -> Callable[[Callable[..., Any]], Command]:
    """Make a function whose first argument is a `Session` into a command.

    Its name is the function's with dashes, its help the docstring. The function may return the
    exit code; None is 0.
    """

    def decorate(function: Callable[..., Any]) -> Command:
        called = name or function.__name__.replace("_", "-")
        return click.command(called, cls=Command, examples=examples, plans=plans)(function)

    return decorate


class CommandGroup(click.Group):
    """A group whose commands are imported when asked for.

    Parameters
    ----------
    sections
        Headings, and under each the names of commands and their modules.
    own
        The module of what the group does itself, where no command of it is named.
    """

    context_class = Context

    def __init__(
        self,
        *args: Any,
        sections: dict[str, dict[str, str]],
        examples: Sequence[str] = (),
        own: str = "",
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.params.extend(global_options())
        self.sections = sections
        self.examples = tuple(examples)
        self._own = own

    @property
    def own(self) -> click.Command | None:
        """What the group does itself."""
        return _imported(self._own) if self._own else None

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse for a command of the group, or for what it does itself."""
        own = self.own
        if own is None or _first_name(args) in self.list_commands(click.Context(self)):
            return super().make_context(info_name, args, parent, **extra)
        return own.make_context(info_name, args, parent, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in the order of the table."""
        return [name for section in self.sections.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        for section in self.sections.values():
            if cmd_name in section:
                return _imported(section[cmd_name])
        return None

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write usage, text, commands with an example each, options."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for heading, names in self.sections.items():
            rows = [(name, *self._line(ctx, name)) for name in names]
            write_commands(heading, rows, formatter)
        if ctx.parent is None:
            write_options(self.get_params(ctx), ctx, formatter)
        else:
            write_global_names(global_options(), formatter)
        self.format_epilog(ctx, formatter)

    def _line(self, ctx: click.Context, name: str) -> tuple[str, str]:
        found = self.get_command(ctx, name)
        examples = getattr(found, "examples", ()) or ("",)
        return (found.get_short_help_str(limit=200) if found else ""), examples[0]


def _imported(module: str) -> click.Command:
    return getattr(import_module(module), module.rpartition(".")[2])


def _first_name(args: Sequence[str]) -> str | None:
    """Return the first of some arguments that is no global option, and no value of one."""
    options = {name: option for option in global_options() for name in option.opts}
    words = iter(args)
    for word in words:
        if not word.startswith("-"):
            return word
        if word in options and not options[word].is_flag:
            next(words, None)
    return None


def _apply_settings(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    # Only the innermost command reads the file, when ``--config`` of both places is known.
    if ctx.resilient_parsing or isinstance(ctx.command, click.Group):
        return value
    if value is None and ctx.parent is not None:
        value = _resolved(ctx.parent, "config")
    settings = read_settings(value, ctx)
    names = ctx.command_path.split(" ")[1:]
    ctx.default_map = settings.for_command(ctx.command, names)
    return str(settings.path) if settings.path else None


def _resolved(ctx: click.Context, name: str) -> Any:
    """Return a global option: the command's own, what stood before it, environment, file."""
    for source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
        place: click.Context | None = ctx
        while place is not None:
            if place.get_parameter_source(name) is source:
                return place.params[name]
            place = place.parent
    return ctx.params[name]


def _session(ctx: click.Context) -> Session:
    console = ctx.find_object(Console) or Console()
    values = {name: _resolved(ctx, name) for name in GLOBAL_NAMES}
    if values.pop("no_color"):
        console.no_color()
    config = values.pop("config")
    return Session(
        console=console,
        progress=console_progress(console, quiet=values["quiet"]),
        command_path=ctx.command_path,
        settings_file=Path(config) if config else None,
        **values,
    )


@contextmanager
def told_at_length(session: Session) -> Generator[None, None, None]:
    """With ``--verbose``, say what a command works with, and in the end what it took."""
    if not session.verbose:
        yield
        return
    start, note = time.monotonic(), session.progress.note
    note(f"settings: {session.settings_file or 'none from a file'}; seed {session.seed}")
    note(f"threads: {thread_count(session.threads)}")
    yield
    peak = peak_memory()
    most = f", at most {format_bytes(peak)} of memory" if peak is not None else ""
    note(f"took {duration(time.monotonic() - start)}{most}")


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"tokpipe {getattr(ctx.find_root().command, 'version', '')}")
        ctx.exit()
