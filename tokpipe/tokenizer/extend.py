"""A vocabulary with more tokens: learned from counted words, or words that are given.

Of both BPEs the new merges rank after the old ones and make new tokens only: a text has its old
pieces first, some of which are then joined. WordPiece takes the longest token that there is, so
that a word with a new token in it may be cut in another way; all others stay as they were.
Characters that the old vocabulary lacks become tokens first: what was unknown is cut anew.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.tokenizer.extend_characters import missing_characters
from tokpipe.tokenizer.extend_config import ExtendConfig
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.further import Pieces, train_further
from tokpipe.words.counts import WordCounts

STRANGE = -2  # among old pieces: a character that the old vocabulary lacks

_UNUSED = re.compile(r"\[unused\d+\]|<unused\d+>|madeupword\d+")  # BERT's, Gemma's, fairseq's


class NewTokens(NamedTuple):
    """Tokens that a vocabulary of `base` ids has not; the first would get the id `base`."""

    base: int
    tokens: list[str]
    merges: NDArray[np.int32]  # int32[M, 3], in order of rank; none for WordPiece
    # the old ids that each new token stands for, `STRANGE` for a new character; [] for none
    pieces: list[list[int]]


@dataclass(frozen=True, slots=True, eq=False)
class Extension:
    """A vocabulary before and after."""

    old: Tokenizer
    new: Tokenizer
    added: tuple[int, ...]  # ids of the new tokens
    # by id: the old pieces that a new token stands for, `STRANGE` for a new character
    pieces: Mapping[int, Sequence[int]]
    filled: int  # how many of the ids belonged to unused tokens

    @property
    def is_exact(self) -> bool:
        """Whether new tokens cut into old pieces give the old encoding of all that was known."""
        spec = self.old.spec
        return spec.model is not ModelKind.WORDPIECE and not spec.ignore_merges

    @property
    def characters(self) -> list[str]:
        """New tokens that are a character which the old vocabulary lacks, marked or not."""
        return [self.new.tokens[id] for id in self.added if list(self.pieces[id]) == [STRANGE]]


def check_extensible(tokenizer: Tokenizer, place: str) -> None:
    """Refuse a tokenizer whose vocabulary is not ours to extend.

    Raises
    ------
    ConfigError
        If it runs on the `tokenizers` library.
    """
    if not tokenizer.is_native:
        raise ConfigError(
            f"{place}: this tokenizer runs on the tokenizers library, which tells nothing of its "
            "merges; WordPiece, BPE and byte-level BPE can be extended",
            hint="Train a vocabulary with tokpipe train-vocab.",
        )


def pieces_of(tokenizer: Tokenizer, words: Strings, threads: int | None = 1) -> Pieces:
    """Encode words, normalised already; what is unknown has ids below 0, each counts once."""
    data, borders = words.data, words.offsets
    sizes, ids, _ = tokenizer.engine.encode_spans(data, borders[:-1], borders[1:], threads)
    unknown = tokenizer.ids.get(tokenizer.spec.unk_token or "", -1)
    return Pieces(np.where(ids == unknown, np.int32(-1), ids), sizes, np.ones(len(words), np.int64))


def learn_tokens(
    tokenizer: Tokenizer,
    counts: WordCounts,
    config: ExtendConfig,
    progress: Progress = SILENT,
    threads: int | None = None,
) -> NewTokens:
    """Learn tokens from counted words.

    Raises
    ------
    InputError
        If there is no word, or nothing to learn.
    """
    if not len(counts):
        raise InputError("the text holds no word", hint="Is the input empty, or only blank?")
    spec, add, floor = tokenizer.spec, config.add or 0, max(1, config.min_frequency)
    marks = spec.continuing_subword_prefix, spec.end_of_word_suffix
    pieces = pieces_of(tokenizer, counts.words, threads)
    bounds = {"least": floor, "most": config.limit_alphabet, "tokens": (add + 1) // 2}
    characters = missing_characters(tokenizer, counts, pieces, **bounds)
    wider = with_characters(tokenizer, characters)
    if characters:
        pieces = pieces_of(wider, counts.words, threads)
    bare = (token.removeprefix(marks[0]).removesuffix(marks[1]) for token in wider.tokens)
    merging = config.merging(spec.model.value, *marks, tokenizer.vocab_size)
    with progress.task("merging", add - len(characters), "merges") as report:
        known = wider.tokens, [len(token) for token in bare]
        merged = train_further(pieces._replace(counts=counts.counts), *known, merging, report)
    tokens, merges = [*characters, *merged[0]], merged[1]
    if not tokens:
        raise InputError(
            "the text has no pair of pieces that could be joined: nothing to learn",
            hint="Give more text, or a lower --min-frequency.",
        )
    if len(tokens) < add:
        progress.note(
            f"asked {add:,} tokens, learned {len(tokens):,}: no other pair is left that "
            f"occurs {floor:,} times"
        )
    made = merges if spec.model is not ModelKind.WORDPIECE else merges[:0]
    base = tokenizer.vocab_size
    return NewTokens(base, tokens, made, _leaves(merges, base, len(characters)))


def with_characters(tokenizer: Tokenizer, characters: list[str]) -> Tokenizer:
    """Return a tokenizer whose vocabulary has more characters behind all tokens."""
    if not characters:
        return tokenizer
    none, unknown = np.zeros((0, 3), np.int32), [[STRANGE] for _ in characters]
    return extended(tokenizer, NewTokens(tokenizer.vocab_size, characters, none, unknown)).new


def _leaves(merges: NDArray[np.int32], base: int, characters: int) -> list[list[int]]:
    """Cut each new token, the first of which are characters, into old ones."""
    leaves = [[STRANGE] for _ in range(characters)]
    for left, right, _ in merges.tolist():
        leaves.append(
            [
                leaf
                for part in (left, right)
                for leaf in (leaves[part - base] if part >= base else [part])
            ]
        )
    return leaves


def extended(tokenizer: Tokenizer, new: NewTokens, *, fill_unused: bool = False) -> Extension:
    """Join a vocabulary and its new tokens.

    Parameters
    ----------
    fill_unused
        Whether the first of them get the ids of unused tokens.

    Raises
    ------
    ConfigError
        If an added token cannot stand between the old tokens and the new ones.
    """
    spec, base = tokenizer.spec, new.base
    free = _unused(spec)[: len(new.tokens)] if fill_unused else []
    ids = [*free, *range(base, base + len(new.tokens) - len(free))]
    tokens = spec.tokens + [""] * (base + len(new.tokens) - len(free) - len(spec.tokens))
    for id, token in [*_behind(spec), *zip(ids, new.tokens, strict=True)]:
        tokens[id] = token
    numbers = np.array([*range(base), *ids], np.int32)
    merges = np.concatenate([spec.merges.reshape(-1, 3), numbers[new.merges.reshape(-1, 3)]])
    made = Tokenizer(replace(spec, tokens=tokens, merges=merges))
    return Extension(
        tokenizer, made, tuple(ids), dict(zip(ids, new.pieces, strict=True)), len(free)
    )


def _behind(spec: Spec) -> list[tuple[int, str]]:
    """Return the added tokens that stand behind the model's own.

    With new tokens behind them they have to be in the vocabulary, too: the library numbers all
    others by what it counts. No text is cut in another way by it, as they are found before.
    """
    added = [token for token in spec.added_tokens if token.id >= len(spec.tokens)]
    for token in added:
        if token.single_word and spec.model is ModelKind.WORDPIECE:
            raise ConfigError(
                f"the added token {token.content!r}, found as a whole word only, stands behind the "
                "vocabulary; as one of its tokens it would be found inside words",
                hint="Take it out of tokenizer.json, and add it again afterwards.",
            )
    return [(token.id, token.content) for token in added]


def _unused(spec: Spec) -> list[int]:
    """Return the ids of tokens that stand for nothing: no text, no merge and no added token."""
    taken = {token.id for token in spec.added_tokens} | set(spec.merges.ravel().tolist())
    found: Iterable[tuple[int, str]] = enumerate(spec.tokens)
    return [id for id, token in found if _UNUSED.fullmatch(token) and id not in taken]
