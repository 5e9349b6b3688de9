"""`tokpipe check`: what is wrong with a folder, before it wastes hours."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import config_options
from tokpipe.corpus.config import ReadConfig


@command(
    examples=[
        "tokpipe check out/wp",
        "tokpipe check out/wp --corpus corpus.txt",
        "tokpipe check vocab.txt",
    ]
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--corpus",
    multiple=True,
    metavar="INPUT",
    help="File, folder or glob: look for characters in it that the vocabulary has no token for.",
)
@config_options(ReadConfig, "read", heading="Reading the corpus")
def check(session: Session, path: Path, corpus: Sequence[str], read: ReadConfig) -> int:
    """Look for faults in a tokenizer folder, or in one of its files.

    Ids that repeat or leave gaps, special tokens that are missing or differ between files, merges
    that lead nowhere, pieces that no text can reach, files that a manifest does not know.

    Exits with 0 if there is no error and no warning, with 1 otherwise.
    """
    from tokpipe.inspection.check.finding import problems
    from tokpipe.inspection.check.folder import check_tokenizer

    source, findings = check_tokenizer(path)
    if corpus:
        from tokpipe.inspection.corpus_use import check_corpus

        findings += check_corpus(path, corpus, read, session.threads, session.progress)
    if session.json:
        content = {"path": str(path), "model": source.model, "vocab_size": len(source.ids)}
        session.console.json({**content, "findings": [asdict(found) for found in findings]})
    else:
        from tokpipe.inspection.terminal.check import findings_renderable

        about = f"{source.model}, {len(source.ids):,} tokens"
        session.console.rich().print(findings_renderable(str(path), about, findings))
    return int(problems(findings) > 0)
