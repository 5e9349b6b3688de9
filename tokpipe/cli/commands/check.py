"""`tokpipe check`: what is wrong with a folder, before it wastes hours."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import config_options
from tokpipe.cli.settings import read_settings, wrong_values
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import ConfigError

if TYPE_CHECKING:
    from tokpipe.inspection.check.finding import Checked


@command(
    examples=[
        "tokpipe check out/wp",
        "tokpipe check out/wp --corpus corpus.txt",
        "tokpipe check out/shards",
        "tokpipe check out/run",
        "tokpipe check vocab.txt",
        "tokpipe check tokpipe.toml",
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
    """Look for faults in a tokenizer or one of its files, counts, shards, a model, a tokpipe.toml.

    Ids that repeat or leave gaps, special tokens that are missing or differ between files, merges
    that lead nowhere, pieces that no text can reach, files that are not as their manifest says,
    masks, labels and ids of training data that cannot be right, tensors that are missing, misshapen
    or not finite, settings that nobody knows.

    Exits with 0 if there is no error and no warning, with 1 otherwise.
    """
    from tokpipe.inspection.check.finding import problems

    if path.suffix == ".toml":
        found = [_check_settings(path)]
    else:
        from tokpipe.inspection.check.folder import check_path

        found = check_path(path)
    if corpus:
        from tokpipe.inspection.corpus_use import check_corpus

        found[-1].findings.extend(
            check_corpus(path, corpus, read, session.threads, session.progress)
        )
    if session.json:
        session.console.json([asdict(checked) for checked in found])
    else:
        from tokpipe.inspection.terminal.check import findings_renderable

        terminal = session.console.rich()
        for checked in found:
            terminal.print(findings_renderable(checked.name, checked.about, checked.findings))
    return int(any(problems(checked.findings) for checked in found))


def _check_settings(path: Path) -> "Checked":
    from tokpipe.inspection.check.finding import ERROR, Checked, Finding

    findings = []
    try:
        context = click.get_current_context()
        for place, problem in wrong_values(read_settings(str(path), context), context):
            findings.append(Finding(ERROR, place, problem))
    except ConfigError as error:
        place, _, problem = error.problem.partition(": ")
        findings.append(Finding(ERROR, place, problem, error.hint))
    return Checked(str(path), "settings", findings)
