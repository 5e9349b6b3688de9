"""`encode` by other processes: each leaves a part of the output beside it; they are put together.

Where the output will stand, in a folder or in a store, ``.NAME.partial/`` holds the parts until all
of it is there: a stopped command goes on from them.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from tokpipe.cli.command import Session
from tokpipe.cli.encoding import How, encode_into, say_what_it_means, words_seen, writer_of
from tokpipe.cli.sink import opened_output
from tokpipe.cli.token_writers import ARROW_SCHEMA
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import nothing_to_read, open_corpus
from tokpipe.corpus.spans import Span, spans_of
from tokpipe.corpus.workers import Workers
from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.folders import working_folder
from tokpipe.foundation.hub import path_from_afar
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.shared_files import (
    at_hand,
    names_in,
    size_of,
    write_shared_json,
    written_whole,
)
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.version import __version__
from tokpipe.shards.vocabulary import load_vocabulary, same_vocabulary
from tokpipe.shards.writer import END_MARK
from tokpipe.tokenizer.tokenizer import Tokenizer

_CHUNK = 1 << 20  # bytes that are copied at a time


@dataclass(frozen=True)
class _Order:
    """What all items have in common."""

    place: Path  # all workers see it; it may be in a store
    tokenizer: Path
    tokenizer_sha256: str
    read: ReadConfig
    how: How

    def path(self, span: Span) -> Path:
        return self.place / f"{span.start:x}-{span.stop or 0:x}.part"


class _Made(NamedTuple):
    """What is known of a part."""

    size: int
    pieces: int
    # `words`, `unknown`: as `words_seen` says
    words: int
    unknown: int
    tally: dict[str, int]  # of the reading


def encode_by_workers(
    session: Session,
    workers: Workers,
    source: tuple[tuple[str, ...], ReadConfig],
    tokenizer: Path,
    target: tuple[str, How],
    progress: Progress,
) -> None:
    """Encode a whole corpus into a file.

    Raises
    ------
    InputError
        If the corpus can be read by one process only, or not as asked.
    """
    output, how = target
    vocabulary = load_vocabulary(tokenizer)
    corpus = open_corpus(*source)
    identity = {
        "version": __version__,
        "read": source[1].to_dict(),
        "how": asdict(how),
        "inputs": workers.digest(corpus),
        "tokenizer": vocabulary.digest,
    }
    is_arrow = how.kind == "arrow"
    real = Path(os.path.realpath(output)) if address_of(output) is None else Path(output)
    with (
        opened_output(output, force=session.force, binary=is_arrow) as file,
        working_folder(real, force=session.force, identity=identity) as place,
    ):
        order = _Order(place, path_from_afar(tokenizer), vocabulary.digest, source[1], how)
        workers.look(place, corpus.files)
        there = names_in(place)
        spans = spans_of(corpus.files, how.piece_bytes)
        file.write(ARROW_SCHEMA.serialize() if is_arrow else b"")
        whole = _Made(0, 0, 0, 0, dict(corpus.tally))
        with progress.task("encoding", corpus.stored_bytes or None, "B") as advance:
            work, is_done = partial(_encode, order=order), partial(_is_made, order, there)
            for span in workers.done(work, spans, is_done):
                made = _read(order, span)
                _append(file, order.path(span), made.size, is_arrow)
                whole = _sum(whole, made)
                advance(span.stored_bytes)
        if not whole.pieces:
            raise nothing_to_read(corpus)
        file.write(END_MARK if is_arrow else b"")
    for what, count in whole.tally.items():
        session.progress.note(f"{what}: {count:,}")
    say_what_it_means(session, vocabulary.tokenizer, (whole.words, whole.unknown))


def _encode(span: Span, order: _Order) -> None:
    """Write a part of the output, and then what is known of it; on a worker."""
    tokenizer, path = _tokenizer(order.tokenizer, order.tokenizer_sha256), order.path(span)
    seen, how = np.zeros(tokenizer.vocab_size, np.int64), order.how
    corpus, pieces = span.pieces(order.read, how.piece_bytes)
    with written_whole(path) as draft, storage_errors(draft), draft.open("wb") as file:
        writer = writer_of(file, how.kind, tokenizer)
        count = sum(1 for _ in encode_into(writer, tokenizer, pieces, seen, how, 1))
        writer.close()
        size = file.tell()
    made = _Made(size, count, *words_seen(tokenizer, seen), corpus.tally)
    content = made._asdict()
    write_shared_json(path.with_suffix(".json"), {**content, "sha256": _seal(content)})


def _read(order: _Order, span: Span) -> _Made:
    path = order.path(span)
    try:
        with at_hand(path.with_suffix(".json")) as record:
            content = json.loads(record.read_text("utf-8"))
        is_whole = content.pop("sha256") == _seal(content)
        made = _Made(**content)
        if is_whole and size_of(path) == made.size:
            return made
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass
    raise ArtifactError(f"{path}: no part of the output", hint="Pass --force to start over.")


def _is_made(order: _Order, there: set[str], span: Span) -> bool:
    try:
        return order.path(span).name in there and bool(_read(order, span))
    except ArtifactError:
        return False


def _seal(content: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _append(file: BinaryIO, path: Path, size: int, is_arrow: bool) -> None:
    """Copy a part behind those before it; a stream of Arrow has one schema, and one end."""
    begin = len(ARROW_SCHEMA.serialize()) if is_arrow else 0
    end = size - len(END_MARK) if is_arrow else size
    with at_hand(path) as copy, copy.open("rb") as part:
        part.seek(begin)
        for chunk in _chunks(part, end - begin):
            file.write(chunk)


def _chunks(part: BinaryIO, left: int) -> Iterator[bytes]:
    while left > 0 and (chunk := part.read(min(_CHUNK, left))):
        yield chunk
        left -= len(chunk)


def _sum(whole: _Made, made: _Made) -> _Made:
    tally = Counter(whole.tally)
    tally.update(made.tally)
    counts = (a + b for a, b in zip(whole[:4], made[:4], strict=True))
    return _Made(*counts, tally=dict(tally))


@lru_cache(maxsize=1)
def _tokenizer(path: Path, sha256: str) -> Tokenizer:
    return same_vocabulary(path, sha256).tokenizer
