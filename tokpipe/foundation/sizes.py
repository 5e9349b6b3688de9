"""Sizes and counts as people write them: ``256MB``, ``8k``."""

import re

from tokpipe.foundation.errors import ConfigError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def parse_bytes(text: str) -> int:
    """Read a number of bytes: ``256MB`` is 256,000,000, ``64MiB`` is 67,108,864.

    Raises
    ------
    ConfigError
        If the text is no size.

    Examples
    --------
    >>> parse_bytes("64MiB")
    67108864
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", text, re.IGNORECASE)
    if not match:
        raise ConfigError(f"{text!r} is not a size", hint="Write it like 256MB, 64MiB or 2GB.")
    number, unit, binary = match.groups()
    exponent = "kmgt".find(unit.lower()) + 1 if unit else 0
    return int(float(number) * (1024**exponent if binary else 1000**exponent))


def parse_count(text: str) -> int:
    """Read a count: ``8k`` is 8,000, ``30000``, ``1m``.

    Raises
    ------
    ConfigError
        If the text is no whole count.

    Examples
    --------
    >>> parse_count("30.5k")
    30500
    """
    match = re.fullmatch(r"\s*(\d[\d_,]*(?:\.\d+)?)\s*([kmg]?)\s*", text, re.IGNORECASE)
    if not match:
        raise ConfigError(f"{text!r} is not a count", hint="Write it like 30000, 8k or 1m.")
    value = float(re.sub("[_,]", "", match[1])) * _UNITS[match[2].lower()]
    if value != int(value):
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
