"""`tokpipe nearest`: words or sentences that a model puts near others."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL, Count, config_options
from tokpipe.cli.texts import text_batches
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.tasks.config import EmbedConfig

if TYPE_CHECKING:
    from tokpipe.tasks.model import BertModel
    from tokpipe.tasks.nearest import Neighbour


@command(
    examples=[
        "tokpipe nearest out/run harbour ferry",
        "tokpipe nearest out/run --analogy cat kitten dog",
        'tokpipe nearest out/run --among sentences.txt "The ship left the harbour."',
    ]
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("queries", nargs=-1, metavar="[QUERY]...")
@click.option(
    "--analogy",
    nargs=3,
    metavar="A B C",
    help="Words that are to C as B is to A: near B - A + C.",
)
@click.option(
    "--among",
    multiple=True,
    metavar="INPUT",
    help="Look among the lines of these files, by sentence vectors, and not among words.",
)
@click.option(
    "-k", "--top-k", type=Count(least=1), metavar="N", default=10, help="How many.  [default: 10]"
)
@config_options(EmbedConfig, "config", heading="Vectors of sentences")
@config_options(ReadConfig, "read", heading="Reading")
def nearest(
    session: Session,
    model: Path,
    queries: tuple[str, ...],
    analogy: tuple[str, str, str] | None,
    among: tuple[str, ...],
    top_k: int,
    config: EmbedConfig,
    read: ReadConfig,
) -> None:
    """Show which words of the vocabulary lie nearest to each QUERY, a word.

    Words are compared by the vectors that go into the first layer. With --among, QUERY are
    sentences, compared by their vectors with the lines of other files; the vectors are those of
    `tokpipe embed`.
    """
    if not queries and not analogy:
        raise ConfigError("There is nothing to look for", hint="Give a QUERY, or --analogy A B C.")
    if queries and analogy:
        raise ConfigError(f"--analogy takes three words; {queries[0]!r} is one more")
    if among and analogy:
        raise ConfigError("--analogy is for words, --among for sentences", hint="Give one of them.")
    session.begin_kernels()

    loaded = open_model(session, model, "none")
    if among:
        found = _sentences(session, loaded, queries, (among, read), config, top_k)
    else:
        found = _words(loaded, queries, analogy, top_k)
    _show(session, found)


def _words(
    model: "BertModel",
    queries: Sequence[str],
    analogy: tuple[str, str, str] | None,
    top: int,
) -> "dict[str, list[Neighbour]]":
    from tokpipe.tasks.nearest import WordVectors

    vectors = WordVectors(model)
    if analogy:
        one, two, three = analogy
        return {f"{two} - {one} + {three}": vectors.analogy(one, two, three, top)}
    return {query: vectors.nearest([query], top) for query in queries}


def _sentences(
    session: Session,
    model: "BertModel",
    queries: Sequence[str],
    source: tuple[tuple[str, ...], ReadConfig],
    config: EmbedConfig,
    top: int,
) -> "dict[str, list[Neighbour]]":
    from tokpipe.corpus.reader import open_corpus
    from tokpipe.tasks.embed import embed_texts
    from tokpipe.tasks.nearest import nearest_texts

    corpus = open_corpus(*source)
    texts = [text for batch, _ in text_batches(corpus) for text in batch]
    vectors = embed_texts(model, texts, config, threads=session.threads, progress=session.progress)
    wanted = embed_texts(model, queries, config, threads=session.threads)
    return dict(zip(queries, nearest_texts(wanted, vectors, texts, top), strict=True))


def _show(session: Session, found: "dict[str, list[Neighbour]]") -> None:
    if session.json:
        session.console.json(
            [
                {"query": query, "nearest": [n._asdict() for n in near]}
                for query, near in found.items()
            ]
        )
        return
    from tokpipe.inspection.terminal.model import scores_renderable

    terminal = session.console.rich()
    for number, (query, near) in enumerate(found.items()):
        if number:
            terminal.print()
        rows = [(neighbour.text, neighbour.score) for neighbour in near]
        terminal.print(scores_renderable(query, rows, percent=False))
