"""`tokpipe embed`: one vector a text."""

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import embedding_plan, open_model, settled
from tokpipe.cli.options import MODEL, config_options
from tokpipe.cli.plan import show_plan
from tokpipe.cli.precision import precision_option, tell_cosines
from tokpipe.cli.ranks import SEVERAL, ranks_of
from tokpipe.cli.sink import form_of, opened_output
from tokpipe.cli.texts import arriving_lines, text_batches
from tokpipe.corpus.config import ReadConfig
from tokpipe.engines.mpi.config import RanksConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.sizes import plural
from tokpipe.tasks.config import EmbedConfig

if TYPE_CHECKING:
    from tokpipe.tasks.embed import Vectors
    from tokpipe.tasks.model import BertModel
    from tokpipe.training.ranks import Ranks

_BY_ENDING = {".npy": "npy", ".parquet": "parquet", ".jsonl": "jsonl"}


@command(
    examples=[
        "tokpipe embed out/run sentences.txt -o vectors.npy",
        "tokpipe embed out/run reviews.jsonl --pooling cls -o vectors.parquet",
        "head -3 sentences.txt | tokpipe embed out/run --layers sum-last-four",
        "tail -f log.txt | tokpipe embed out/run --stream --precision int8",
    ],
    plans=True,
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("-o", "--output", default="-", metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--to",
    type=click.Choice(["npy", "parquet", "jsonl"]),
    help="What to write; by default what the ending of FILE says, else jsonl.",
)
@click.option(
    "--stream",
    is_flag=True,
    help="Take lines of stdin as they come, and write the vectors of each at once.",
)
@precision_option
@config_options(EmbedConfig, "config", heading="Vectors")
@config_options(ReadConfig, "read", heading="Reading")
@config_options(RanksConfig, "ranks", heading=SEVERAL, leave_out=("mpi_dtype",))
def embed(
    session: Session,
    model: Path,
    inputs: tuple[str, ...],
    output: str,
    to: str | None,
    stream: bool,
    precision: str,
    config: EmbedConfig,
    read: ReadConfig,
    ranks: RanksConfig,
) -> None:
    """Turn each line of INPUT into a vector, in the order of the input.

    INPUT are files, folders, patterns or hub:owner/name; without any, stdin. Each line of
    plain text is one text, and so is each row of a table; blank ones are left out.

    Where MODEL is a folder of sentence-transformers, its pooling, normalisation, length, lower case
    and default prompt hold, as in `SentenceTransformer.encode`; an option that says otherwise wins.
    """
    kind = form_of(output, to, _BY_ENDING, "jsonl")
    if session.dry_run:
        show_plan(session, embedding_plan(model, inputs, read, session.threads, output))
        return
    if ranks.engine == "mpi" and "-" in (inputs or ("-",)):
        raise ConfigError(
            "--engine mpi: only one of several processes has a standard input",
            hint="Name files.",
        )
    if stream:
        _check_stream(inputs)
    session.begin_kernels()
    with ranks_of(ranks) as workers:
        loaded = open_model(session, model, "none", precision)
        parts = _arriving() if stream else _stored(session, inputs or ("-",), read)
        _embed(session, loaded, parts, config, (output, kind), workers)


def _check_stream(inputs: tuple[str, ...]) -> None:
    if inputs not in ((), ("-",)):
        raise ConfigError(
            f"--stream takes the lines of standard input: {inputs[0]} is too much",
            hint=f"tail -f {inputs[0]} | tokpipe embed MODEL --stream",
        )


def _arriving() -> Iterator[list[str]]:
    """Yield the lines of standard input as they come, blank ones left out."""
    for lines in arriving_lines(sys.stdin):
        texts = [line for line in lines if line.strip()]
        if texts:
            yield texts


def _stored(session: Session, inputs: tuple[str, ...], read: ReadConfig) -> Iterator[list[str]]:
    """Yield the texts of inputs, and show how far they are read."""
    from tokpipe.corpus.reader import open_corpus

    corpus = open_corpus(inputs, read)
    with session.progress.task("embedding", corpus.stored_bytes or None, "B") as advance:
        for texts, stored_bytes in text_batches(corpus):
            yield texts
            advance(stored_bytes)


def _embed(
    session: Session,
    model: "BertModel",
    parts: Iterator[list[str]],
    config: EmbedConfig,
    target: tuple[str, str],
    ranks: "Ranks",
) -> None:
    from tokpipe.tasks.embed import embed_sequences
    from tokpipe.tasks.vector_settings import prepared

    settings, rows, cut = settled(session, model, config), 0, 0
    with _writing(session, *target, settings.width, ranks) as write:
        for texts in parts:
            found = prepared(model, texts, settings, session.threads)
            vectors = embed_sequences(model, found, settings, threads=session.threads, ranks=ranks)
            write(texts, vectors)
            if not rows and not ranks.rank:
                tell_cosines(session, model, texts, settings)
            rows, cut = rows + len(texts), cut + found.cut
    session.progress.note(f"{plural(rows, 'vector')} of {settings.width:,} numbers")
    if cut:
        session.progress.note(f"texts too long for the model, cut: {cut:,}")


@contextmanager
def _writing(
    session: Session, output: str, kind: str, width: int, ranks: "Ranks"
) -> Generator[Callable[..., None], None, None]:
    """Open the output, at the first rank; the others write nothing."""
    if ranks.rank:
        yield lambda texts, vectors: None
        return
    from tokpipe.cli.vector_writers import WRITERS

    with opened_output(output, force=session.force, binary=kind != "jsonl") as file:
        writer = WRITERS[kind](file, width)

        def write(texts: Sequence[str], vectors: "Vectors") -> None:
            writer.write(texts, vectors)
            file.flush()  # somebody may wait for them

        yield write
        writer.close()
