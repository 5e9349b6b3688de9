"""`tokpipe check`: what is wrong with a folder, before it wastes hours."""

from dataclasses import asdict
from pathlib import Path

import click

from tokpipe.cli.command import Session, command


@command(
    examples=[
        "tokpipe check out/wp",
        "tokpipe check out/wp --json",
        "tokpipe check vocab.txt",
    ]
)
@click.argument("path", type=click.Path(path_type=Path))
def check(session: Session, path: Path) -> int:
    """Look for faults in a tokenizer folder, or in one of its files.

    Ids that repeat or leave gaps, special tokens that are missing or differ between files, merges
    that lead nowhere, pieces that no text can reach, files that a manifest does not know.

    Exits with 0 if there is no error and no warning, with 1 otherwise.
    """
    from tokpipe.inspection.check.finding import problems
    from tokpipe.inspection.check.folder import check_tokenizer

    source, findings = check_tokenizer(path)
    if session.json:
        content = {"path": str(path), "model": source.model, "vocab_size": len(source.ids)}
        session.console.json({**content, "findings": [asdict(found) for found in findings]})
    else:
        from tokpipe.inspection.terminal.check import findings_renderable

        about = f"{source.model}, {len(source.ids):,} tokens"
        session.console.rich().print(findings_renderable(str(path), about, findings))
    return int(problems(findings) > 0)
