"""Training one merge at a time with everything that decided it, for `explain` and small inputs."""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.reference import Corpus, Words, corpus_of, merges_of
from tokpipe.vocab.vocabulary import new_token


@dataclass(frozen=True)
class PairRow:
    """One line of the pair table."""

    # `left`, `right`: the tokens of the pair
    left: str
    right: str
    count: int  # how often they stand side by side
    # `left_count`, `right_count`: how often each stands anywhere
    left_count: int
    right_count: int
    score: Fraction  # the count, or count / (left_count * right_count) for the likelihood
    allowed: bool  # whether the count reaches `min_frequency`
    best: bool  # whether the score is the greatest of the allowed ones: several best rows are a tie


@dataclass(frozen=True)
class MergeStep:
    """One merge: what stood before it, and what was chosen."""

    words: list[tuple[list[str], int]]  # the words as they were cut before the merge
    table: list[PairRow]  # every pair of those words: best score first, then in order of appearance
    # `left`, `right`, `token`: the chosen pair and the token that it makes
    left: str
    right: str
    token: str
    id: int  # the token's id

    @property
    def chosen(self) -> PairRow:
        """The row of the pair that was merged."""
        return next(row for row in self.table if (row.left, row.right) == (self.left, self.right))

    @property
    def ties(self) -> list[PairRow]:
        """The rows with the same score that the tie-break left out."""
        return [row for row in self.table if row.best and row is not self.chosen]


@dataclass(frozen=True)
class Trace:
    """The steps of a training run, and where it ended."""

    alphabet: list[str]  # the tokens before the first merge, special ones included
    steps: list[MergeStep]
    words: list[tuple[list[str], int]]  # the words as they are cut after the last step
    tokens: list[str]  # all tokens after the last step, by id


def trace_merges(words: Words, config: VocabConfig, steps: int) -> Trace:
    """Train on a few words and keep what decided each of the first merges.

    Words stand in the order in which they were seen. `vocab_size` does not stop it, `steps` does,
    if there are so many.

    Examples
    --------
    >>> config = VocabConfig(model="bpe", special_tokens=(), tie_break="first-seen")
    >>> [step.token for step in trace_merges({"aaabdaaabac": 1}, config, 3).steps]
    ['aa', 'ab', 'aaab']
    """
    unbounded = VocabConfig.from_dict({**config.to_dict(), "vocab_size": [1 << 40]})
    corpus = corpus_of(words, unbounded)
    alphabet = list(corpus.tokens)
    done: list[MergeStep] = []
    merges = merges_of(corpus)
    candidate = next(merges, None)
    while candidate is not None and len(done) < steps:
        left, right = (corpus.tokens[i] for i in candidate.pair)
        token = new_token(left, right, config.prefix)
        id = corpus.tokens.index(token) if token in corpus.tokens else len(corpus.tokens)
        done.append(MergeStep(_spelled(corpus), _table(corpus), left, right, token, id))
        candidate = next(merges, None)  # carries out the merge before it chooses the next
    return Trace(alphabet, done, _spelled(corpus), list(corpus.tokens))


def _spelled(corpus: Corpus) -> list[tuple[list[str], int]]:
    spelled = ([corpus.tokens[i] for i in word] for word in corpus.words)
    return list(zip(spelled, corpus.weights, strict=True))


def _table(corpus: Corpus) -> list[PairRow]:
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    for word, weight in zip(corpus.words, corpus.weights, strict=True):
        for pair in pairwise(word):
            counts[pair] += weight
    totals, config = corpus.token_counts(), corpus.config
    likelihood = config.score == "likelihood"
    scores = {
        (a, b): Fraction(n, totals[a] * totals[b] if likelihood else 1)
        for (a, b), n in counts.items()
    }
    allowed = {pair for pair, n in counts.items() if n >= max(1, config.min_frequency)}
    best = max((scores[pair] for pair in allowed), default=None)
    rows = [
        PairRow(
            left=corpus.tokens[a],
            right=corpus.tokens[b],
            count=n,
            left_count=totals[a],
            right_count=totals[b],
            score=scores[a, b],
            allowed=(a, b) in allowed,
            best=(a, b) in allowed and scores[a, b] == best,
        )
        for (a, b), n in counts.items()
    ]
    return sorted(rows, key=lambda row: (not row.best, -row.score))
