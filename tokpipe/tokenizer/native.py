"""The models that are ours, behind the interface that `Tokenizer` calls."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.decoding import decode_tokens
from tokpipe.tokenizer.encoding import Encoding
from tokpipe.tokenizer.engine import Engine, Ids, text_blocks, without_line_ends
from tokpipe.tokenizer.rows import Finish, RowMaker
from tokpipe.tokenizer.spec import Spec, Truncation
from tokpipe.tokenizer.texts import utf8_of
from tokpipe.tokenizer.tokens import TokenEncoder

_CHUNK_BYTES = 1 << 19  # of text: 20 ms in kernels, and 30 MB of Python objects


class Backend(Protocol):
    """What runs a tokenizer: `NativeBackend`, or `foreign.ForeignBackend`."""

    def encode_batch(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        add_special_tokens: bool,
        cut: Truncation | None,
    ) -> list[Encoding]:
        """Encode each text or pair, truncated, with its template, not padded."""
        ...

    def encode_strings(self, texts: Strings, threads: int | None, line_ends: bool) -> list[Ids]:
        """Encode texts to ids, without special tokens around them."""
        ...

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        """Turn ids into text."""
        ...


class NativeBackend:
    """WordPiece, BPE and byte-level BPE on our kernels."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.engine = Engine(spec)
        self._encoder = TokenEncoder(spec, self.engine)
        self._tokens = spec.all_tokens
        self._rows = RowMaker(self._tokens)
        self._special_ids = frozenset(t.id for t in spec.added_tokens if t.special)

    def encode_batch(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        add_special_tokens: bool,
        cut: Truncation | None,
    ) -> list[Encoding]:
        """Encode each text or pair, truncated, with its template, not padded."""
        finish, done = Finish(self.spec.template, add_special_tokens, cut), []
        for chunk in _chunks(utf8_of(texts, pairs), 1 if pairs is None else 2):
            tokens = self._encoder.encode(chunk)
            done += self._rows.encodings(tokens, 1 if pairs is None else 2, finish)
        return done

    def encode_strings(self, texts: Strings, threads: int | None, line_ends: bool) -> list[Ids]:
        """Encode texts to ids, without special tokens around them."""
        if self.engine.finds_all:
            return self.engine.encode(texts, threads, line_ends=line_ends)
        texts = texts if line_ends else without_line_ends(texts)
        found = []
        for block in text_blocks(texts.offsets):
            start = int(texts.offsets[block.first])
            offsets = texts.offsets[block.first : block.last + 1] - start
            tokens = self._encoder.encode(Strings(texts.data[start:], offsets))
            found.append((tokens.ids, tokens.borders))
        return found

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        """Turn ids into text."""
        skipped = self._special_ids if skip_special_tokens else ()
        tokens = [self._tokens[i] for i in ids if i not in skipped]
        return decode_tokens(list(filter(None, tokens)), self.spec.decoder)  # "": no token has it


def _chunks(texts: Iterator[bytes], together: int) -> Iterator[Strings]:
    """Yield texts in chunks of about `_CHUNK_BYTES`, so many that belong together in one chunk."""
    chunk: list[bytes] = []
    size = 0
    for rows in zip(*[texts] * together, strict=True):
        more = sum(map(len, rows))
        if chunk and size + more > _CHUNK_BYTES:
            yield Strings.from_list(chunk)
            chunk, size = [], 0
        chunk += rows
        size += more
    if chunk:
        yield Strings.from_list(chunk)
