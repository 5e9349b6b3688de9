"""Settings from a TOML file: one table a command, global settings above the first table.

A command line beats the environment (``TOKPIPE_TRAIN_VOCAB_VOCAB_SIZE``), which beats the file,
which beats the default. Names that nobody knows are errors, wherever they come from.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tokpipe.cli.options import Bytes, CommaList, Count, Optional, setting_name
from tokpipe.foundation.config import unknown_name
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.small_files import read_small_file
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.strict_json import fault_of

DEFAULT_FILE = Path("tokpipe.toml")
NOT_IN_A_FILE = {"help", "version", "config"}
_MOST_BYTES = 1 << 20  # of a settings file: all options of all commands take a hundredth of it
_BEYOND = 1 << 63  # TOML knows numbers of 64 bits; Python's parser reads any
_COUNT = ((int, float, str), "a number")  # a text like "8k", too
_MEANT = {  # kind of an option -> types of TOML that can be meant for it, and how to call them
    Count: ((*_COUNT[0], bool), _COUNT[1]),  # which says itself what is no count
    Bytes: ((int, str), "a number of bytes"),
    type(click.INT): _COUNT,
    click.IntRange: _COUNT,
    type(click.FLOAT): _COUNT,
    click.FloatRange: _COUNT,
    type(click.BOOL): ((bool, str), "true or false"),
}
_NAMES = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True)
class Settings:
    """A settings file that has been read and checked."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def for_command(self, command: click.Command, path: list[str]) -> dict[str, Any]:
        """Return the global settings and the table of one command, as click's default map.

        A value of a type that its option does not take is a `ConfigError`.
        """
        table: Any = self.values
        merged = {key: value for key, value in table.items() if not isinstance(value, dict)}
        for name in path:
            table = table.get(_key(name), {})
        merged |= {key: value for key, value in table.items() if not isinstance(value, dict)}
        options = _options(command)
        for name in [name for name in merged if name in options]:
            try:
                merged[name] = _of_its_type(merged[name], options[name])
            except click.BadParameter as error:
                place = f"{self.path}: {setting_name(options[name])}"
                raise ConfigError(f"{place}: {error.message}") from None
        return merged


def read_settings(asked: str | None, context: click.Context) -> Settings:
    """Read ``--config FILE``, or `DEFAULT_FILE` where it exists, and check every name in it.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not TOML, or holds a name that nobody knows.
    """
    if asked is None and not DEFAULT_FILE.is_file():
        return Settings()
    path = here(asked) if asked is not None else DEFAULT_FILE
    text = _read_text(path)
    import tomllib

    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of numbers and nesting without end, too
        raise ConfigError(f"{path}: not valid TOML: {fault_of(error)}") from error
    root = context.find_root()
    return Settings(path, _checked(values, root.command, root, [], path, text))


def wrong_values(settings: Settings, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the settings whose values their options do not take, and why."""
    root = context.find_root()
    yield from _wrong_values(settings.values, root.command, root, [])


def check_environment(context: click.Context) -> None:
    """Refuse (`ConfigError`) variables of this command that name no option of it."""
    prefix = f"{context.auto_envvar_prefix}_"
    options = {f"{prefix}{name.upper()}": one for name, one in _options(context.command).items()}
    for name in os.environ:
        if name not in options and name.startswith(prefix):
            known = [f"{prefix}{name.upper()}" for name in _names(context.command)]
            raise unknown_name("environment: no option is set by", name, known)
    for name, option in options.items():
        if name != f"{prefix}{str(option.name).upper()}":  # which click finds itself
            option.envvar = name


def _read_text(path: Path) -> str:
    try:
        return read_small_file(path, _MOST_BYTES, error=ConfigError).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from error


def _checked(
    table: Mapping[str, Any],
    command: click.Command,
    context: click.Context,
    names: list[str],
    path: Path,
    text: str,
) -> dict[str, Any]:
    options = _options(command)
    children = command.list_commands(context) if isinstance(command, click.Group) else []
    checked = {}
    for name, value in table.items():
        if isinstance(value, dict):
            child = _child(name, children, path, text, names)
            inner = (
                command.get_command(context, child) if isinstance(command, click.Group) else None
            )
            assert inner is not None, child
            checked[_key(name)] = _checked(value, inner, context, [*names, child], path, text)
        elif _key(name) not in options:
            owner = f"[{'.'.join(names)}]" if names else "the part above the tables"
            where = f"{_place(path, text, name, names)}: {owner} has no setting"
            raise unknown_name(where, name, _names(command))
        else:
            checked[str(options[_key(name)].name)] = value
    return checked


def _of_its_type(value: Any, option: click.Parameter) -> Any:
    """Return a value for its option, if TOML's type is one that can be meant for it.

    click takes what people type, which is text: of other types it makes text, breaks off, or goes
    through a word letter by letter.
    """
    kind = option.type.item if isinstance(option.type, Optional) else option.type
    takes_list = option.multiple or isinstance(kind, CommaList)
    values = value if isinstance(value, list) and takes_list else [value]
    for one in values:
        _check_type(one, option.type)
    return values if option.multiple else value


def _check_type(value: Any, kind: click.ParamType) -> None:
    while isinstance(kind, Optional | CommaList):
        kind = kind.item
    accepted, meant = _MEANT.get(type(kind), ((str,), "a text in quotes"))
    if type(value) not in accepted:
        found = _NAMES.get(type(value), "a date or time")
        raise click.BadParameter(f"found {found}; {meant} is needed")
    if isinstance(value, int) and abs(value) >= _BEYOND:
        raise click.BadParameter("the number does not fit into 64 bits")
    if isinstance(value, str) and "\0" in value:
        raise click.BadParameter("the text holds a NUL character")


def _child(name: str, children: list[str], path: Path, text: str, names: list[str]) -> str:
    for child in children:
        if _key(child) == _key(name):
            return child
    where = _place(path, text, f"[{'.'.join([*names, name])}]", [])
    if not children:
        raise ConfigError(
            f"{where}: {name!r} is a table, and {names[-1]!r} has no command of that name",
            hint="A setting is one value: name = value.",
        )
    raise unknown_name(f"{where}: no command is called", name, children)


def _wrong_values(
    table: Mapping[str, Any], command: click.Command, context: click.Context, names: list[str]
) -> Iterator[tuple[str, str]]:
    params = {param.name: param for param in _itself(command).params}
    for name, value in table.items():
        if isinstance(value, dict) and isinstance(command, click.Group):
            child = next(c for c in command.list_commands(context) if _key(c) == name)
            inner = command.get_command(context, child)
            assert inner is not None, child
            yield from _wrong_values(value, inner, context, [*names, child])
            continue
        try:
            params[name].type_cast_value(context, _of_its_type(value, params[name]))
        except click.BadParameter as error:
            place = f"{'.'.join(names)}: {setting_name(params[name])}"
            yield place.lstrip(": "), error.message.rstrip(".")


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command by their names; of two names that one has, by both."""
    params = [p for p in _itself(command).params if isinstance(p, click.Option) and p.name]
    known = [option for option in params if option.name not in NOT_IN_A_FILE]
    return {name: one for one in known for name in (str(one.name), setting_name(one))}


def _names(command: click.Command) -> list[str]:
    """Return what the options of a command are called."""
    return list(dict.fromkeys(map(setting_name, _options(command).values())))


def _itself(command: click.Command) -> click.Command:
    """Return what a command does itself, of a group that does something."""
    return getattr(command, "own", None) or command


def _place(path: Path, text: str, name: str, names: list[str]) -> str:
    """Return ``file:line`` of a key, by a plain search below its table's head."""
    head = re.search(rf"^\s*\[{re.escape('.'.join(names))}\]", text, re.M) if names else None
    start = head.end() if head else 0
    found = re.compile(rf"^\s*{re.escape(name)}", re.M).search(text, start)
    return f"{path}:{text.count(chr(10), 0, found.end()) + 1}" if found else str(path)


def _key(name: str) -> str:
    return name.replace("-", "_")
