"""A text as a model reads it: which tokens look at which, and what each layer makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.looking import LayerSeen
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import encode_pairs, encode_texts, pack
from tokpipe.tokenizer.encoding import Encoding
from tokpipe.tokenizer.texts import strings_of
from tokpipe.tokenizer.truncation import NO_LIMIT

Places = NDArray[np.bool_]


class Attended(NamedTuple):
    """A token that another looks at."""

    place: int
    token: str  # as the vocabulary writes it
    share: float  # of all attention, the mean over all heads of all layers


@dataclass(frozen=True)
class Layout:
    """What the tokens of a text are to one another.

    Attributes
    ----------
    cls, sep : bool[n]
        Which tokens are the tokenizer's ``cls_token`` (what the text as a whole is read from) and
        its ``sep_token`` (what stands behind a text).
    same : bool[n, n]
        Which two places hold the same word: its other pieces, and the word where it is repeated.
    """

    cls: Places
    sep: Places
    same: Places


@dataclass(frozen=True, eq=False)
class Attention:
    """A text, or a pair, and the pass of a model over it.

    Attributes
    ----------
    tokens : tuple of str
        As the vocabulary writes them, special ones included: n of them.
    ids : tuple of int
    words : tuple of str
        The word of the text that each belongs to; empty for special tokens.
    segments : tuple of int
        The ``token_type_ids`` that the model is given.
    sides : tuple of str
        ``"a"``, or behind the first text of a pair ``"b"``.
    layout : Layout
        What the tokens are to one another.
    layers : tuple of LayerSeen
        What each layer was given and made. They number from 1, as in `BertModel.encode`; a text is
        one sequence, so ``layers[0].weights()`` is float32[A, n, n] for A heads.
    cut : bool
        Whether the text was longer than the model allows.
    """

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    words: tuple[str, ...]
    segments: tuple[int, ...]
    sides: tuple[str, ...]
    layout: Layout
    layers: tuple[LayerSeen, ...]
    cut: bool

    def __len__(self) -> int:
        return len(self.tokens)

    def layer(self, number: int) -> LayerSeen:
        """Return a layer by its number, from 1 on; -1 is the last.

        Raises
        ------
        ConfigError
            If there is no such layer.
        """
        require("layer", number, int, optional=False)
        count = len(self.layers)
        if not (1 <= number <= count or -count <= number <= -1):
            raise ConfigError(f"layer {number}: the model has 1 to {count}, or -1 for the last")
        return self.layers[number - 1 if number > 0 else number]

    @property
    def heads(self) -> int:
        """How many heads each layer has, A."""
        return self.layers[0].heads

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """The mean of the weights over all heads of all layers: float32[n, n]."""
        return np.mean([layer.weights().mean(0) for layer in self.layers], axis=0)


def attention(model: BertModel, text: str, second: str | None = None) -> Attention:
    """Look at the attention of a model over a text, or a pair of texts.

    Parameters
    ----------
    model
        As `BertModel.load` opens it.
    text
        What it reads; cut where it is longer than the model allows.
    second
        The second text of a pair.

    Returns
    -------
    Attention
        ``attention(model, "the cat").layer(2).weights()[0, 1]`` says how much of the attention of
        token 1 in the first head of layer 2 goes to each token.

    Raises
    ------
    ConfigError
        If it is no open model.
    InputError
        If a text is no string or holds a lone surrogate, or the model has no tokenizer.
    ArtifactError
        If the model makes what are no numbers.
    """
    require("model", model, BertModel, optional=False)
    strings_of([text])
    if second is None:
        sequences = encode_texts(model.tokenizer, [text], model.config)
    else:
        sequences = encode_pairs(model.tokenizer, [(text, second)], model.config)
    encoding = model.tokenizer.encode(
        *(text, second), max_length=model.config.longest or NO_LIMIT, padding=False
    )
    texts = [text] if second is None else [text, second]
    packed, kinds = pack(sequences, np.zeros(1, np.int64)), sequences.token_type_ids
    return Attention(
        tokens=tuple(encoding.tokens),
        ids=tuple(encoding.ids),
        words=_words(encoding, texts),
        segments=(0,) * len(encoding.ids) if kinds is None else tuple(kinds.tolist()),
        sides=_sides(encoding.sequence_ids),
        layout=layout_of(model, encoding),
        layers=tuple(map(finite, model.model.look(packed))),
        cut=sequences.cut > 0,
    )


def attended_by(model: BertModel, text: str, role: str, top: int = 5) -> list[list[Attended]]:
    """Return what each token of a role, such as ``mask_token``, looks at, the most first.

    Left out are special tokens, which get most of the attention mostly, and those of the role.
    """
    seen, id = attention(model, text), model.role_id(role)
    plain = [i for i, word in enumerate(seen.words) if word and seen.ids[i] != id]
    found = []
    for place in (i for i, one in enumerate(seen.ids) if one == id):
        shares = seen.mean[place]
        order = sorted(plain, key=lambda i: (-shares[i], i))[:top]
        found.append([Attended(i, seen.tokens[i], float(shares[i])) for i in order])
    return found


def finite(layer: LayerSeen) -> LayerSeen:
    """Return a layer that has made numbers.

    Raises
    ------
    ArtifactError
        If there is one that is infinite, or none (NaN).
    """
    if not np.isfinite(layer.left).all():
        raise ArtifactError(
            f"layer {layer.number} of the model makes numbers that are infinite or none (NaN)",
            hint="Its weights are damaged, or its training has failed.",
        )
    return layer


def layout_of(model: BertModel, encoding: Encoding) -> Layout:
    """Return what the tokens of an encoded text are to one another."""
    ids, roles = np.array(encoding.ids), model.tokenizer.roles
    cls, sep = (ids == model.tokenizer.ids.get(roles.get(r, ""), -1) for r in _ROLES)
    numbers = _word_numbers(encoding)
    same = (numbers[:, None] == numbers) & (numbers >= 0) & ~np.eye(len(ids), dtype=bool)
    return Layout(cls, sep, same)


_ROLES = ("cls_token", "sep_token")
_Word = tuple[int, int | None]  # of which text, and which word of it


def _word_keys(encoding: Encoding) -> list[_Word | None]:
    """Return to which word each token belongs; None for special tokens."""
    pairs = zip(encoding.sequence_ids, encoding.word_ids, strict=True)
    return [None if text is None else (text, word) for text, word in pairs]


def _word_numbers(encoding: Encoding) -> NDArray[np.int64]:
    """Return a number for each token's word, equal words alike; -1 for special tokens."""
    pieces: dict[_Word, list[int]] = {}
    keys = _word_keys(encoding)
    for key, id in zip(keys, encoding.ids, strict=True):
        if key is not None:
            pieces.setdefault(key, []).append(id)
    numbers: dict[tuple[int, ...], int] = {}
    found = {key: numbers.setdefault(tuple(ids), len(numbers)) for key, ids in pieces.items()}
    return np.array([-1 if key is None else found[key] for key in keys], np.int64)


def _words(encoding: Encoding, texts: Sequence[str]) -> tuple[str, ...]:
    spans: dict[_Word, tuple[int, int]] = {}
    keys = _word_keys(encoding)
    for key, (start, end) in zip(keys, encoding.offsets, strict=True):
        if key is not None:
            first, last = spans.get(key, (start, end))
            spans[key] = min(first, start), max(last, end)
    found = {key: texts[key[0]][slice(*span)] for key, span in spans.items()}
    return tuple("" if key is None else found[key] for key in keys)


def _sides(sequence_ids: Sequence[int | None]) -> tuple[str, ...]:
    """Say of each token on which side it stands; what stands between the texts is the first's."""
    second = sequence_ids.index(1) if 1 in sequence_ids else len(sequence_ids)
    return ("a",) * second + ("b",) * (len(sequence_ids) - second)


def batch_layouts(model: BertModel, texts: Sequence[str]) -> list[Layout]:
    """Return the layouts of texts that `encode_texts` encodes."""
    encodings = model.tokenizer.encode_batch(
        texts, max_length=model.config.longest or NO_LIMIT, padding=False
    )
    return [layout_of(model, encoding) for encoding in encodings]
