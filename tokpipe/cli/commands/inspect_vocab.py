"""`tokpipe inspect vocab`: what a vocabulary consists of, and how it fares on a corpus."""

from collections.abc import Sequence
from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import MODEL, config_options
from tokpipe.corpus.config import ReadConfig


@command(
    name="vocab",
    examples=[
        "tokpipe inspect vocab out/wp",
        "tokpipe inspect vocab out/wp --corpus corpus.txt",
    ],
)
@click.argument("path", metavar="FOLDER", type=MODEL)
@click.option(
    "--corpus",
    multiple=True,
    metavar="INPUT",
    help="File, folder or glob: count how many of its words stay whole and which tokens it uses.",
)
@config_options(ReadConfig, "read", heading="Reading the corpus")
def inspect_vocab(session: Session, path: Path, corpus: Sequence[str], read: ReadConfig) -> None:
    """Show a vocabulary in figures: model, special tokens, lengths, scripts, merges."""
    from tokpipe.inspection.source import read_source
    from tokpipe.inspection.vocabulary import view_vocabulary, vocabulary_json

    source = read_source(path)
    view = view_vocabulary(str(path), source)
    use = None
    if corpus:
        from tokpipe.inspection.corpus_use import count_corpus_use

        use = count_corpus_use(path, corpus, read, session.threads, session.progress)
    if session.json:
        session.console.json(vocabulary_json(view, use, source))
        return
    from tokpipe.inspection.terminal.vocabulary import corpus_renderable, vocabulary_renderable

    terminal = session.console.rich()
    terminal.print(vocabulary_renderable(view, source.form))
    if use is not None:
        terminal.print()
        terminal.print(corpus_renderable(use, source.form))
