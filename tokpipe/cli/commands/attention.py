"""`tokpipe attention`: who looks at whom in a model, head by head."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL
from tokpipe.cli.pages import check_page, page_option, write_page
from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.config import ATTENTION_VIEWS

if TYPE_CHECKING:
    from tokpipe.tasks.model import BertModel

_SIDES = click.Choice(["a", "b"])


@command(
    examples=[
        'tokpipe attention out/run "The dog sat on the mat."',
        'tokpipe attention out/run "The dog sat on the mat." --view head --token dog --head all',
        'tokpipe attention out/run "The dog sat." "It was tired." --view head --from b --to a',
        'tokpipe attention out/run "The dog sat on the mat." --view neuron --layer 1 --token sat',
        'tokpipe attention out/run "The dog sat on the mat." --html attention.html',
        "tokpipe attention out/run --corpus sentences.txt --json",
    ],
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("text", metavar="[TEXT]", required=False)
@click.argument("second", metavar="[TEXT]", required=False)
@click.option(
    "--view",
    type=click.Choice([*ATTENTION_VIEWS]),
    help="All heads as small maps; to whom tokens look; or how a weight comes about.  "
    "[default: model]",
)
@click.option("--layer", type=int, metavar="N", help="Which layer, from 1; -1 is the last.")
@click.option("--head", metavar="N|mean|all", help="Which head, from 1; their mean; or all.")
@click.option("--token", metavar="TOKEN", help="The token that looks: its place from 0, or itself.")
@click.option("--from", "from_", type=_SIDES, help="Of a pair: the text whose tokens look.")
@click.option("--to", type=_SIDES, help="Of a pair: the text whose tokens are looked at.")
@click.option("--numbers", is_flag=True, help="Print the numbers of --view neuron, not signs.")
@page_option("Write one page, of a TEXT with all three views.")
@click.option("--exact", is_flag=True, help="Keep all digits on that page; it is larger.")
@click.option("--corpus", metavar="FILE", help="What heads do over all lines of FILE, as a table.")
def attention(
    session: Session,
    model: Path,
    text: str | None,
    second: str | None,
    view: str | None,
    html: str | None,
    exact: bool,
    corpus: str | None,
    **wanted: object,
) -> None:
    """Show which tokens of TEXT, or of a pair of them, look at which in MODEL.

    Each head of each layer shares out the attention of a token: weights that add up to 1. The view
    "model" has all heads at a glance, with what each does most; "head", to whom tokens look in one
    layer; "neuron", how the query of a token and the keys of all make its weights. Layers and heads
    count from 1, places of tokens from 0.
    """
    _check({"view": view, "html": html, "exact": exact, **wanted}, text, corpus)
    check_page(session, html)
    session.begin_kernels()
    loaded = open_model(session, model, "none")
    if corpus is not None:
        _show_corpus(session, model, loaded, corpus, html)
        return
    assert text is not None
    from tokpipe.inspection.attention import Wanted, choose
    from tokpipe.inspection.opening import Opened
    from tokpipe.tasks.attention import attention as look

    seen, module = look(loaded, text, second), import_module(ATTENTION_VIEWS[view or "model"])
    if seen.cut:
        session.progress.note("the text is longer than the model allows, and was cut")
    form = Opened(model, loaded.tokenizer).form
    chosen = choose(str(model), seen, Wanted(**wanted), module, form)  # type: ignore[arg-type]
    if html is not None:
        from tokpipe.inspection.attention_page import attention_page

        how = {"exact": exact, "threads": session.threads}
        write_page(session, html, attention_page(chosen, view or "model", **how))
    if session.json:
        session.console.json(module.content(chosen))
    elif html is None:
        session.console.rich().print(module.renderable(chosen))


def _check(asked: dict[str, object], text: str | None, corpus: str | None) -> None:
    """Refuse what does not go together."""
    given = [name for name, value in asked.items() if value is not None and value is not False]
    if (text is None) == (corpus is None):
        raise ConfigError("attention looks at a TEXT or at a --corpus, at one of the two")
    alone = [name for name in given if name != "html"]
    if corpus is not None and alone:
        raise ConfigError(f"--{alone[0].strip('_')} says nothing with --corpus")
    if asked["exact"] and asked["html"] is None:
        raise ConfigError("--exact says nothing without --html")


def _show_corpus(
    session: Session, model: Path, loaded: "BertModel", corpus: str, html: str | None
) -> None:
    from tokpipe.cli.texts import text_batches
    from tokpipe.corpus.config import ReadConfig
    from tokpipe.corpus.reader import open_corpus
    from tokpipe.inspection.terminal.attention_corpus import corpus_json, corpus_renderable
    from tokpipe.tasks.attention_corpus import corpus_attention

    opened = open_corpus((corpus,), ReadConfig())
    with session.progress.task("looking", opened.stored_bytes or None, "B") as advance:

        def parts():
            for texts, stored_bytes in text_batches(opened):
                yield texts
                advance(stored_bytes)

        found = corpus_attention(loaded, parts(), threads=session.threads)
    if found.cut:
        session.progress.note(f"texts too long for the model, cut: {found.cut:,}")
    if session.json:
        session.console.json(corpus_json(str(model), found))
    if html is not None:
        from tokpipe.inspection.corpus_page import corpus_page

        write_page(session, html, corpus_page(str(model), found))
    elif not session.json:
        session.console.rich().print(corpus_renderable(str(model), found))
