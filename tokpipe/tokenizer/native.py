"""The models that are ours, behind the interface that `Tokenizer` calls."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.decoding import decode_tokens
from tokpipe.tokenizer.detail import Detail
from tokpipe.tokenizer.encoding import Encoding, apply_template, truncate_pair
from tokpipe.tokenizer.engine import Engine, Ids, without_line_ends
from tokpipe.tokenizer.spec import Spec, Truncation


class Backend(Protocol):
    """What runs a tokenizer: `NativeBackend`, or `foreign.ForeignBackend`."""

    def encode(
        self, text: str, pair: str | None, add_special_tokens: bool, cut: Truncation | None
    ) -> Encoding:
        """Encode a text or a pair, truncated, with its template, not padded."""
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
        self._detail = Detail(spec, self.engine)
        self._tokens = spec.all_tokens
        self._special_ids = frozenset(t.id for t in spec.added_tokens if t.special)

    def encode(
        self, text: str, pair: str | None, add_special_tokens: bool, cut: Truncation | None
    ) -> Encoding:
        """Encode a text or a pair, truncated, with its template, not padded."""
        first = self._detail.encode(text)
        second = None if pair is None else self._detail.encode(pair)
        template = self.spec.template
        if cut:
            added = template.added(second is not None) if add_special_tokens else 0
            first, second = truncate_pair(first, second, cut, added)
        return apply_template(template, first, second, add_special_tokens)

    def encode_strings(self, texts: Strings, threads: int | None, line_ends: bool) -> list[Ids]:
        """Encode texts to ids, without special tokens around them."""
        if self.engine.finds_all:
            return self.engine.encode(texts, threads, line_ends=line_ends)
        texts = texts if line_ends else without_line_ends(texts)
        found = [self._detail.encode(text.decode()).ids for text in texts.iter_bytes()]
        borders = np.cumsum([0] + [len(ids) for ids in found], dtype=np.int64)
        return [(np.array([i for ids in found for i in ids], np.int32), borders)]

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        """Turn ids into text."""
        size, skipped = len(self._tokens), self._special_ids if skip_special_tokens else ()
        tokens = [self._tokens[i] for i in ids if 0 <= i < size and i not in skipped]
        return decode_tokens(tokens, self.spec.decoder)
