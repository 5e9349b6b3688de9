"""How help looks: a line and an example a command, options under headings, at most 80 columns."""

import re
import textwrap
from collections.abc import Sequence

import click

from tokpipe.cli.options import GLOBAL

_NAME_COLUMN = 26  # where the explanation of an option begins
_AN_OPTION = re.compile(r"( -o| --[a-z-]+) (?![-|<>])")  # and not what stands between two commands


class HelpFormatter(click.HelpFormatter):
    """click's formatter with headings in bold; click strips the style where colour is off."""

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        self.write(f"{'':>{self.current_indent}}{click.style(heading, bold=True)}\n")

    def getvalue(self) -> str:
        """Return all that was written, what was only kept together by its characters set free."""
        return super().getvalue().replace("\u00a0", " ").replace("\u2011", "-")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line in plain style."""
        super().write_usage(prog, args, prefix or "Usage: ")


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write the section of examples: each a command line that can be pasted."""
    if not examples:
        return
    with formatter.section("Examples"):
        for example in examples:
            formatter.write(_example(example, formatter, formatter.current_indent))


def write_commands(
    heading: str, rows: Sequence[tuple[str, str, str]], formatter: click.HelpFormatter
) -> None:
    """Write commands: the name and what it does, and beneath it an example."""
    column = max((len(name) for name, _, _ in rows), default=0) + 4
    with formatter.section(heading):
        for name, line, example in rows:
            room = max(formatter.width - column, 20)
            first, *rest = textwrap.wrap(line, room) or [""]
            shown = click.style(name, fg="cyan")
            formatter.write(f"  {shown}{' ' * (column - 2 - len(name))}{first}\n")
            formatter.write("".join(f"{'':{column}}{more}\n" for more in rest))
            if example:
                formatter.write(_example(example, formatter, column))


def write_options(
    params: Sequence[click.Parameter], ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write options under their headings, in the order in which headings first appear."""
    headings: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        record = param.get_help_record(ctx)
        if record and record[1]:  # an argument stands in the usage line, without a line of its own
            heading = GLOBAL if "--help" in param.opts else getattr(param, "heading", "Options")
            headings.setdefault(heading, []).append((record[0], _held_together(record[1])))
    for heading, records in headings.items():
        with formatter.section(heading):
            formatter.write_dl(records, col_max=_NAME_COLUMN)


def write_global_names(options: Sequence[click.Option], formatter: click.HelpFormatter) -> None:
    """Write the names of the options that all commands share, and where they are explained."""
    names = [max(option.opts, key=len) for option in options]
    with formatter.section(GLOBAL):
        text = f"{' '.join(names)} --help: see tokpipe --help."
        room = formatter.width - formatter.current_indent
        lines = textwrap.wrap(text, room, break_on_hyphens=False)
        formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in lines))


def own_params(command: click.Command, ctx: click.Context) -> list[click.Parameter]:
    """Return the parameters of a command without the global ones and ``--help``."""
    params = command.get_params(ctx)
    return [p for p in params if getattr(p, "heading", "") != GLOBAL and "--help" not in p.opts]


def _held_together(text: str) -> str:
    """Let no line end fall into ``[default: x-y]``, or behind a hyphen: options have many."""
    held = re.sub(r"\[[^\]]*\]$", lambda found: found[0].replace(" ", "\u00a0"), text)
    return held.replace("-", "\u2011")


def _example(example: str, formatter: click.HelpFormatter, indent: int) -> str:
    # A line that is too long is cut with backslashes, so that it still can be pasted.
    room = max(formatter.width - indent - 4, 20)
    held = _AN_OPTION.sub("\\1\u00a0", example)
    lines = textwrap.wrap(held, room, break_long_words=False, break_on_hyphens=False)
    joined = f" \\\n{'':{indent + 4}}".join(lines)
    return f"{'':{indent}}{click.style('$', dim=True)} {joined}\n"
