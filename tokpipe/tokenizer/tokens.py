"""Texts to tokens with offsets and word ids, as arrays: one text or many, all in one go.

Texts are cut at added tokens; what stands between is normalised (remembering for every byte which
bytes of the text it came from), cut at added tokens that are looked for in normalised text, split
into words, and encoded. Offsets count characters (code points) of the text.
"""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.added import TokenFinder, cut_out, normalized_tokens
from tokpipe.tokenizer.engine import Engine
from tokpipe.tokenizer.kernels.spans import word_spans
from tokpipe.tokenizer.spec import Spec
from tokpipe.words.config import GPT2
from tokpipe.words.normalizers import before_plain_split, normalize_aligned, original_spans
from tokpipe.words.pre_tokenizers import plain_split_tables, pre_tokenize

_BYTES_AT_ONCE = 1 << 20  # of texts whose words are found in one call of a kernel: 40 ms
_WORDS_AT_ONCE = 1 << 16  # of texts that are larger
_NO_BORDERS = np.zeros(0, np.int64)
_PREFIX = replace(GPT2, add_prefix_space=True)  # what a split still wants of normalised text


class Tokens(NamedTuple):
    """The tokens of T texts, K together."""

    ids: NDArray[np.int32]  # int32[K]
    # `starts`, `ends`: int64[K]: where in its text a token stands, in characters
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    # int64[K]: which word of its text it belongs to; an added token is a word of its own
    words: NDArray[np.int64]
    # int64[T + 1]: text ``t`` has the tokens ``borders[t]`` to ``borders[t + 1]``
    borders: NDArray[np.int64]
    # the text that an added token was found as, which stands in `Encoding.tokens`
    shown: dict[int, str]


class TokenEncoder:
    """Encodes texts with all that `Encoding` has, special tokens aside."""

    def __init__(self, spec: Spec, engine: Engine) -> None:
        self._words, self._engine = spec.words, engine
        self._raw = TokenFinder([t for t in spec.added_tokens if not t.normalized])
        self._normalized = TokenFinder(normalized_tokens(spec))

    def encode(self, texts: Strings) -> Tokens:
        """Return the tokens of texts that begin their data."""
        raw = self._raw.find(texts)
        outer = cut_out(texts, raw)
        aligned = normalize_aligned(outer.pieces, self._words)
        origins = outer.origins(aligned.sources)
        normalized = self._normalized.find(aligned.texts)
        inner = cut_out(aligned.texts, normalized)
        pieces, sources = inner.pieces, origins if inner.places is None else origins[inner.places]
        if self._words.add_prefix_space:
            prefixed = before_plain_split(pieces, _PREFIX)
            pieces, sources = prefixed.texts, sources[prefixed.sources]
        plain, text_words = self._of_words(texts, pieces, sources)
        first = inner.first[outer.first]
        if len(raw) or len(normalized):
            spans = original_spans(origins, texts.data, *normalized[:, :2].T)
            starts, ends = np.concatenate([raw[:, :2].T, spans], axis=1)
            added = Tokens(
                np.concatenate([raw[:, 2], normalized[:, 2]]).astype(np.int32),
                starts,
                ends,
                np.concatenate([inner.first[outer.tokens], inner.tokens]),
                _NO_BORDERS,
                dict(enumerate([*_contents(texts, raw), *_contents(aligned.texts, normalized)])),
            )
            plain, text_words = _with_added(plain, text_words, added)
        return _by_text(texts, plain, text_words, first)

    def _of_words(
        self, texts: Strings, pieces: Strings, sources: NDArray[np.int64]
    ) -> tuple[Tokens, NDArray[np.int64]]:
        """Encode pieces, each byte of which comes from a place in the texts.

        Returns
        -------
        tokens : Tokens
            By piece: `starts` and `ends` in bytes, `words` counted through all pieces.
        text_words : int64[P + 1]
            Which words belong to which piece.
        """
        starts, ends, text_words = self._word_spans(pieces)
        counts, ids, piece_ends = self._engine.encode_spans(pieces.data, starts, ends)
        self._engine.check_known(pieces.data, starts, ends, counts, ids)
        token_ends = np.concatenate([[0], np.cumsum(counts)])
        begins = np.empty(len(ids), np.int64)
        begins[1:] = piece_ends[:-1]
        begins[token_ends[:-1][counts > 0]] = starts[counts > 0]
        words = np.repeat(np.arange(len(starts)), counts)
        spans = original_spans(sources, texts.data, begins, piece_ends)
        return Tokens(ids, *spans, words, token_ends[text_words], {}), text_words

    def _word_spans(
        self, pieces: Strings
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return where words are, as `pre_tokenize` does, in calls of bounded time."""
        if pieces.nbytes <= _BYTES_AT_ONCE:
            return pre_tokenize(pieces, self._words)
        split, found, text_words = plain_split_tables(self._words), [], [0]
        for position, end in pairwise(pieces.offsets.tolist()):
            words = 0
            while position < end:
                room = min(end - position, _WORDS_AT_ONCE)
                rows = np.empty((2, room), np.int64)
                position, count = word_spans(pieces.data, position, end, split, *rows)
                found.append(rows[:, :count])
                words += count
            text_words.append(text_words[-1] + words)
        starts, ends = np.concatenate(found, axis=1)
        return starts, ends, np.array(text_words, np.int64)


def _contents(texts: Strings, matches: NDArray[np.int64]) -> list[str]:
    return [texts.data[start:end].tobytes().decode() for start, end in matches[:, :2].tolist()]


def _with_added(
    tokens: Tokens, text_words: NDArray[np.int64], added: Tokens
) -> tuple[Tokens, NDArray[np.int64]]:
    """Put added tokens in the places of the pieces that are their `words`, a word each."""
    order = np.argsort(added.words)
    pieces = added.words[order]
    before = np.zeros(len(text_words), np.int64)  # added tokens before each piece
    before[pieces + 1] = 1
    before = np.cumsum(before)
    places = tokens.borders[pieces]
    words = tokens.words + np.repeat(before[:-1], np.diff(tokens.borders))
    now = (places + np.arange(len(places))).tolist()
    inserted = Tokens(
        np.insert(tokens.ids, places, added.ids[order]),
        np.insert(tokens.starts, places, added.starts[order]),
        np.insert(tokens.ends, places, added.ends[order]),
        np.insert(words, places, text_words[pieces] + before[pieces]),
        tokens.borders + before,
        {place: added.shown[i] for place, i in zip(now, order.tolist(), strict=True)},
    )
    return inserted, text_words + before


def joined_words(tokens: Tokens, borders: NDArray[np.int64]) -> Tokens:
    """Take texts for the words of longer ones, text ``t`` for ``borders[t]`` to ``borders[t + 1]``.

    Offsets stay those inside a word, as in `tokenizers`.
    """
    numbers = np.arange(borders[-1]) - np.repeat(borders[:-1], np.diff(borders))
    words = np.repeat(numbers, np.diff(tokens.borders))
    return tokens._replace(words=words, borders=tokens.borders[borders])


def _by_text(
    texts: Strings, tokens: Tokens, text_words: NDArray[np.int64], first: NDArray[np.int64]
) -> Tokens:
    """Turn bytes into characters, and count both characters and words from each text's begin."""
    characters = np.cumsum(texts.data[: texts.nbytes] & 0xC0 != 0x80)
    before = np.concatenate([[0], characters])
    borders = tokens.borders[first]
    sizes = np.diff(borders)
    shift = np.repeat(before[texts.offsets[:-1]], sizes)
    return tokens._replace(
        starts=before[tokens.starts] - shift,
        ends=before[tokens.ends] - shift,
        words=tokens.words - np.repeat(text_words[first[:-1]], sizes),
        borders=borders,
    )
