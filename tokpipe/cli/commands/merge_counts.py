"""`tokpipe merge-counts`: folders of word counts to one, their sum."""

from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.commands.count_words import show_counts
from tokpipe.cli.options import Bytes
from tokpipe.cli.plan import merging_plan, show_plan
from tokpipe.foundation.folders import UNFINISHED, build_folder


@command(examples=["tokpipe merge-counts counts-a counts-b -o counts"], plans=True)
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--memory", type=Bytes(), metavar="SIZE", help="Most memory to take; more goes to disk."
)
def merge_counts(
    session: Session, folders: tuple[str, ...], output: str, memory: int | None
) -> None:
    """Add up word counts that were made apart, on other days or machines.

    Counts of different normalisation or pre-tokenisation are refused.
    """
    if session.dry_run:
        show_plan(session, merging_plan(folders, output))
        return
    with build_folder(Path(output), force=session.force) as folder:
        session.begin_kernels()
        from tokpipe.words.counts import merge_counts as merge

        work = folder / UNFINISHED
        work.mkdir()
        counts = merge(folders, memory=memory, workdir=work)
        counts.write(folder)
    show_counts(session, counts, output)
