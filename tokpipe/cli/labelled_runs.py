"""What commands share that train on labelled data: options of its parts, and what they keep."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def part_option(flag: str, about: str, *, required: bool = False) -> Callable[..., Any]:
    """Return the option of a part of the data."""
    return click.option(flag, metavar="FILE", required=required, help=about)


def kept(out: Path) -> str:
    """Say what is kept of a training that was stopped."""
    found = max(
        out.rglob("checkpoint-*"), key=lambda path: (path.stat().st_mtime, path.name), default=None
    )
    return f"{found} is kept" if found else "no checkpoint was finished"
