"""Sizes and counts as people write them: ``256MB``, ``8k``."""

import re
from typing import TYPE_CHECKING

from tokpipe.foundation.errors import ConfigError

if TYPE_CHECKING:
    from fractions import Fraction

_EXPONENTS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_NUMBER = r"(\d[\d_,]{0,20}(?:\.\d{1,9})?)"  # bounded: what people write, and no slow huge numbers


def parse_bytes(text: str) -> int:
    """Read a number of bytes: ``256MB`` is 256,000,000; what is none is a `ConfigError`.

    Examples
    --------
    >>> parse_bytes("64MiB")
    67108864
    """
    match = _matched(r"([kmgt]?)(i?)b?", text)
    if not match:
        raise ConfigError(f"{text!r} is not a size", hint="Write it like 256MB, 64MiB or 2GB.")
    base = 1024 if match[3] else 1000
    return int(_number(match[1]) * base ** _EXPONENTS[match[2].lower()])


def parse_count(text: str) -> int:
    """Read a whole count: ``8k`` is 8,000, ``30000``, ``1m``; what is none is a `ConfigError`.

    Examples
    --------
    >>> parse_count("30.5k")
    30500
    """
    match = _matched("([kmg]?)", text)
    if not match:
        raise ConfigError(f"{text!r} is not a count", hint="Write it like 30000, 8k or 1m.")
    value = _number(match[1]) * 1000 ** _EXPONENTS[match[2].lower()]
    if value.denominator != 1:
        raise ConfigError(f"{text!r} is not a whole number")
    return int(value)


def format_bytes(count: int) -> str:
    """Write a number of bytes for people: ``12.3 MB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def figure(value: float, form: str = ".4f") -> str:
    """Write a score, or that it is not defined.

    Examples
    --------
    >>> figure(0.5), figure(0.25, "+.2f"), figure(float("nan"))
    ('0.5000', '+0.25', 'not defined')
    """
    return "not defined" if value != value else format(value, form)


def scored(value: float, low: float, high: float) -> tuple[str, str]:
    """Write a score and its interval, for the cells of a table.

    Examples
    --------
    >>> scored(0.5, 0.25, 0.75), scored(float("nan"), 0.0, 0.0)
    (('0.5000', '0.2500 to 0.7500'), ('not defined', ''))
    """
    return figure(value), f"{low:.4f} to {high:.4f}" if value == value else ""


def plural(count: int, noun: str, verb: tuple[str, str] | None = None) -> str:
    """Write a count with its noun, and a verb that agrees with it.

    Examples
    --------
    >>> plural(1, "token", ("has", "have")), plural(2000, "token", ("has", "have"))
    ('1 token has', '2,000 tokens have')
    """
    text = f"{count:,} {noun}" + ("" if count == 1 else "s")
    return f"{text} {verb[count != 1]}" if verb else text


def _matched(unit: str, text: str) -> re.Match[str] | None:
    return re.fullmatch(rf"\s*{_NUMBER}\s*{unit}\s*", text, re.IGNORECASE | re.ASCII)


def _number(digits: str) -> "Fraction":
    from fractions import Fraction

    return Fraction(re.sub("[_,]", "", digits))  # exact, where a float would lose past 2^53
