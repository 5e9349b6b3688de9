"""`tokpipe encode`: lines of text to ids, tokens, JSON lines or Arrow."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.engines import engine_options, open_workers
from tokpipe.cli.options import Count, config_options, tokenizer_option
from tokpipe.cli.plan import encoding_plan, show_plan
from tokpipe.cli.sink import form_of, opened_output, refuse_stream
from tokpipe.corpus.config import ReadConfig
from tokpipe.engines.config import EngineConfig
from tokpipe.foundation.files import refuse_existing_file

if TYPE_CHECKING:
    from tokpipe.cli.encoding import How

_BY_ENDING = {".arrow": "arrow", ".jsonl": "jsonl"}


@command(
    examples=[
        "tokpipe encode -t out/wp corpus.txt -o ids.arrow",
        'echo "don\'t panic" | tokpipe encode -t out/wp --to tokens',
        "tokpipe encode -t out/wp --to jsonl --offsets notes/*.txt",
    ],
    plans=True,
)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@tokenizer_option
@click.option("-o", "--output", default="-", metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--to",
    type=click.Choice(["ids", "tokens", "jsonl", "arrow"]),
    help="What to write; by default what the ending of FILE says, else ids, or jsonl with --json.",
)
@click.option(
    "--add-special-tokens/--no-add-special-tokens",
    default=True,
    help="Put the tokenizer's special tokens around each text.  [default: add]",
)
@click.option("--max-length", type=Count(least=1), metavar="N", help="Cut each text to N tokens.")
@click.option("--offsets", is_flag=True, help="With jsonl: also offsets and word ids.")
@config_options(ReadConfig, "read", heading="Reading")
@engine_options
def encode(
    session: Session,
    read: ReadConfig,
    engine: EngineConfig,
    inputs: tuple[str, ...],
    tokenizer: Path,
    output: str,
    to: str | None,
    **how: Any,
) -> None:
    """Turn each line of INPUT into the ids of its tokens, in the order of the input.

    INPUT are files, folders, patterns, here or in a store (s3://, gs://, az://, hf://), or
    hub:owner/name; without any, stdin. FILE may be in a store, too. Each line of plain text is
    one text, and so is each row of a table. The line end is no part of it.
    """
    kind = form_of(output, to, _BY_ENDING, "jsonl" if session.json else "ids")
    if how["offsets"] and kind != "jsonl":
        raise click.UsageError("--offsets goes with --to jsonl")
    if session.dry_run:
        threads = engine.workers or session.threads
        show_plan(session, encoding_plan(inputs or ("-",), read, threads, output), engine)
        return
    if engine.engine == "dask":
        refuse_stream(output)
        refuse_existing_file(Path(output), force=session.force)
    session.begin_kernels(keeps="what is encoded is kept" if engine.engine == "dask" else "")
    from tokpipe.cli.encoding import How

    asked = How(kind=kind, **how)
    with open_workers(session, engine) as (workers, progress):
        source = (inputs or ("-",), read)
        if workers is None:
            _encode_by_threads(session, tokenizer, source, (output, asked))
        else:
            from tokpipe.cli.spread_encoding import encode_by_workers

            encode_by_workers(session, workers, source, tokenizer, (output, asked), progress)


def _encode_by_threads(
    session: Session,
    tokenizer: Path,
    source: tuple[tuple[str, ...], ReadConfig],
    target: tuple[str, "How"],
) -> None:
    """Encode a whole corpus in this process."""
    import numpy as np

    from tokpipe.cli.encoding import encode_into, say_what_it_means, words_seen, writer_of
    from tokpipe.corpus.reader import open_corpus
    from tokpipe.tokenizer.files import threads_for
    from tokpipe.tokenizer.tokenizer import Tokenizer

    (output, how), loaded = target, Tokenizer.load(tokenizer)
    with opened_output(output, force=session.force, binary=how.kind == "arrow") as file:
        corpus = open_corpus(*source)
        writer, seen = writer_of(file, how.kind, loaded), np.zeros(loaded.vocab_size, np.int64)
        threads = threads_for(corpus, session.threads, how.piece_bytes)
        pieces = corpus.pieces(how.piece_bytes)
        with session.progress.task("encoding", corpus.stored_bytes or None, "B") as advance:
            for stored_bytes in encode_into(writer, loaded, pieces, seen, how, threads):
                advance(stored_bytes)
        writer.close()
        for what, count in corpus.tally.items():
            session.progress.note(f"{what}: {count:,}")
        say_what_it_means(session, loaded, words_seen(loaded, seen))
