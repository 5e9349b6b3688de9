"""Words of a file as whole tokens of a vocabulary that has them not."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tokpipe.foundation.arrays import Strings, take_strings
from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.extend import STRANGE, NewTokens, pieces_of, with_characters
from tokpipe.tokenizer.extend_characters import are_partial, missing_characters
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.texts import short
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.vocab_files import lines_of
from tokpipe.vocab.further import Pieces
from tokpipe.vocab.vocabulary import new_token
from tokpipe.words.counts import WordCounts
from tokpipe.words.normalizers import before_plain_split
from tokpipe.words.pre_tokenizers import pre_tokenize


class GivenWords(NamedTuple):
    """The words of a file as the tokenizer sees them, each once."""

    lines: list[int]  # where each stands
    words: Strings
    normalised: dict[str, str]  # words that the normalizer changes: what it makes of them


def read_words(path: Path, tokenizer: Tokenizer) -> GivenWords:
    """Read words, one a line; blank lines are left out.

    To a byte-level tokenizer the space before a word is part of it: the words are those of running
    text, with their space.

    Raises
    ------
    InputError
        If the file is no UTF-8 or holds no word, or a line is not one word to the tokenizer.
    """
    stripped = [(number, line.strip()) for number, line in enumerate(lines_of(path), 1)]
    kept = [(number, line) for number, line in stripped if line]
    if not kept:
        raise InputError(f"{path} holds no word", hint="Write one word a line.")
    config = tokenizer.spec.words
    front = " " if tokenizer.spec.model is ModelKind.BYTE_BPE else ""
    texts = Strings.from_list(front + line for _, line in kept)
    split = before_plain_split(texts, config).texts
    starts, ends, borders = pre_tokenize(split, config)
    seen: dict[bytes, int] = {}
    normalised: dict[str, str] = {}
    for (number, line), (first, last) in zip(kept, pairwise(borders.tolist()), strict=True):
        if last - first != 1:
            raise InputError(
                f"{path}:{number}: {short(line)} is {last - first} words to this tokenizer; "
                "one is needed",
                hint="Take the line out, or write its words on lines of their own.",
            )
        word = split.data[starts[first] : ends[first]].tobytes()
        seen.setdefault(word, number)
        shown = word.decode(errors="replace").removeprefix(front)
        if shown != line:
            normalised[line] = shown
    return GivenWords(list(seen.values()), Strings.from_list(seen), normalised)


def word_tokens(tokenizer: Tokenizer, given: GivenWords, path: Path) -> tuple[NewTokens, list[str]]:
    """Make tokens of words; return the words, too, that are tokens already.

    Of both BPEs a word takes a token for each character that the vocabulary lacks, and as many
    merges, and so as many tokens, as join its pieces.

    Raises
    ------
    InputError
        Naming the line of a word that cannot be a token; or if all words are tokens already.
    """
    pieces = pieces_of(tokenizer, given.words)
    is_known = (pieces.sizes == 1) & ~are_partial(tokenizer, given.words, pieces)
    wanted, known = np.flatnonzero(~is_known), np.flatnonzero(is_known).tolist()
    if not len(wanted):
        raise InputError(f"{path}: all words are tokens already: nothing to add")
    lines = [given.lines[place] for place in wanted.tolist()]
    asked = GivenWords(lines, take_strings(given.words, wanted), given.normalised)
    is_wordpiece = tokenizer.spec.model is ModelKind.WORDPIECE
    made = (_whole_words if is_wordpiece else _joined_words)(tokenizer, asked, path)
    return made, [_shown(given.words, place) for place in known]


def _whole_words(tokenizer: Tokenizer, asked: GivenWords, path: Path) -> NewTokens:
    """Make a token of each word."""
    _check_lengths(tokenizer.spec, asked.words, asked.lines, path)
    tokens = [word.decode() for word in asked.words.iter_bytes()]
    split = _split(pieces_of(tokenizer, asked.words))
    leaves = [ids if min(ids, default=-1) >= 0 else [] for ids in split]
    return NewTokens(tokenizer.vocab_size, tokens, np.zeros((0, 3), np.int32), leaves)


def _joined_words(tokenizer: Tokenizer, asked: GivenWords, path: Path) -> NewTokens:
    """Make tokens of characters that are missing, and merges that join the pieces of words."""
    words = asked.words
    counts = WordCounts(words=words, counts=np.ones(len(words), np.int64))
    pieces, all_of_them = pieces_of(tokenizer, words), max(1, words.nbytes)
    characters = missing_characters(
        tokenizer, counts, pieces, least=1, most=all_of_them, tokens=4 * all_of_them
    )
    wider = with_characters(tokenizer, characters)
    joiner = _Joiner(wider, tokenizer.vocab_size)
    for place, ids in enumerate(_split(pieces_of(wider, words))):
        if not joiner.join(ids):
            raise InputError(
                f"{path}:{asked.lines[place]}: no merges after the old ones make "
                f"{short(_shown(words, place))} a token: only tokens that there are could join "
                "its pieces",
                hint="Take the line out.",
            )
    return joiner.made()


def _split(pieces: Pieces) -> list[list[int]]:
    borders = np.concatenate([[0], np.cumsum(pieces.sizes)])
    return [pieces.ids[a:b].tolist() for a, b in pairwise(borders.tolist())]


def _shown(words: Strings, place: int) -> str:
    """Return a word without the space that a byte-level one begins with."""
    return words.bytes_of(place).decode().strip()


def _check_lengths(spec: Spec, words: Strings, lines: Sequence[int], path: Path) -> None:
    most = spec.max_input_chars_per_word
    for line, word in zip(lines, words.iter_bytes(), strict=True):
        if len(word.decode()) > most:
            raise InputError(
                f"{path}:{line}: {short(word.decode())} is longer than the {most} characters "
                "that this tokenizer looks at",
                hint="Take the line out.",
            )


class _Joiner:
    """New merges, in order, each of which makes a token that nothing else makes.

    The tokenizer has `base` old tokens and new characters behind them.
    """

    def __init__(self, tokenizer: Tokenizer, base: int) -> None:
        self._base, self._prefix = base, tokenizer.spec.continuing_subword_prefix
        self._tokens, self._known = list(tokenizer.tokens), set(tokenizer.tokens)
        self._first = len(self._tokens)  # id that the first merge makes
        self._leaves = [[STRANGE] for _ in range(base, self._first)]
        self._ranks: dict[tuple[int, int], int] = {}

    def join(self, pieces: Sequence[int]) -> bool:
        """Add what merges join pieces into one token; say whether that could be."""
        if min(pieces, default=-1) < 0:
            return False
        rest = merged(pieces, self._ranks, self._first)
        while len(rest) > 1:
            pair = next(
                (pair for pair in pairwise(rest) if self._text(*pair) not in self._known), None
            )
            if pair is None:
                return False
            self._add(pair)
            rest = merged(rest, self._ranks, self._first)
        return True

    def made(self) -> NewTokens:
        """Return all that was added."""
        merges = [(*pair, self._first + rank) for pair, rank in self._ranks.items()]
        steps = np.array(merges, np.int32).reshape(-1, 3)
        return NewTokens(self._base, self._tokens[self._base :], steps, self._leaves)

    def _text(self, left: int, right: int) -> str:
        return new_token(self._tokens[left], self._tokens[right], self._prefix)

    def _add(self, pair: tuple[int, int]) -> None:
        token = self._text(*pair)
        self._ranks[pair] = len(self._ranks)
        self._tokens.append(token)
        self._known.add(token)
        parts = (self._leaves[id - self._base] if id >= self._base else [id] for id in pair)
        self._leaves.append([leaf for part in parts for leaf in part])


def merged(pieces: Sequence[int], ranks: Mapping[tuple[int, int], int], base: int) -> list[int]:
    """Merge pieces, the lowest rank first; a merge of rank r makes the id `base` + r.

    Examples
    --------
    >>> merged([1, 2, 1, 2, 3], {(1, 2): 0, (10, 3): 1}, 10)
    [10, 11]
    """
    rest, none = list(pieces), len(ranks)
    while True:
        rank = min((ranks.get(pair, none) for pair in pairwise(rest)), default=none)
        if rank == none:
            return rest
        joined: list[int] = []
        at = 0
        while at < len(rest):
            fits = at + 1 < len(rest) and ranks.get((rest[at], rest[at + 1])) == rank
            joined.append(base + rank if fits else rest[at])
            at += 2 if fits else 1
        rest = joined
