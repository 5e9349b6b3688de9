"""`--html FILE`: what a command shows as one page, for all commands that have it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tokpipe.cli.command import Session
from tokpipe.foundation.files import atomic_write, refuse_existing_file


def page_option(text: str) -> Callable[..., Any]:
    """Return the option, with what it says of itself."""
    return click.option("--html", metavar="FILE", help=text)


def check_page(session: Session, html: str | None) -> None:
    """Refuse a file that is there, before any work."""
    if html is not None:
        refuse_existing_file(Path(html), force=session.force)


def write_page(session: Session, html: str, page: str) -> None:
    """Write a page; say where, if nothing else is printed."""
    with atomic_write(Path(html), replace=session.force) as file:
        file.write(page.encode())
    if not session.json:
        session.console.out.line(html)
