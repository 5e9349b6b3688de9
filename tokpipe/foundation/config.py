"""The one style of configuration: frozen dataclasses whose fields carry help and limits."""

import functools
import hashlib
import json
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral
from types import NoneType, UnionType
from typing import Any, Self

from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError

_SURROGATE = re.compile("[\ud800-\udfff]")


def setting(
    default: Any,
    help: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
    option: str | None = None,
) -> Any:
    """Declare one field: its default, its help (shown by the CLI and the docs) and its limits.

    `option` is what the command line and settings files call it, if not by its own name.
    """
    limits = {"least": least, "most": most, "choices": choices}
    return field(default=default, metadata={"help": help, "option": option, **limits})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Base of every configuration in tokpipe.

    Raises
    ------
    ConfigError
        On construction, if a value is of another kind than its field, lies outside the limits that
        the field declares, is no finite number, or no text. One value stands for a tuple of one.
    """

    def __post_init__(self) -> None:
        kinds = _kinds(type(self))
        for f in fields(self):
            given = getattr(self, f.name)
            value = _of_kind(f.name, given, kinds[f.name])
            if value is not given:
                object.__setattr__(self, f.name, value)  # once, before anybody has seen it
            _check_plain(f.name, getattr(self, f.name))
            _check_limits(f.name, getattr(self, f.name), f.metadata)
        self.check()

    def check(self) -> None:
        """Check rules that join several fields; subclasses override it."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, in field order."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from `to_dict` output, refusing unknown keys by name."""
        known = [f.name for f in fields(cls)]
        for key in values:
            if key not in known:
                raise unknown_name(f"{cls.__name__} has no setting", key, known)
        lists = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**lists)

    def fingerprint(self) -> str:
        """Return 16 hex digits that change when any setting changes."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def unknown_name(problem: str, name: str, known: list[str]) -> ConfigError:
    """Make the error for a name that nobody knows, with the nearest one as its hint."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
    return ConfigError(f"{problem} {name!r}", hint=hint)


@functools.cache
def _kinds(config: type[Config]) -> dict[str, Any]:
    return typing.get_type_hints(config)


def _of_kind(name: str, value: Any, hint: Any) -> Any:
    """Return a value as the kind that its field declares, or refuse it."""
    options = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if value is None and NoneType in options:
        return value
    kind = next(option for option in options if option is not NoneType)
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        values = value if isinstance(value, tuple | list) else (value,)
        places = [f"{name}[{i}]" if values is value else name for i in range(len(values))]
        return tuple(_of_kind(*each, item) for each in zip(places, values, strict=True))
    if isinstance(kind, type):
        require(name, value, *((int, float) if kind is float else (kind,)), optional=False)
    return _as_json(value)


def _as_json(value: Any) -> Any:
    """Return NumPy's whole numbers, which JSON does not know, as Python's."""
    is_foreign = isinstance(value, Integral) and not isinstance(value, int)
    return int(value) if is_foreign else value


def _check_plain(name: str, value: Any) -> None:
    """Refuse what no limits are about: NaN, which no comparison finds, and halves of characters."""
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, float) and not math.isfinite(item):
            raise ConfigError(f"{name}={item!r} is not a finite number")
        if isinstance(item, str) and not item.isascii() and _SURROGATE.search(item):
            raise ConfigError(f"{name}={item!r} is not UTF-8")


def _check_limits(name: str, value: Any, limits: Mapping[str, Any]) -> None:
    least, most, choices = limits.get("least"), limits.get("most"), limits.get("choices")
    if value is None:
        return
    if least is not None and value < least:
        raise ConfigError(f"{name}={value!r} is below the least allowed value, {least}")
    if most is not None and value > most:
        raise ConfigError(f"{name}={value!r} is above the greatest allowed value, {most}")
    if choices and value not in choices:
        raise ConfigError(f"{name}={value!r} is not one of {', '.join(choices)}")
