"""The models that are ours, behind the interface that `Tokenizer` calls."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.batch import BatchEncoder, Finish
from tokpipe.tokenizer.decoding import decode_tokens
from tokpipe.tokenizer.detail import Detail
from tokpipe.tokenizer.encoding import Encoding, apply_template, truncate_pair
from tokpipe.tokenizer.engine import Engine, Ids, without_line_ends
from tokpipe.tokenizer.spec import Spec, Truncation

_BATCH = 4  # texts: fewer are quicker one by one


class Backend(Protocol):
    """What runs a tokenizer: `NativeBackend`, or `foreign.ForeignBackend`."""

    def encode(
        self, text: str, pair: str | None, add_special_tokens: bool, cut: Truncation | None
    ) -> Encoding:
        """Encode a text or a pair, truncated, with its template, not padded."""
        ...

    def encode_batch(
        self, texts: Sequence[str], add_special_tokens: bool, cut: Truncation | None
    ) -> list[Encoding]:
        """Encode each text as `encode` does."""
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
        self._batch = BatchEncoder(spec, self.engine, (self._detail.raw, self._detail.normalized))
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

    def encode_batch(
        self, texts: Sequence[str], add_special_tokens: bool, cut: Truncation | None
    ) -> list[Encoding]:
        """Encode each text as `encode` does, many of them in one call of the kernels."""
        alone = partial(self.encode, pair=None, add_special_tokens=add_special_tokens, cut=cut)
        finish = self._finish(add_special_tokens, cut)
        if finish is None or len(texts) < _BATCH:
            return [alone(text) for text in texts]
        return self._batch.encode(texts, alone, finish)

    def _finish(self, add_special_tokens: bool, cut: Truncation | None) -> Finish | None:
        """Return what is done to each text of a batch, or None for what goes text by text."""
        template = self.spec.template
        if sum(bool(piece.sequence) for piece in template.single) != 1:
            return None
        if cut is None:
            return Finish(template, add_special_tokens, None, False)
        room = cut.max_length - template.added(False) * add_special_tokens
        if room < 0 or cut.stride is not None or cut.strategy == "only_second":
            return None
        return Finish(template, add_special_tokens, room, cut.direction == "left")

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
        return decode_tokens(list(filter(None, tokens)), self.spec.decoder)  # "": no token has it
