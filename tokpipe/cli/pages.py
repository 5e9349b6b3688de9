"""`--html FILE`: what a command shows as one page, for all commands that have it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session
from tokpipe.cli.sink import STDOUT, opened_output
from tokpipe.foundation.addresses import address_of, local_path
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.files import refuse_existing_file
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

    from tokpipe.inspection.terminal.text_page import TextPage


def page_option(text: str = "Write what is shown as one page.") -> Callable[..., Any]:
    """Return the option, with what it says of itself."""
    return click.option("--html", metavar="FILE", help=text)


def check_page(session: Session, html: str | None) -> None:
    """Refuse a file that is there, before any work, and make its folder.

    Standard output is refused: it has its own use.
    """
    if html is None:
        return
    if html == STDOUT:
        raise ConfigError("--html -: a page goes into a file", hint="Name one, or /dev/stdout.")
    refuse_existing_file(Path(html), force=session.force)
    if address_of(html) is None:
        path = local_path(html)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)


def write_page(session: Session, html: str, page: str) -> None:
    """Write a page; say where, if nothing else is printed."""
    with opened_output(html, force=session.force, binary=False) as file:
        file.write(page.encode())
    if not session.json:
        session.console.out.line(visible(html))


@contextmanager
def shown(session: Session, html: str | None, title: str) -> "Iterator[Console | TextPage]":
    """Yield what views are printed to: the terminal, or a page that shows them as it would."""
    if html is None:
        yield session.console.rich()
        return
    from tokpipe.inspection.terminal.text_page import TextPage

    page = TextPage(title)
    yield page
    write_page(session, html, page.html())
