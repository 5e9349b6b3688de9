"""Tokenizers of other kinds, run by the `tokenizers` library behind our interface.

The document has passed our own check before (see `schema`). What the library panics over becomes
an `InputError`: its PanicException is no Exception, and would pass through every handler.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, groupby
from typing import Any

import numpy as np
import tokenizers

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.panics import without_panic_text
from tokpipe.tokenizer.blocks import Ids, without_line_ends
from tokpipe.tokenizer.document import tokens_by_id
from tokpipe.tokenizer.encoding import LISTS, Encoding
from tokpipe.tokenizer.node import Node
from tokpipe.tokenizer.parts_json import (
    added_tokens_from_json,
    padding_from_json,
    truncation_from_json,
)
from tokpipe.tokenizer.spec import Decoder, ModelKind, Piece, Spec, Template, Truncation
from tokpipe.tokenizer.texts import Inputs
from tokpipe.tokenizer.truncation import kept_lengths, room_for
from tokpipe.words.config import WordsConfig

_BATCH = 1024  # texts handed over at a time, so that Ctrl-C is answered
_PROBES = 1000  # tokens that are tried as a text, should the vocabulary know no plain character


# what no processor comes to, but that windows of a pair then forget which text their tokens are of
_NOTHING_AROUND = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": name, "type_id": type_id}} for type_id, name in enumerate("AB")],
    "special_tokens": {},
}


class ForeignBackend:
    """A tokenizer whose model or parts ours does not know.

    `spec` holds what is common to all kinds: tokens, added tokens, truncation, padding.
    """

    def __init__(self, document: dict[str, Any], name: str) -> None:
        root = Node(document, f"{name}:")
        bare = {**document, "truncation": None, "padding": None}
        if bare.get("post_processor") is None:
            bare["post_processor"] = _NOTHING_AROUND
        with _panics(f"{name}: the tokenizers library cannot read it"):
            self._library = tokenizers.Tokenizer.from_str(json.dumps(bare))
            vocab = self._library.get_vocab(with_added_tokens=True)
            template = _template_of(self._library)
        self._name, self._lock = name, threading.Lock()  # truncation is a state of the library's
        self.spec = _common_parts(root, tokens_by_id(vocab), template)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def encode_batch(
        self, inputs: Inputs, add_special_tokens: bool, cut: Truncation | None
    ) -> list[Encoding]:
        """Encode each text or pair, truncated, with its template, not padded."""
        inputs.utf8()  # the library does not name what it cannot take
        encode = partial(self._library.encode_batch, is_pretokenized=inputs.are_split)
        with _panics(f"{self._name}: encoding"), self._lock:
            found = encode(inputs.rows, add_special_tokens=add_special_tokens)
            if cut is not None:
                self._cut(
                    inputs, found, partial(encode, add_special_tokens=add_special_tokens), cut
                )
        return [_ours(encoding, cut) for encoding in found]

    def _cut(self, inputs: Inputs, found: list[Any], encode: partial, cut: Truncation) -> None:
        """Encode again, cut by the library, what is longer than it may be."""
        is_pair, rows = inputs.pairs is not None, inputs.rows
        adds = encode.keywords["add_special_tokens"]
        room = room_for(cut.max_length, self._library.num_special_tokens_to_add(is_pair) * adds)
        long = [row for row, encoding in enumerate(found) if len(encoding) > cut.max_length]
        for row in long:  # says what the library would panic over
            parts = encode(list(rows[row]) if is_pair else [rows[row]], add_special_tokens=False)
            if sum(map(len, parts)) > room:
                kept_lengths(tuple(map(len, parts)), cut, room)
        self._library.enable_truncation(
            cut.max_length,
            stride=cut.stride or 0,
            strategy=cut.strategy,
            direction=cut.direction,
        )
        try:
            again = encode([rows[row] for row in long])
        finally:
            self._library.no_truncation()
        for row, encoding in zip(long, again, strict=True):
            found[row] = encoding

    def encode_strings(self, texts: Strings, threads: int | None, line_ends: bool) -> list[Ids]:
        """Encode texts to ids, a batch at a time; `threads` is the library's own matter."""
        texts = texts if line_ends else without_line_ends(texts)
        parts = []
        for first in range(0, len(texts), _BATCH):
            last = min(first + _BATCH, len(texts))
            batch = [texts.bytes_of(i).decode() for i in range(first, last)]
            with _panics(f"{self._name}: texts {first} to {last}"), self._lock:
                found = self._library.encode_batch_fast(batch, add_special_tokens=False)
            borders = np.cumsum([0] + [len(encoding) for encoding in found])
            ids = np.fromiter((i for e in found for i in e.ids), np.int32, int(borders[-1]))
            parts.append((ids, borders.astype(np.int64)))
        return parts

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        """Turn ids into text; ids that no token has are passed over."""
        known = [i for i in ids if 0 <= i < len(self.spec.tokens)]
        with _panics(f"{self._name}: decoding"):
            return self._library.decode(known, skip_special_tokens=skip_special_tokens)


def _ours(found: Any, cut: Truncation | None) -> Encoding:
    encoding = Encoding(**{name: getattr(found, name) for name in LISTS})
    if cut is not None and cut.stride is not None:
        encoding.overflowing = [_ours(other, cut) for other in found.overflowing]
    return encoding


def _template_of(library: Any) -> Template:
    """Return what the library puts around one text and two, by doing it: that reads any processor.

    A template in the file may stand in a sequence of processors, each of which changes what the
    next one sees.
    """
    named = (library.decode([i]) for i in range(min(_PROBES, library.get_vocab_size())))
    texts = (text for text in chain("a1.", named) if library.encode(text, None, False, False).ids)
    text = next(texts, None)
    if text is None:
        return Template()
    return Template(_pieces(library.encode(text), 1), _pieces(library.encode(text, text), 2))


def _pieces(found: Any, texts: int) -> tuple[Piece, ...]:
    """Return an encoding of one or two texts as the pieces of a template."""

    def kind(place: int) -> tuple[str, int]:
        sequence = found.sequence_ids[place]
        name = "AB"[sequence] if sequence is not None and sequence < texts else ""
        return name, found.type_ids[place]

    pieces = []
    for (sequence, type_id), run in groupby(range(len(found.ids)), kind):
        ids, tokens = zip(*((found.ids[i], found.tokens[i]) for i in run), strict=True)
        pieces.append(Piece(sequence, type_id, *(() if sequence else (ids, tokens))))
    return tuple(pieces)


def _common_parts(root: Node, tokens: list[str], template: Template) -> Spec:
    return Spec(
        model=ModelKind.FOREIGN,
        tokens=tokens,
        merges=np.zeros((0, 3), np.int32),
        words=WordsConfig(),
        added_tokens=added_tokens_from_json(root.child("added_tokens")),
        template=template,
        decoder=Decoder(),
        truncation=truncation_from_json(root.child("truncation")),
        padding=padding_from_json(root.child("padding")),
    )


@contextmanager
def _panics(what: str) -> Iterator[None]:
    """Turn what the library raises or panics over into an `InputError`."""
    try:
        with without_panic_text():
            yield
    except (ConfigError, InputError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise InputError(f"{what}: {str(error)[:200]}") from error
