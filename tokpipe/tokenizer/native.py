"""The models that are ours, behind the interface that `Tokenizer` calls."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, padded
from tokpipe.tokenizer.blocks import BLOCK_BYTES, Ids, text_blocks, without_line_ends
from tokpipe.tokenizer.decoding import decode_tokens
from tokpipe.tokenizer.encoding import Encoding
from tokpipe.tokenizer.engine import Engine
from tokpipe.tokenizer.rows import Finish, Rows, Vocabulary
from tokpipe.tokenizer.spec import Spec, Truncation
from tokpipe.tokenizer.texts import Inputs
from tokpipe.tokenizer.tokens import TokenEncoder, Tokens, joined_words

_CHUNK_BYTES = 1 << 19  # of text: 20 ms in kernels, and 30 MB of Python objects


class Backend(Protocol):
    """What runs a tokenizer: `NativeBackend`, or `foreign.ForeignBackend`."""

    def encode_batch(
        self, inputs: Inputs, add_special_tokens: bool, cut: Truncation | None
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
        self._vocabulary = Vocabulary(self._tokens)
        self._special_ids = frozenset(t.id for t in spec.added_tokens if t.special)

    def encode_batch(
        self, inputs: Inputs, add_special_tokens: bool, cut: Truncation | None
    ) -> list[Encoding]:
        """Encode each text or pair, truncated, with its template, not padded."""
        finish, done = Finish(self.spec.template, add_special_tokens, cut), []
        for strings, counts in _chunks(inputs):
            found, detail = self._encode_chunk(strings)
            if inputs.are_split:
                texts = np.concatenate([[0], np.cumsum(counts)])
                found, detail = (found[0], found[1][texts]), partial(_of_words, detail, texts)
            rows = Rows(found, detail, inputs.per_row, finish, self._vocabulary)
            done += rows.encodings()
        return done

    def _encode_chunk(self, texts: Strings) -> tuple[Ids, Callable[[], Tokens]]:
        """Return ids and borders of texts, and what gives the rest: it takes five times as long."""
        if not self.engine.finds_all:
            tokens = self._encoder.encode(texts)
            return (tokens.ids, tokens.borders), lambda: tokens
        with self.engine.cache() as cache:
            found = self.engine.encode_block(texts, cache, line_ends=True)
        return found, partial(self._encoder.encode, texts)

    def encode_strings(self, texts: Strings, threads: int | None, line_ends: bool) -> list[Ids]:
        """Encode texts to ids, without special tokens around them."""
        if self.engine.finds_all:
            return self.engine.encode(texts, threads, line_ends=line_ends)
        texts = texts if line_ends else without_line_ends(texts)
        blocks = text_blocks(texts.offsets, BLOCK_BYTES)
        found = [self._encoder.encode(_part(texts, first, last)) for first, last in blocks]
        return [(tokens.ids, tokens.borders) for tokens in found]

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        """Turn ids into text."""
        skipped = self._special_ids if skip_special_tokens else ()
        tokens = [self._tokens[i] for i in ids if i not in skipped]
        return decode_tokens(list(filter(None, tokens)), self.spec.decoder)  # "": no token has it


def _chunks(inputs: Inputs) -> Iterator[tuple[Strings, NDArray[np.int64]]]:
    """Yield texts, or their words, in chunks of some size, and how many each text has."""
    utf8, counts = inputs.utf8()
    sizes = np.fromiter(map(len, utf8), np.int64, len(utf8))
    strings = Strings(padded(b"".join(utf8)), np.concatenate([[0], np.cumsum(sizes)]))
    texts, step = np.concatenate([[0], np.cumsum(counts)]), inputs.per_row
    for first, last in text_blocks(strings.offsets[texts[::step]], _CHUNK_BYTES):
        own = slice(first * step, last * step)
        yield _part(strings, texts[own.start], texts[own.stop]), counts[own]


def _part(texts: Strings, first: int, last: int) -> Strings:
    """Return some of the texts, beginning their data."""
    start = int(texts.offsets[first])
    return Strings(texts.data[start:], texts.offsets[first : last + 1] - start)


def _of_words(detail: Callable[[], Tokens], texts: NDArray[np.int64]) -> Tokens:
    return joined_words(detail(), texts)
