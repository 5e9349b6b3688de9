"""A vocabulary with more tokens: learned from counted words, or words that are given.

Of both BPEs the new merges rank after the old ones and make new tokens only: a text has its old
pieces first, some of which are then joined. WordPiece takes the longest token that there is, so
that a word with a new token in it may be cut in another way; all others stay as they were.
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
from tokpipe.tokenizer.extend_config import ExtendConfig
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.further import Pieces, train_further
from tokpipe.words.counts import WordCounts

_UNUSED = re.compile(r"\[unused\d+\]|<unused\d+>|madeupword\d+")  # BERT's, Gemma's, fairseq's


class NewTokens(NamedTuple):
    """Tokens that a vocabulary of `base` ids has not; the first would get the id `base`."""

    base: int
    tokens: list[str]
    merges: NDArray[np.int32]  # int32[M, 3], in order of rank; none for WordPiece
    pieces: list[list[int]]  # the old ids that each new token stands for; [] if there are none


@dataclass(frozen=True, slots=True, eq=False)
class Extension:
    """A vocabulary before and after."""

    old: Tokenizer
    new: Tokenizer
    added: tuple[int, ...]  # ids of the new tokens
    pieces: Mapping[int, Sequence[int]]  # by id: the old pieces that a new token stands for
    filled: int  # how many of the ids belonged to unused tokens

    @property
    def is_exact(self) -> bool:
        """Whether new tokens cut into their old pieces give the old encoding of any text."""
        spec = self.old.spec
        return spec.model is not ModelKind.WORDPIECE and not spec.ignore_merges


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
    spec, base = tokenizer.spec, tokenizer.vocab_size
    marks = spec.continuing_subword_prefix, spec.end_of_word_suffix
    lengths = [
        len(token.removeprefix(marks[0]).removesuffix(marks[1])) for token in tokenizer.tokens
    ]
    pieces = pieces_of(tokenizer, counts.words, threads)._replace(counts=counts.counts)
    merging = config.merging(spec.model.value, *marks, base)
    with progress.task("merging", config.add, "merges") as report:
        tokens, merges = train_further(pieces, tokenizer.tokens, lengths, merging, report)
    if not tokens:
        raise InputError(
            "the text has no pair of pieces that could be joined: nothing to learn",
            hint="Give more text, or a lower --min-frequency.",
        )
    if len(tokens) < (config.add or 0):
        progress.note(
            f"asked {config.add:,} tokens, learned {len(tokens):,}: no other pair is left that "
            f"occurs {max(1, config.min_frequency):,} times"
        )
    made = merges if spec.model is not ModelKind.WORDPIECE else merges[:0]
    return NewTokens(base, tokens, made, _leaves(merges, base))


def _leaves(merges: NDArray[np.int32], base: int) -> list[list[int]]:
    """Cut each new token into old ones."""
    leaves: list[list[int]] = []
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
