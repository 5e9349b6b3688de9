"""Command-line options made from configuration classes, so that no default is written twice."""

import re
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

import click
from click.core import ParameterSource

from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.sizes import parse_bytes, parse_count

_COMMA = re.compile(r"(?<!\\),")

GLOBAL = "Global options (before or after the command)"  # the heading of what all commands share

_MOST = 2**63 - 1  # what an array of whole numbers holds

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class GroupedOption(click.Option):
    """An option that knows under which heading of the help it stands."""

    def __init__(self, *names: Any, heading: str = "Options", **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.heading = heading


class ListOption(GroupedOption):
    """An option whose values, given once more, are added to those before and replace none."""

    def add_to_parser(self, parser: Any, ctx: Any) -> None:
        """Let the parser gather what is given."""
        parser.add_option(obj=self, opts=self.opts, dest=self.name, action="append", nargs=1)

    def consume_value(self, ctx: Any, opts: Any) -> Any:
        """Return what was given as one text."""
        value, source = super().consume_value(ctx, opts)
        is_typed = source is ParameterSource.COMMANDLINE
        return (",".join(value) if is_typed else value), source


def setting_name(option: click.Parameter) -> str:
    """Return what an option is called in a settings file and in the environment: as it is typed."""
    typed = [name[2:].replace("-", "_") for name in option.opts if name.startswith("--")]
    own = str(option.name)
    return own if own in typed or not typed else typed[0]


class Count(click.ParamType):
    """A whole number as people write it: 30000, 8k, 1m."""

    name = "n"

    def __init__(self, least: int = 0) -> None:
        self.least = least

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Read one count."""
        count = _converted(lambda: parse_count(str(value)), value, int)
        if count < self.least:
            raise click.BadParameter(f"{count} is below the least allowed value, {self.least}")
        return _bounded(count)


class Bytes(click.ParamType):
    """A number of bytes as people write it: 256MB, 64MiB, 1000000."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Read one size."""
        return _bounded(_converted(lambda: parse_bytes(str(value)), value, int))


class CommaList(click.ParamType):
    """Several values between commas, or a list in the settings file."""

    def __init__(self, item: click.ParamType) -> None:
        self.item = item
        self.name = f"{item.name},…"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[Any, ...]:
        r"""Read each value; a trailing comma is forgiven, and a comma in a value is ``\,``."""
        if isinstance(value, str):
            parts = [part.strip().replace("\\,", ",") for part in _COMMA.split(value)]
            value = parts if parts[-1] else parts[:-1]
            if "" in value:
                raise click.BadParameter(
                    r"two commas side by side: a value between them is missing"
                    r" (a comma in a value is written \,)"
                )
        elif not isinstance(value, list | tuple):
            value = [value]
        return tuple(self.item.convert(part, param, ctx) for part in value)


class ModelPath(click.ParamType):
    """A model or tokenizer: a path, or hub:owner/name[@revision]."""

    name = "path"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        """Return where it is; what is named on the Hub is fetched unless the cache has it."""
        return model_path(param.name if param else "model", value)


MODEL = ModelPath()
tokenizer_option = click.option(
    "-t",
    "--tokenizer",
    required=True,
    metavar="PATH",
    type=MODEL,
    help="Tokenizer folder or tokenizer.json.",
)


class Optional(click.ParamType):
    """A value or the word ``none``."""

    def __init__(self, item: click.ParamType) -> None:
        self.item = item
        self.name = item.name

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Read the value, or ``none``."""
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        return self.item.convert(value, param, ctx)


def config_options(
    kind: type[Config],
    argument: str,
    *,
    heading: str = "Options",
    flags: Mapping[str, str] | None = None,
    leave_out: tuple[str, ...] = (),
    given_only: Collection[str] | None = None,
) -> Decorator:
    """Add one option a field of `kind`, and pass the built object as the argument `argument`.

    The fields give names, defaults, limits and help; `flags` has other names for options:
    ``{"lowercase": "--lowercase/--cased"}``. Fields to leave out the command sets itself. With
    `given_only` a dict of what was given anywhere is passed: the rest depends on other settings,
    but for the fields that it names, whose defaults the help shows.
    """
    chosen = [f for f in fields(kind) if f.name not in leave_out]
    types = typing.get_type_hints(kind)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        def run(*positional: Any, **arguments: Any) -> Any:
            values = {f.name: arguments.pop(key_of(f)) for f in chosen}
            if given_only is not None:
                made: Any = {name: value for name, value in values.items() if value is not None}
            else:
                made = kind(**values)
            return command(*positional, **{argument: made}, **arguments)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
        for f in reversed(chosen):
            names = (flags or {}).get(f.name)
            shown = f.default if given_only is None or f.name in given_only else MISSING
            default = shown if given_only is None else MISSING
            run = _option(f, types[f.name], heading, names, shown, default)(run)
        return run

    return decorate


def _option(
    f: Field[Any], hint: Any, heading: str, names: str | None, shown: Any, default: Any
) -> Decorator:
    flag = f"--{key_of(f).replace('_', '-')}"
    if _plain(hint) is bool and not names:
        names = f"{flag}/--no-{flag[2:]}"
    shown, default = (None if value is MISSING else value for value in (shown, default))
    kind = _click_type(hint, f)
    extra = {} if "/" in (names or "") else {"type": kind, "metavar": _metavar(kind)}
    return click.option(
        names or flag,
        key_of(f),
        cls=ListOption if _is_list(kind) else GroupedOption,
        heading=heading,
        default=default,
        show_default=isinstance(default, bool),
        help=f.metadata["help"] + _shown(f.name, shown),
        **extra,  # type: ignore[arg-type]
    )


def key_of(f: Field[Any]) -> str:
    """Return the name that a field has among the arguments of a command."""
    return f.metadata.get("option") or f.name


def _click_type(hint: Any, f: Field[Any]) -> click.ParamType:
    choices = f.metadata.get("choices")
    if _allows_none(hint):
        return Optional(_click_type(_plain(hint), f))
    if typing.get_origin(hint) is tuple:
        return CommaList(_item_type(typing.get_args(hint)[0], f.name, choices))
    return _item_type(hint, f.name, choices)


def _item_type(hint: Any, name: str, choices: tuple[str, ...] | None) -> click.ParamType:
    if choices:
        return click.Choice(choices)
    if hint is int:
        return Bytes() if name.endswith("bytes") else Count()
    return {float: click.FLOAT, bool: click.BOOL}.get(hint, click.STRING)


def _is_list(kind: click.ParamType) -> bool:
    return isinstance(kind.item if isinstance(kind, Optional) else kind, CommaList)


def _metavar(kind: click.ParamType) -> str | None:
    inner = kind.item if isinstance(kind, Optional) else kind
    if isinstance(inner, click.Choice):
        return None if inner is kind else f"[{'|'.join(inner.choices)}]"
    return inner.name.upper().replace("TEXT", "STR")


def _shown(name: str, default: Any) -> str:
    if default in (None, "", ()) or isinstance(default, bool):
        return ""  # the help says what that means; click shows the name of the flag
    if name.endswith("bytes") and default % (1 << 20) == 0:
        default = f"{default >> 20}MiB"
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    return f"  [default: {default}]"


def _allows_none(hint: Any) -> bool:
    return typing.get_origin(hint) in (UnionType, typing.Union) and NoneType in typing.get_args(
        hint
    )


def _plain(hint: Any) -> Any:
    if not _allows_none(hint):
        return hint
    return next(part for part in typing.get_args(hint) if part is not NoneType)


def _bounded(number: int) -> int:
    if number > _MOST:
        raise click.BadParameter(f"{number} is above the greatest allowed value, {_MOST}")
    return number


def _converted(read: Callable[[], Any], value: Any, kind: type) -> Any:
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    try:
        return read()
    except ConfigError as error:
        raise click.BadParameter(f"{error.problem}. {error.hint}".strip()) from error
