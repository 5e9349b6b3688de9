"""Commands of `explain` that tell a chapter: on numbers made up, or on a model and a text."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from tokpipe.cli.command import Command, Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL
from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.config import CHAPTERS

_OPTIONS = {
    "layer": click.option("--layer", type=int, metavar="N", help="Which layer, from 1; -1: last."),
    "head": click.option("--head", metavar="N", help="Which head, from 1."),
    "token": click.option(
        "--token", metavar="TOKEN", help="The token in question: its place from 0, or itself."
    ),
}


def chapter_command(
    name: str, about: str, *, examples: Sequence[str], takes: Sequence[str] = ()
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
        Which of ``layer``, ``head`` and ``token`` it lets one choose in a model.
    """

    def run(session: Session, text: str | None, model: Path | None, **wanted: object) -> None:
        _tell(session, name, text, model, wanted)

    run.__doc__ = about
    for option in reversed(takes):
        run = _OPTIONS[option](run)
    help = "A model whose own numbers are told, on TEXT; by default a small example."
    run = click.option("-m", "--model", metavar="MODEL", type=MODEL, help=help)(run)
    run = click.argument("text", required=False)(run)
    return command(name=name, examples=examples)(run)


def _tell(
    session: Session, name: str, text: str | None, model: Path | None, wanted: dict[str, object]
) -> None:
    given = ["TEXT"] * (text is not None) + [f"--{k}" for k, v in wanted.items() if v is not None]
    if model is None and given:
        raise ConfigError(f"{given[0]} says nothing without a model", hint="Name one by --model.")
    session.begin_kernels()
    from tokpipe.inspection.attention import Wanted, choose
    from tokpipe.inspection.chapters.chapter import chapter_json
    from tokpipe.inspection.opening import Opened
    from tokpipe.tasks.attention import attention

    module = import_module(CHAPTERS[name])
    if model is None:
        chapter = module.toy()
    else:
        loaded = open_model(session, model, "none")
        seen = attention(loaded, module.TEXT if text is None else text)
        if seen.cut:
            session.progress.note("the text is longer than the model allows, and was cut")
        form = Opened(model, loaded.tokenizer).form
        asked = Wanted(**wanted)  # type: ignore[arg-type]
        chapter = module.real(choose(str(model), seen, asked, module, form), loaded)
    if session.json:
        session.console.json(chapter_json(chapter))
        return
    from tokpipe.inspection.terminal.chapter import chapter_renderable

    session.console.rich().print(chapter_renderable(chapter))
