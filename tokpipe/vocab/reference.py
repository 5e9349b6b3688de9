"""The twin of the trainer: the rules of tokenizers' BpeTrainer in plain Python, for small inputs.

It is what the kernels are tested against and what `explain` shows. A word is a list of symbols; a
symbol is (id, start), where start is the index of its first character, so that its length is the
distance to the next start.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from tokpipe.vocab.alphabet import build_alphabet
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR, Vocabulary, new_token, too_small

Pair = tuple[int, int]
Place = tuple[int, int]  # word, index of the left symbol's first character
Words = Mapping[str, int] | Mapping[bytes, int]


@dataclass
class Candidate:
    """A pair in the queue, with the places that were new when it entered.

    A pair has one candidate, except when two merges make one token: then the pairs of that token
    can come back, and each return adds a candidate of its own.
    """

    pair: Pair
    places: set[Place]
    count: int = 0
    score: Fraction = Fraction(0)
    tie: tuple[int, ...] = ()


@dataclass
class Corpus:
    """Words cut into symbols, the tokens so far, and how often each pair stands side by side."""

    words: list[list[int]]
    starts: list[list[int]]  # one more than symbols: the last is the length of the word
    weights: list[int]
    tokens: list[str]
    config: VocabConfig
    counts: defaultdict[Pair, int] = field(default_factory=lambda: defaultdict(int))
    steps: list[tuple[int, int, int]] = field(default_factory=list)

    def token_counts(self) -> dict[int, int]:
        """Count each token in the words as they are cut now."""
        totals: defaultdict[int, int] = defaultdict(int)
        for word, weight in zip(self.words, self.weights, strict=True):
            for symbol in word:
                totals[symbol] += weight
        return totals

    def pair_at(self, place: Place) -> Pair | None:
        """Return the pair whose left symbol starts at a place, or None."""
        word, starts = self.words[place[0]], self.starts[place[0]]
        if place[1] not in starts[: len(word)]:
            return None
        k = starts.index(place[1])
        return (word[k], word[k + 1]) if k + 1 < len(word) else None


def corpus_of(
    words: Words,
    config: VocabConfig,
    marked_order: Sequence[str] | None = None,
) -> Corpus:
    """Cut words into the symbols of the alphabet; words keep their order.

    An alphabet that the smallest size asked for cannot hold is a `ConfigError`.
    """
    texts = [_characters(word, config) for word in words]
    totals: defaultdict[str, int] = defaultdict(int)
    forms: list[list[tuple[str, int]]] = []
    for text, weight in zip(texts, words.values(), strict=True):
        last = len(text) - 1
        forms.append([(c, (i > 0) + 2 * (i == last)) for i, c in enumerate(text)])
        for c in text:
            totals[c] += weight
    seen = {form for word in forms for form in word}
    alphabet = build_alphabet(totals, seen, config, marked_order)
    if config.sizes[0] < len(alphabet.tokens):
        raise too_small(config.sizes[0], len(config.specials), len(alphabet.tokens))
    cut = [[alphabet.ids[form] for form in word if form in alphabet.ids] for word in forms]
    starts = [list(range(len(word) + 1)) for word in cut]
    return Corpus(cut, starts, list(words.values()), alphabet.tokens, config)


def merges_of(corpus: Corpus) -> Iterator[Candidate]:
    """Merge until the largest size is reached; yield each choice before it is carried out."""
    config = corpus.config
    everywhere: defaultdict[Pair, set[Place]] = defaultdict(set)
    for i, (word, starts) in enumerate(zip(corpus.words, corpus.starts, strict=True)):
        for k in range(len(word) - 1):
            corpus.counts[word[k], word[k + 1]] += corpus.weights[i]
            everywhere[word[k], word[k + 1]].add((i, starts[k]))
    queue: list[Candidate] = []
    _enqueue(queue, everywhere, corpus)
    while len(corpus.tokens) < config.sizes[-1] and queue:
        best = _choose(queue, corpus)
        if best is None:
            return
        yield best
        queue.remove(best)
        _enqueue(queue, _merge(corpus, best), corpus)


def train_reference(
    words: Words,
    config: VocabConfig,
    marked_order: Sequence[str] | None = None,
) -> Vocabulary:
    """Return what `tokpipe.vocab.train.train` returns, slowly."""
    corpus = corpus_of(words, config, marked_order)
    base_size = len(corpus.tokens)
    for _ in merges_of(corpus):
        pass
    steps = np.array(corpus.steps, np.int32).reshape(-1, 3)
    return Vocabulary(config, tuple(corpus.tokens), steps, base_size)


def _characters(word: str | bytes, config: VocabConfig) -> str:
    raw = word.encode() if isinstance(word, str) else word
    return "".join(BYTE_TO_CHAR[b] for b in raw) if config.model == "byte-bpe" else raw.decode()


def _choose(queue: list[Candidate], corpus: Corpus) -> Candidate | None:
    """Return the best candidate, or None when none reaches the minimum frequency.

    By frequency the queue is lazy, as in tokenizers: a count is looked up again when its candidate
    comes to the front. A likelihood can rise, so all are looked up.
    """
    floor = max(1, corpus.config.min_frequency)
    if corpus.config.score == "likelihood":
        totals = corpus.token_counts()
        for candidate in queue:
            _rate(candidate, corpus, totals)
        queue = [candidate for candidate in queue if candidate.count >= floor]
        return max(queue, key=_rank, default=None)
    while True:
        best = max(queue, key=_rank)
        if best.count == corpus.counts[best.pair]:
            return best if best.count >= floor else None
        _rate(best, corpus, {})


def _rank(candidate: Candidate) -> tuple[Fraction, tuple[int, ...]]:
    return candidate.score, tuple(-part for part in candidate.tie)


def _rate(candidate: Candidate, corpus: Corpus, totals: Mapping[int, int]) -> None:
    left, right = candidate.pair
    candidate.count = corpus.counts[left, right]
    candidate.score = Fraction(candidate.count)
    if corpus.config.score == "likelihood" and candidate.count > 0:
        candidate.score /= totals[left] * totals[right]
    candidate.tie = candidate.pair
    if corpus.config.tie_break == "first-seen":
        live = [place for place in candidate.places if corpus.pair_at(place) == candidate.pair]
        first = min(live, default=None)
        candidate.tie = (_length(corpus, first), *first) if first else (-1, *candidate.pair)


def _length(corpus: Corpus, place: Place) -> int:
    """Return how many characters the pair at a place has."""
    starts = corpus.starts[place[0]]
    return starts[starts.index(place[1]) + 2] - place[1]


def _enqueue(queue: list[Candidate], places: Mapping[Pair, set[Place]], corpus: Corpus) -> None:
    totals = corpus.token_counts() if corpus.config.score == "likelihood" else {}
    for pair in sorted(places):
        if corpus.counts[pair] > 0:
            candidate = Candidate(pair, places[pair])
            _rate(candidate, corpus, totals)
            queue.append(candidate)


def _merge(corpus: Corpus, best: Candidate) -> dict[Pair, set[Place]]:
    """Carry out one merge; return the places of the pairs that it made."""
    left, right = best.pair
    token = new_token(corpus.tokens[left], corpus.tokens[right], corpus.config.prefix)
    if token not in corpus.tokens:
        corpus.tokens.append(token)
    new = corpus.tokens.index(token)
    corpus.steps.append((left, right, new))
    made: defaultdict[Pair, set[Place]] = defaultdict(set)
    for i in sorted({word for word, _ in best.places}):
        for pair, change, start in _merge_word(corpus, i, best.pair, new):
            corpus.counts[pair] += change * corpus.weights[i]
            if change > 0:
                made[pair].add((i, start))
    return made


def _merge_word(corpus: Corpus, i: int, pair: Pair, new: int) -> Iterator[tuple[Pair, int, int]]:
    """Replace a pair in one word, leftmost first; yield (pair, change, start) of its neighbours.

    By frequency the count of the merged pair itself stays as it was, and a pair that
    `max_token_length` forbids is taken away though it was never added: both as in tokenizers. So
    is the limit itself: tokens stay below it, but pairs of two characters are never held to it.
    """
    word, starts = corpus.words[i], corpus.starts[i]
    most = corpus.config.longest_token
    k = 0
    while k + 1 < len(word):
        if (word[k], word[k + 1]) == pair:
            word[k : k + 2] = [new]
            del starts[k + 1]
            length = starts[k + 1] - starts[k]
            if corpus.config.score == "likelihood":
                yield pair, -1, starts[k]
            if k > 0:
                yield (word[k - 1], pair[0]), -1, starts[k - 1]
                if starts[k] - starts[k - 1] + length < most:
                    yield (word[k - 1], new), +1, starts[k - 1]
            if k + 1 < len(word):
                yield (pair[1], word[k + 1]), -1, starts[k]
                if starts[k + 2] - starts[k + 1] + length < most:
                    yield (new, word[k + 1]), +1, starts[k]
        k += 1
