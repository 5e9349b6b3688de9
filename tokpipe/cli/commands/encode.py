"""`tokpipe encode`: lines of text to ids, tokens, JSON lines or Arrow."""

from typing import TYPE_CHECKING, Any, BinaryIO

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import Count, config_options
from tokpipe.cli.sink import opened_output
from tokpipe.corpus.config import ReadConfig

if TYPE_CHECKING:
    from tokpipe.cli.token_writers import Writer
    from tokpipe.corpus.batch import TextBatch
    from tokpipe.foundation.arrays import Strings
    from tokpipe.tokenizer.tokenizer import Tokenizer

_PIECE_BYTES = 16 << 20  # enough for all threads to have work in each
_BY_ENDING = {".arrow": "arrow", ".jsonl": "jsonl"}


@command(
    examples=[
        "tokpipe encode -t out/wp corpus.txt -o ids.arrow",
        'echo "don\'t panic" | tokpipe encode -t out/wp --to tokens',
        "tokpipe encode -t out/wp --to jsonl --offsets notes/*.txt",
    ]
)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option(
    "-t", "--tokenizer", required=True, metavar="PATH", help="Tokenizer folder or tokenizer.json."
)
@click.option("-o", "--output", default="-", metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--to",
    type=click.Choice(["ids", "tokens", "jsonl", "arrow"]),
    help="What to write; by default what the ending of FILE says, else ids.",
)
@click.option(
    "--add-special-tokens/--no-add-special-tokens",
    default=True,
    help="Put the tokenizer's special tokens around each text.  [default: add]",
)
@click.option("--max-length", type=Count(least=1), metavar="N", help="Cut each text to N tokens.")
@click.option("--offsets", is_flag=True, help="With jsonl: also offsets and word ids.")
@config_options(ReadConfig, "read", heading="Reading")
def encode(
    session: Session,
    read: ReadConfig,
    inputs: tuple[str, ...],
    tokenizer: str,
    output: str,
    to: str | None,
    **how: Any,
) -> None:
    """Turn each line of INPUT into the ids of its tokens, in the order of the input.

    INPUT are files, folders or patterns, plain or compressed; without any, stdin. Each line of
    plain text is one text, and so is each row of a table. The line end is no part of it.
    """
    from tokpipe.tokenizer.tokenizer import Tokenizer

    kind = to or _BY_ENDING.get(output[output.rfind(".") :], "ids")
    if how["offsets"] and kind != "jsonl":
        raise click.UsageError("--offsets goes with --to jsonl")
    session.begin_kernels()
    loaded = Tokenizer.load(tokenizer)
    with opened_output(output, force=session.force, binary=kind == "arrow") as file:
        encode_all(session, loaded, (inputs or ("-",), read), (file, kind), how)


def encode_all(
    session: Session,
    tokenizer: "Tokenizer",
    source: tuple[tuple[str, ...], ReadConfig],
    target: tuple[BinaryIO, str],
    how: dict[str, Any],
) -> None:
    """Encode a whole corpus.

    Parameters
    ----------
    session
        Threads and progress.
    tokenizer
        Turns texts into ids.
    source
        Inputs, and how they are read.
    target
        Where to write, and what: "ids", "tokens", "jsonl" or "arrow".
    how
        ``add_special_tokens``, ``max_length``, ``offsets``.
    """
    from tokpipe.corpus.reader import open_corpus

    corpus = open_corpus(*source)
    writer = _writer(*target, tokenizer)
    is_text = all(file.format == "txt" for file in corpus.files)
    one_by_one = how["offsets"] or how["max_length"] is not None
    encode_batch = _encode_slowly if one_by_one else _encode_fast
    with session.progress.task("encoding", corpus.stored_bytes or None, "B") as advance:
        for piece in corpus.pieces(_PIECE_BYTES):
            batch = piece.load()
            texts = without_line_ends(batch) if is_text else batch.texts
            encode_batch(session, tokenizer, texts, writer, how)
            advance(piece.stored_bytes)
    writer.close()
    for what, count in corpus.tally.items():
        session.progress.note(f"{what}: {count:,}")


def _encode_fast(
    session: Session, tokenizer: "Tokenizer", texts: "Strings", writer: "Writer", how: Any
) -> None:
    special = how["add_special_tokens"]
    column = texts.to_arrow()
    ids = tokenizer.encode_arrow(column, add_special_tokens=special, threads=session.threads)
    writer.write(ids)


def _encode_slowly(
    session: Session, tokenizer: "Tokenizer", texts: "Strings", writer: Any, how: Any
) -> None:
    import pyarrow as pa

    lines = [text.decode() for text in texts.iter_bytes()]
    encodings = tokenizer.encode_batch(
        lines, add_special_tokens=how["add_special_tokens"], max_length=how["max_length"]
    )
    if not how["offsets"]:
        writer.write(pa.array([list(e.ids) for e in encodings], pa.list_(pa.int32())))
        return
    for encoding in encodings:
        record = {
            "input_ids": list(encoding.ids),
            "tokens": list(encoding.tokens),
            "offsets": [list(pair) for pair in encoding.offsets],
            "word_ids": list(encoding.word_ids),
        }
        writer.write_record(record)


def without_line_ends(batch: "TextBatch") -> "Strings":
    """Return the lines of plain text without the line feed that each may end in.

    Parameters
    ----------
    batch
        Lines: a line feed stands at the end of a text only.
    """
    import numpy as np

    from tokpipe.foundation.arrays import Strings, padded

    first, last = batch.texts.offsets[0], batch.texts.offsets[-1]
    data = batch.texts.data[first:last]
    kept = data != ord("\n")
    offsets = np.concatenate(([0], np.cumsum(kept)))[batch.texts.offsets - first]
    return Strings(padded(data[kept]), offsets.astype(np.int64))


def _writer(file: BinaryIO, kind: str, tokenizer: "Tokenizer") -> "Writer":
    from tokpipe.cli.token_writers import ArrowStream, IdLines, JsonLines, TokenLines

    if kind == "ids":
        return IdLines(file)
    if kind == "arrow":
        return ArrowStream(file)
    return (JsonLines if kind == "jsonl" else TokenLines)(file, tokenizer.tokens)
