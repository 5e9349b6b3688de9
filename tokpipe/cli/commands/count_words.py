"""`tokpipe count-words`: texts to a folder of word counts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.engines import counter, engine_options
from tokpipe.cli.options import Bytes, config_options
from tokpipe.cli.plan import counting_plan, show_plan
from tokpipe.cli.words_options import words_config, words_options
from tokpipe.corpus.config import ReadConfig
from tokpipe.engines.config import EngineConfig
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.folders import UNFINISHED, build_folder
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.version import __version__

if TYPE_CHECKING:
    from tokpipe.words.counts import WordCounts


@command(
    examples=[
        "tokpipe count-words corpus/ -o counts",
        "tokpipe count-words wiki.txt.xz -o counts --model byte-bpe --memory 1GB",
    ],
    plans=True,
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--model",
    type=click.Choice(["wordpiece", "bpe", "byte-bpe"]),
    default="wordpiece",
    help="Which kind of vocabulary the counts are for.  [default: wordpiece]",
)
@click.option(
    "--memory", type=Bytes(), metavar="SIZE", help="Most memory to take; more goes to disk."
)
@words_options
@config_options(ReadConfig, "read", heading="Reading")
@engine_options
def count_words(
    session: Session,
    inputs: tuple[str, ...],
    output: str,
    model: str,
    memory: int | None,
    words: dict[str, Any],
    read: ReadConfig,
    engine: EngineConfig,
) -> None:
    """Count the words of INPUT once, to train any number of vocabularies from them.

    INPUT are files, folders, patterns, here or in a store (s3://, gs://, az://, hf://), or
    hub:owner/name; - is stdin. Wherever a folder is named it may be in a store, too. FOLDER
    gets counts.arrow and tokpipe.json. Stop it at any time: the same command goes on.
    """
    config = words_config(model, words)
    if session.dry_run:
        threads = engine.workers or session.threads
        show_plan(session, counting_plan(inputs, read, threads, memory, output), engine)
        return
    identity = {"words": config.to_dict(), "read": read.to_dict(), "version": __version__}
    with build_folder(Path(output), force=session.force, identity=identity) as folder:
        session.begin_kernels(keeps=session.keeps_counts(inputs))
        count, progress = counter(session, engine)  # heavy: after what may refuse
        work = folder / UNFINISHED
        work.mkdir(exist_ok=True)
        counts = count(
            inputs,
            config,
            read,
            threads=session.threads,
            memory=memory,
            progress=progress,
            workdir=work,
        )
        if not len(counts):
            raise InputError("the input holds no word", hint="Is it empty, or only blank?")
        counts.write(folder)
    show_counts(session, counts, output)


def show_counts(session: Session, counts: "WordCounts", output: str) -> None:
    """Print what came of counting: a table, or JSON."""
    facts = {**counts.facts, "unique words": len(counts), "folder": output}
    if session.json:
        session.console.json({name.replace(" ", "_"): value for name, value in facts.items()})
        return
    rows = [
        (name, format_bytes(value) if name == "bytes" else f"{value:,}")
        for name, value in facts.items()
        if isinstance(value, int)
    ]
    session.console.table("Word counts", [*rows, ("folder", output)])
