"""`tokpipe decode`: ids back to text."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import tokenizer_option
from tokpipe.cli.sink import goes_to_terminal, opened_output
from tokpipe.cli.token_readers import kind_of, read_ids
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.manifest import verify_beside
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.visible import visible

if TYPE_CHECKING:
    from tokpipe.tokenizer.tokenizer import Tokenizer


@command(
    examples=[
        "tokpipe decode -t out/wp ids.arrow -o text.txt",
        "echo don\\'t panic | tokpipe encode -t out/wp | tokpipe decode -t out/wp",
    ]
)
@click.argument("inputs", nargs=-1, metavar="[FILE]...")
@tokenizer_option
@click.option("-o", "--output", default="-", metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--from",
    "source",
    type=click.Choice(["ids", "jsonl", "arrow"]),
    help="What FILE holds; by default what its ending says, else lines of ids.",
)
@click.option(
    "--to",
    type=click.Choice(["text", "jsonl"]),
    help='Lines of text, or of {"text": ...}, which keeps line ends; by default text, or jsonl '
    "with --json.",
)
@click.option(
    "--skip-special-tokens/--keep-special-tokens",
    default=True,
    help="Leave special tokens out of the text.  [default: skip]",
)
def decode(
    session: Session,
    inputs: tuple[str, ...],
    tokenizer: Path,
    output: str,
    source: str | None,
    to: str | None,
    skip_special_tokens: bool,
) -> None:
    """Turn ids, a text a line, back into text.

    FILE is what `tokpipe encode` writes: lines of ids, JSON lines or an Arrow stream; without any,
    stdin. On a terminal, characters that would act on it are shown as escapes.
    """
    from tokpipe.tokenizer.tokenizer import Tokenizer

    loaded = Tokenizer.load(tokenizer)
    safe, to = goes_to_terminal(output), to or ("jsonl" if session.json else "text")
    with opened_output(output, force=session.force, binary=False) as file:
        for name in inputs or ("-",):
            for text in _texts(loaded, name, source or kind_of(name), skip_special_tokens):
                file.write(_line(text, to, safe=safe))


def _texts(
    tokenizer: "Tokenizer", name: str, kind: str, skip_special_tokens: bool
) -> Generator[str, None, None]:
    size = tokenizer.vocab_size
    with _opened(name) as source:
        for row, ids in enumerate(read_ids(source, name, kind), 1):
            wrong = next((i for i in ids if not 0 <= i < size), None)
            if wrong is not None:
                raise InputError(
                    f"{name}:{row}: id {wrong} is not below {size}, the size of the vocabulary"
                )
            yield tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)


@contextmanager
def _opened(name: str) -> Generator[BinaryIO, None, None]:
    if name == "-":
        yield sys.stdin.buffer
        return
    path = here(name)
    if not path.is_file() and not path.is_fifo():
        raise InputError(f"{name}: no such file", hint="Give a file, or - for standard input.")
    if path.is_file():
        verify_beside(path)
    with path.open("rb") as file:
        yield file


def _line(text: str, to: str, *, safe: bool) -> bytes:
    if to == "jsonl":
        text = json.dumps({"text": text}, ensure_ascii=safe)
    elif safe:
        text = visible(text)
    return text.encode("utf-8", "backslashreplace") + b"\n"
