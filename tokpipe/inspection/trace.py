"""How a word becomes tokens, step by step: the longest match of WordPiece, the merges of BPE.

These are slow and readable on purpose, and written from the definitions: the tests hold them
against the tokenizer's kernels, which makes them a second opinion on those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class MatchStep:
    """One step of the longest match."""

    start: int  # where in the word it looks, in characters
    # what it looked up, from the longest on; the last one was found if `token` is not None
    tried: tuple[str, ...]
    # `token`, `id`: what it took, or None where no token fits
    token: str | None
    id: int | None


@dataclass(frozen=True, slots=True)
class MergeStep:
    """One step of merging by rank."""

    pair: Pair  # the two neighbours that become one
    rank: int  # their place in the list of merges, from 0
    # the other neighbours that could have merged, each with its rank, best first
    others: tuple[tuple[Pair, int], ...]
    symbols: tuple[str, ...]  # the word after the step


@dataclass(frozen=True, slots=True)
class WordTrace:
    """The way of one word to its tokens."""

    word: str  # the word as it reaches the model: normalised, in the file form of the vocabulary
    start: tuple[str, ...]  # the symbols that merging starts from; empty for WordPiece
    steps: tuple[MatchStep, ...] | tuple[MergeStep, ...]  # all of one kind
    # `tokens`, `ids`: the result; an id is None where the vocabulary lacks the token
    tokens: tuple[str, ...]
    ids: tuple[int | None, ...]
    note: str = ""  # what is special about this word, or empty


def trace_wordpiece(
    word: str, vocabulary: Mapping[str, int], *, prefix: str, unk_token: str, longest: int = 100
) -> WordTrace:
    """Follow WordPiece: from the left, always the longest token that fits.

    The word is normalised. Tokens that go on with a word begin with `prefix` ("##"). Where one step
    finds nothing, or the word has more than `longest` characters, the whole is `unk_token`.

    References
    ----------
    Wu et al. (2016), "Google's Neural Machine Translation System", section 4.1.

    Examples
    --------
    >>> trace_wordpiece("hugs", {"h": 0, "hug": 1, "##s": 2}, prefix="##", unk_token="?").tokens
    ('hug', '##s')
    """
    unknown = (unk_token,), (vocabulary.get(unk_token),)
    if len(word) > longest:
        note = f"{len(word)} characters are more than {longest}: the word is not looked up"
        return WordTrace(word, (), (), *unknown, note)
    steps: list[MatchStep] = []
    start = 0
    while start < len(word):
        step = _longest_match(word, start, vocabulary, prefix)
        steps.append(step)
        if step.token is None:
            note = f"nothing fits at character {start}: the whole word is unknown"
            return WordTrace(word, (), tuple(steps), *unknown, note)
        start += len(step.token) - (len(prefix) if start else 0)
    tokens = tuple(step.token for step in steps if step.token is not None)
    return WordTrace(word, (), tuple(steps), tokens, tuple(vocabulary[t] for t in tokens))


def trace_bpe(
    symbols: Sequence[str], merges: Mapping[Pair, tuple[int, str]], vocabulary: Mapping[str, int]
) -> WordTrace:
    """Follow BPE: of all neighbours that may merge, those of the lowest rank, everywhere at once.

    The symbols are the vocabulary's smallest; `merges` has a pair's rank and what it becomes.

    References
    ----------
    Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units", 3.2.

    Examples
    --------
    >>> trace_bpe("aab", {("a", "b"): (0, "ab"), ("a", "ab"): (1, "aab")}, {"aab": 5}).ids
    (5,)
    """
    start = now = tuple(symbols)
    steps: list[MergeStep] = []
    while candidates := _mergeable(now, merges):
        (pair, rank), *others = candidates
        now = merge_symbols(now, pair, merges[pair][1])
        steps.append(MergeStep(pair, rank, tuple(others), now))
    ids = tuple(vocabulary.get(symbol) for symbol in now)
    return WordTrace("".join(start), start, tuple(steps), now, ids)


def trace_json(trace: WordTrace) -> dict[str, Any]:
    """Return a trace as JSON types."""
    return asdict(trace)


def merge_symbols(symbols: Sequence[str], pair: Pair, merged: str) -> tuple[str, ...]:
    """Replace a pair of neighbours by one symbol, from the left, wherever it stands.

    Examples
    --------
    >>> merge_symbols("aaab", ("a", "a"), "Z")
    ('Z', 'a', 'b')
    """
    result: list[str] = []
    index = 0
    while index < len(symbols):
        found = tuple(symbols[index : index + 2]) == pair
        result.append(merged if found else symbols[index])
        index += 2 if found else 1
    return tuple(result)


def _longest_match(word: str, start: int, vocabulary: Mapping[str, int], prefix: str) -> MatchStep:
    tried: list[str] = []
    for end in range(len(word), start, -1):
        candidate = (prefix if start else "") + word[start:end]
        tried.append(candidate)
        if candidate in vocabulary:
            return MatchStep(start, tuple(tried), candidate, vocabulary[candidate])
    return MatchStep(start, tuple(tried), None, None)


def starting_symbols(word: str, prefix: str, suffix: str) -> list[str]:
    """Cut a word into the symbols that merging starts from.

    Examples
    --------
    >>> starting_symbols("ing", "##", "</w>")
    ['i', '##n', '##g</w>']
    """
    symbols = [prefix * (i > 0) + character for i, character in enumerate(word)]
    return [*symbols[:-1], symbols[-1] + suffix]


def _mergeable(
    symbols: Sequence[str], merges: Mapping[Pair, tuple[int, str]]
) -> list[tuple[Pair, int]]:
    found = {pair: merges[pair][0] for pair in pairwise(symbols) if pair in merges}
    return sorted(found.items(), key=lambda item: item[1])
