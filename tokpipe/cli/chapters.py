"""Commands of `explain` that tell a chapter: on numbers made up, or on a model and a text."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Command, Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL
from tokpipe.cli.pages import check_page, page_option, write_page
from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.config import CHAPTERS

if TYPE_CHECKING:
    from tokpipe.inspection.attention import Chosen
    from tokpipe.inspection.chapters.chapter import Chapter
    from tokpipe.tasks.model import BertModel

_OPTIONS = {
    "layer": click.option("--layer", type=int, metavar="N", help="Which layer, from 1; -1: last."),
    "head": click.option("--head", metavar="N", help="Which head, from 1."),
    "token": click.option(
        "--token", metavar="TOKEN", help="The token in question: its place from 0, or itself."
    ),
    "around": click.option(
        "--around", metavar="WORD", help="Where in the alphabet to look; by default the likeliest."
    ),
}


def chapter_command(
    name: str,
    about: str,
    *,
    examples: Sequence[str],
    takes: Sequence[str] = (),
    texts: str = "[TEXT]",
) -> Command:
    """Make the command of a chapter.

    Parameters
    ----------
    name
        Of `CHAPTERS`.
    about
        The text of its help.
    examples
        Calls of it.
    takes
        Which of ``layer``, ``head``, ``token`` and ``around`` it lets one choose in a model.
    texts
        How many it takes: one, a pair, or (``[TEXT]...``) several.
    """

    def run(
        session: Session,
        texts: tuple[str, ...],
        model: Path | None,
        html: str | None,
        **wanted: object,
    ) -> None:
        check_page(session, html)
        told = _told(session, (name, most), texts, model, wanted)
        _show(session, told, html)

    most = None if texts.endswith("...") else len(texts.split())

    run.__doc__ = about
    run = page_option()(run)
    for option in reversed(takes):
        run = _OPTIONS[option](run)
    help = "A model whose own numbers are told, on TEXT; by default a small example."
    run = click.option("-m", "--model", metavar="MODEL", type=MODEL, help=help)(run)
    run = click.argument("texts", nargs=-1, metavar=texts)(run)
    return command(name=name, examples=examples)(run)


def _told(
    session: Session,
    chapter: tuple[str, int | None],
    texts: tuple[str, ...],
    model: Path | None,
    wanted: dict[str, object],
) -> "Chapter":
    name, most = chapter
    given = ["TEXT"] * bool(texts) + [f"--{k}" for k, v in wanted.items() if v is not None]
    if model is None and given:
        raise ConfigError(f"{given[0]} says nothing without a model", hint="Name one by --model.")
    if most is not None and len(texts) > most:
        raise ConfigError(f"{len(texts)} texts: explain {name} takes {most} at most")
    session.begin_kernels()
    module = import_module(CHAPTERS[name])
    from tokpipe.inspection.chapters.chapter import shown_tokens

    if model is None:
        return module.toy()
    loaded = open_model(session, model, "none")
    mask = loaded.tokenizer.roles.get("mask_token", "[MASK]")
    texts = texts or tuple(text.replace("[MASK]", mask) for text in module.TEXTS)
    read = [(text,) for text in texts] if most is None else [texts]
    asked = [_chosen(session, (model, loaded), one, module, wanted) for one in read]
    told = module.real(asked[0], loaded, *asked[1:])
    return replace(told, text=" / ".join(" ".join(shown_tokens(one)) for one in asked))


def _show(session: Session, told: "Chapter", html: str | None) -> None:
    from tokpipe.inspection.chapters.chapter import chapter_json

    if session.json:
        session.console.json(chapter_json(told))
    if html is not None:
        from tokpipe.inspection.chapter_page import chapter_page

        write_page(session, html, chapter_page(told))
    elif not session.json:
        from tokpipe.inspection.terminal.chapter import chapter_renderable

        session.console.rich().print(chapter_renderable(told))


def _chosen(
    session: Session,
    model: "tuple[Path, BertModel]",
    texts: tuple[str, ...],
    module: Any,
    wanted: dict[str, Any],
) -> "Chosen":
    """Let a model read a text or a pair, and find in it what is asked for."""
    from tokpipe.inspection.attention import Wanted, choose
    from tokpipe.inspection.opening import Opened
    from tokpipe.tasks.attention import attention

    folder, loaded = model
    seen = attention(loaded, *texts)
    if seen.cut:
        session.progress.note("the text is longer than the model allows, and was cut")
    form = Opened(folder, loaded.tokenizer).form
    return choose(str(folder), seen, Wanted(**wanted), module, form)
