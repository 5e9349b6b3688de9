"""A corpus: files in a fixed order, cut into pieces that threads load on their own."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import cast

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.blocks import Block, read_range
from tokpipe.corpus.compression import Source
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.files import Found, InputFile
from tokpipe.corpus.formats import HEAD_BYTES, codec_of
from tokpipe.corpus.inputs import find_inputs
from tokpipe.corpus.jsonl import read_json_lines
from tokpipe.corpus.lines import read_text
from tokpipe.corpus.streams import cut_stream
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.threads import run_in_threads

# Of stored text: about 70 ms of counting at 60 MB/s, so that threads end together and a signal is
# answered soon, while what a piece costs as such (calls, a seek) is spread over many lines
PIECE_BYTES = 4 << 20

_FILES_AHEAD = 8  # of a store, the beginnings of which are fetched before they are asked for
FILE_SHIFT = 32  # index of a piece: number of the file, then number of the piece in it
_LINE_FORMATS: dict[str, Callable[[Block, ReadConfig], TextBatch]] = {
    "txt": read_text,
    "jsonl": read_json_lines,
}

Load = Callable[[], TextBatch]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of the corpus that is loaded at once, by any thread."""

    index: int  # ascending over the corpus, not dense; the same for the same `piece_bytes`
    stored_bytes: int  # how many bytes of `Corpus.stored_bytes` are done with it
    load: Load  # reads and checks it; the heavy part runs without the GIL


class Corpus:
    """Text in files, read as often as asked; `first` is the number of the first of them."""

    def __init__(self, found: Found, config: ReadConfig, first: int = 0) -> None:
        self.files = tuple(found.files)
        self.config = config
        self._first = first
        self.notes = _notes(found)
        self._tally: Counter[str] = Counter()
        if found.skipped:
            self._tally["files skipped"] = found.skipped.total()
        self._lock = threading.Lock()
        self._drained: set[str] = set()

    @property
    def stored_bytes(self) -> int:
        """How many bytes the files hold, as they are stored; nothing for streams and the hub."""
        return sum(file.size for file in self.files)

    @property
    def tally(self) -> dict[str, int]:
        """What was left out or mended so far: "files skipped", and all of `TextBatch.tally`."""
        with self._lock:
            return dict(self._tally)

    def digest(self, threads: int | None = None) -> dict[str, str]:
        """Return the SHA-256 of each file, in hexadecimal digits, by its name.

        Standard input, named pipes and the hub are left out.
        """
        plain = {file.name: file for file in self.files if not file.is_stream}
        parts = run_in_threads(
            lambda feed: {file.name: sha256_of(file) for file in feed}, plain.values(), threads
        )
        digests = {name: digest for part in parts for name, digest in part.items()}
        return {name: digests[name] for name in plain}

    def pieces(self, piece_bytes: int = PIECE_BYTES, *, start: int = 0) -> Iterator[Piece]:
        """Cut the corpus into about so many bytes of text; what comes out never depends on where.

        Pieces with a lower index than `start` are left out, unread where that is possible.

        Raises
        ------
        InputError
            If a compressed file is damaged, a stream is asked for twice, or all of it is empty.
        """
        found = start > 0
        for piece in self.pieces_between(start, None, piece_bytes):
            found = True
            yield piece
        if not found:
            raise nothing_to_read(self)

    def pieces_between(
        self, start: int, stop: int | None, piece_bytes: int = PIECE_BYTES
    ) -> Iterator[Piece]:
        """Cut as `pieces` does; only what has an index from `start` on, and below `stop`.

        There may be none of them. What stands before them in a compressed file is decompressed all
        the same.
        """
        for number, file in enumerate(self.files, self._first):
            if number < start >> FILE_SHIFT:
                continue
            if stop is not None and number << FILE_SHIFT >= stop:
                return
            place = number - self._first
            for ahead in self.files[place + 1 : place + _FILES_AHEAD]:
                if ahead.stored is not None:
                    ahead.stored.expect()
            for part, (stored, load) in enumerate(self._parts(file, piece_bytes)):
                index = (number << FILE_SHIFT) + part
                if stop is not None and index >= stop:
                    return
                if index >= start:
                    yield Piece(index, stored, partial(self._counted, load))

    def _parts(self, file: InputFile, piece_bytes: int) -> Iterator[tuple[int, Load]]:
        if file.is_stream and file.format != "hub":
            self._once(file)
        if can_be_entered(file):
            return self._ranges(file, piece_bytes)
        if file.format in _LINE_FORMATS or file.format in ("csv", "tsv"):
            return self._streamed(file, piece_bytes)
        return self._tables(file, piece_bytes)

    def _ranges(self, file: InputFile, piece_bytes: int) -> Iterator[tuple[int, Load]]:
        read = _LINE_FORMATS[file.format]

        def load(begin: int, end: int) -> TextBatch:
            block = read_range(file, begin, end, self.config.max_line_bytes)
            return read(block, self.config)

        for begin in range(0, file.size, piece_bytes):
            end = min(file.size, begin + piece_bytes)
            yield end - begin, partial(load, begin, end)

    def _streamed(self, file: InputFile, piece_bytes: int) -> Iterator[tuple[int, Load]]:
        with file.open_bytes() as raw:
            source = Source(raw, file.name, file.codec, self.config.max_expansion)
            if file.is_stream:
                source.codec = codec_of(file.name, source.peek(HEAD_BYTES))
            done = 0
            for load in self._loads(file, source.chunks(), piece_bytes):
                yield source.consumed - done, load
                done = source.consumed

    def _loads(self, file: InputFile, chunks: Iterator[bytes], piece_bytes: int) -> Iterator[Load]:
        config = self.config
        if file.format in ("csv", "tsv"):
            # 4 ms, for those alone who have such a file
            from tokpipe.corpus.delimited import read_delimited

            return read_delimited(file.format, chunks, file.name, piece_bytes, config)
        read = _LINE_FORMATS[file.format]
        blocks = cut_stream(chunks, file.name, piece_bytes, config.max_line_bytes)
        return (partial(read, block, config) for block in blocks)

    def _tables(self, file: InputFile, piece_bytes: int) -> Iterator[tuple[int, Load]]:
        from tokpipe.corpus import tables  # pyarrow's readers, which plain text does without

        read = {
            "parquet": tables.read_parquet,
            "arrow": tables.read_arrow,
            "hub": tables.read_hub,
        }[file.format]
        done, waiting = 0, None  # the last one takes what is left
        for stored, load in read(file, piece_bytes, self.config):
            if waiting:
                yield waiting
            stored = min(max(stored, done), file.size)
            waiting, done = (stored - done, load), stored
        if waiting:
            yield waiting[0] + file.size - done, waiting[1]

    def _once(self, file: InputFile) -> None:
        if file.is_stream and file.name in self._drained:
            raise InputError(f"{file.name}: a stream can be read only once")
        self._drained.add(file.name)

    def _counted(self, load: Load) -> TextBatch:
        batch = load()
        if batch.tally:
            with self._lock:
                self._tally.update(batch.tally)
        return batch


def nothing_to_read(corpus: Corpus) -> InputError:
    """Make the error for a corpus of no piece."""
    return InputError(f"{corpus.files[0].name}: nothing to read, the input is empty")


def can_be_entered(file: InputFile) -> bool:
    """Return whether a piece in the middle of a file is found without what stands before it."""
    return file.format in _LINE_FORMATS and not file.codec and not file.is_stream


def open_corpus(inputs: Sequence[str | Path], config: ReadConfig | None = None) -> Corpus:
    """Find the files that the inputs name, as `inputs.find_inputs` takes and refuses them."""
    config = config or ReadConfig()
    return Corpus(find_inputs(inputs, config), config)


def _notes(found: Found) -> tuple[str, ...]:
    notes = []
    if found.skipped:
        kinds = ", ".join(f"{count} {kind}" for kind, count in found.skipped.most_common(5))
        notes.append(f"left out {found.skipped.total()} files of folders ({kinds})")
    again = [name for name, n in Counter(file.name for file in found.files).items() if n > 1]
    if again:
        notes.append(f"named more than once, and read as often: {', '.join(again[:5])}")
    return tuple(notes)


def sha256_of(file: InputFile) -> str:
    """Return the SHA-256 of a file that is no stream, in hexadecimal digits."""
    if file.stored is not None and (known := file.stored.sha256()):
        return known  # of what was read: nothing of it is fetched twice
    with file.open_bytes() as raw:
        return hashlib.file_digest(cast(BufferedReader, raw), "sha256").hexdigest()
