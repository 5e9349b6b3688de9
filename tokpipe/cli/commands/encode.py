"""`tokpipe encode`: lines of text to ids, tokens, JSON lines or Arrow."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import Count, config_options, tokenizer_option
from tokpipe.cli.plan import encoding_plan, show_plan
from tokpipe.cli.sink import opened_output
from tokpipe.corpus.config import ReadConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokpipe.cli.token_writers import Writer
    from tokpipe.corpus.reader import Corpus, Piece
    from tokpipe.tokenizer.encoding import Encoding
    from tokpipe.tokenizer.tokenizer import Tokenizer

_PIECE_BYTES = 1 << 19  # of text whose encodings are Python objects: 30 MB
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
def encode(
    session: Session,
    read: ReadConfig,
    inputs: tuple[str, ...],
    tokenizer: Path,
    output: str,
    to: str | None,
    **how: Any,
) -> None:
    """Turn each line of INPUT into the ids of its tokens, in the order of the input.

    INPUT are files, folders, patterns or hub:owner/name; without any, stdin. Each line of
    plain text is one text, and so is each row of a table. The line end is no part of it.
    """
    kind = to or _BY_ENDING.get(Path(output).suffix, "jsonl" if session.json else "ids")
    if how["offsets"] and kind != "jsonl":
        raise click.UsageError("--offsets goes with --to jsonl")
    if session.dry_run:
        show_plan(session, encoding_plan(inputs or ("-",), read, session.threads, output))
        return
    session.begin_kernels()
    from tokpipe.tokenizer.tokenizer import Tokenizer

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
    """Encode a whole corpus, as "ids", "tokens", "jsonl" or "arrow"."""
    import numpy as np

    from tokpipe.corpus.reader import open_corpus

    corpus = open_corpus(*source)
    writer, seen = _writer(*target, tokenizer), np.zeros(tokenizer.vocab_size, np.int64)
    encode_pieces = _encode_in_full if how["offsets"] else _encode_ids
    with session.progress.task("encoding", corpus.stored_bytes or None, "B") as advance:
        for stored_bytes in encode_pieces(session, tokenizer, corpus, writer, seen, how):
            advance(stored_bytes)
    writer.close()
    for what, count in corpus.tally.items():
        session.progress.note(f"{what}: {count:,}")
    _say_what_it_means(session, tokenizer, seen)


def _encode_ids(
    session: Session,
    tokenizer: "Tokenizer",
    corpus: "Corpus",
    writer: "Writer",
    seen: Any,
    how: Any,
) -> "Iterator[int]":
    """Encode to ids alone, counted in `seen`; yield the stored bytes of each piece done."""
    from tokpipe.foundation.arrays import add_counts
    from tokpipe.tokenizer.files import encode_corpus

    pieces = encode_corpus(
        tokenizer,
        corpus,
        add_special_tokens=how["add_special_tokens"],
        max_length=how["max_length"],
        threads=session.threads,
    )
    for piece in pieces:
        for column in piece.columns:
            writer.write(column)
            add_counts(column.values.to_numpy(), seen)
        yield piece.stored_bytes


def _encode_in_full(
    session: Session, tokenizer: "Tokenizer", corpus: "Corpus", writer: Any, seen: Any, how: Any
) -> "Iterator[int]":
    """Encode to Python objects, for what ids alone do not tell."""
    import numpy as np

    from tokpipe.foundation.threads import map_ordered
    from tokpipe.tokenizer.encoding import pad
    from tokpipe.tokenizer.files import threads_for

    padding = tokenizer.spec.padding

    def encode(piece: "Piece") -> "tuple[list[Encoding], int]":
        batch = piece.load()
        lines = [text.decode() for text in batch.texts.iter_bytes()]
        if batch.is_lines:
            lines = [line.removesuffix("\n") for line in lines]
        encodings = tokenizer.encode_batch(
            lines,
            add_special_tokens=how["add_special_tokens"],
            max_length=how["max_length"],
            padding=False,
        )
        if padding is not None:
            for encoding in encodings:  # as `encode_corpus` fills: each text a batch of its own
                pad([encoding], padding)
        return encodings, piece.stored_bytes

    pieces, threads = (
        corpus.pieces(_PIECE_BYTES),
        threads_for(corpus, session.threads, _PIECE_BYTES),
    )
    for encodings, stored_bytes in map_ordered(encode, pieces, threads):
        for encoding in encodings:
            writer.write_record(_record(encoding))
            seen += np.bincount(encoding.ids, minlength=len(seen))
        yield stored_bytes


def _say_what_it_means(session: Session, tokenizer: "Tokenizer", seen: Any) -> None:
    """Say where padding filled nothing, and that the vocabulary does not fit the text."""
    from tokpipe.shards.vocabulary import token_facts
    from tokpipe.tokenizer.quality import longest_word, unknown_warning

    padding, facts = tokenizer.spec.padding, token_facts(tokenizer)
    if padding and padding.length is None:
        session.progress.note("padding to the longest: each text is a batch of its own")
    if facts.unk_id < 0:
        return
    words, unknown = int(seen[facts.counts_as_word].sum()), int(seen[facts.unk_id])
    warning = unknown_warning(words, unknown, longest=longest_word(tokenizer.spec))
    if warning:
        session.console.warn(warning)


def _record(encoding: "Encoding") -> dict[str, Any]:
    return {
        "input_ids": encoding.ids,
        "tokens": encoding.tokens,
        "offsets": encoding.offsets,  # pairs, which JSON writes as lists
        "word_ids": encoding.word_ids,
    }


def _writer(file: BinaryIO, kind: str, tokenizer: "Tokenizer") -> "Writer":
    from tokpipe.cli.token_writers import ArrowStream, IdLines, JsonLines, TokenLines

    if kind == "ids":
        return IdLines(file)
    if kind == "arrow":
        return ArrowStream(file)
    return (JsonLines if kind == "jsonl" else TokenLines)(file, tokenizer.tokens)
