"""How a word becomes tokens, step by step: the longest match of WordPiece, the merges of BPE.

What is shown is what the twins of the tokenizer's kernels do, `kernels.wordpiece.longest_matches`
and `kernels.bpe.merge_by_rank`, with the reasons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, pairwise
from typing import Any, NamedTuple

from tokpipe.tokenizer.kernels.bpe import merge_by_rank
from tokpipe.tokenizer.kernels.wordpiece import Match, longest_matches

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
    inner = {
        word[a:b]: vocabulary[prefix + word[a:b]]
        for a, b in combinations(range(len(word) + 1), 2)
        if prefix + word[a:b] in vocabulary
    }
    steps = tuple(_tried(match, word, prefix) for match in longest_matches(word, vocabulary, inner))
    if steps and steps[-1].token is None:
        note = f"nothing fits at character {steps[-1].start}: the whole word is unknown"
        return WordTrace(word, (), steps, *unknown, note)
    tokens = tuple(step.token for step in steps if step.token is not None)
    return WordTrace(word, (), steps, tokens, tuple(vocabulary[token] for token in tokens))


def trace_bpe(
    symbols: Sequence[str], merges: Mapping[Pair, tuple[int, str]], vocabulary: Mapping[str, int]
) -> WordTrace:
    """Follow BPE: of all neighbours that may merge, those of the lowest rank, from the left.

    The symbols are the vocabulary's smallest; `merges` has a pair's rank and what it becomes.

    References
    ----------
    Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units", 3.2.

    Examples
    --------
    >>> trace_bpe("aab", {("a", "b"): (0, "ab"), ("a", "ab"): (1, "aab")}, {"aab": 5}).ids
    (5,)
    """
    now = list(symbols)
    steps, before = [], tuple(now)
    for place in merge_by_rank(now, merges):
        pair = before[place], before[place + 1]
        if steps and steps[-1].pair == pair:
            steps[-1] = replace(steps[-1], symbols=tuple(now))
        else:
            (_, rank), *others = _mergeable(before, merges)
            steps.append(MergeStep(pair, rank, tuple(others), tuple(now)))
        before = tuple(now)
    ids = tuple(vocabulary.get(symbol) for symbol in now)
    return WordTrace("".join(symbols), tuple(symbols), tuple(steps), before, ids)


class BpeRules(NamedTuple):
    """What BPE does besides merging, as `tokenizers` calls it."""

    unk_token: str | None = None  # stands for a symbol that is no token; None: it is left out
    fuse_unk: bool = False  # neighbours that are none become one
    byte_fallback: bool = False  # it becomes its bytes, such as <0xC3>, if all are tokens
    ignore_merges: bool = False  # a word that is a token is not merged


def trace_bpe_word(
    word: str,
    merges: Mapping[Pair, tuple[int, str]],
    vocabulary: Mapping[str, int],
    affixes: tuple[str, str],
    rules: BpeRules,
) -> WordTrace:
    """Follow BPE from a word on: what becomes of symbols that are no tokens, then the merges.

    The affixes are what begins a symbol that goes on with a word, and what ends the last one.

    Examples
    --------
    >>> trace_bpe_word("axb", {}, {"a": 0, "b": 1, "?": 2}, ("", ""), BpeRules("?")).ids
    (0, 2, 1)
    """
    if rules.ignore_merges and word in vocabulary:
        note = "the whole word is a token: merges are not looked up"
        return WordTrace(word, (), (), (word,), (vocabulary[word],), note)
    symbols, known = starting_symbols(word, *affixes), list[str]()
    parts = [_tokens_of(symbol, vocabulary, rules) for symbol in symbols]
    for i, part in enumerate(parts):
        known += part
        is_fused = rules.fuse_unk and i > 0 and not parts[i - 1]
        if not part and rules.unk_token in vocabulary and not is_fused:
            known.append(str(rules.unk_token))
    missing = parts.count([])
    left_out = "" if rules.unk_token in vocabulary else ", and no token stands for what is unknown"
    note = f"characters without a token: {missing}{left_out}" if missing else ""
    return replace(trace_bpe(known, merges, vocabulary), word="".join(symbols), note=note)


def _tokens_of(symbol: str, vocabulary: Mapping[str, int], rules: BpeRules) -> list[str]:
    if symbol in vocabulary:
        return [symbol]
    found = [f"<0x{byte:02X}>" for byte in symbol.encode()] if rules.byte_fallback else []
    return found if all(one in vocabulary for one in found) else []


def trace_json(trace: WordTrace) -> dict[str, Any]:
    """Return a trace as JSON types."""
    return asdict(trace)


def _tried(match: Match, word: str, prefix: str) -> MatchStep:
    least = match.end if match.id >= 0 else match.start + 1
    ends = range(len(word), least - 1, -1)
    tried = tuple((prefix if match.start else "") + word[match.start : end] for end in ends)
    token, id = (tried[-1], match.id) if match.id >= 0 else (None, None)
    return MatchStep(match.start, tried, token, id)


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
