"""Word counts to a vocabulary: the run from the alphabet to the last merge."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, distinct
from tokpipe.foundation.doors import described, require
from tokpipe.foundation.errors import ArtifactError, InputError, MemoryLimitError
from tokpipe.foundation.pages import release_freed_memory
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.threads import run_in_threads
from tokpipe.vocab import long_words
from tokpipe.vocab.alphabet import KINDS, Alphabet, build_alphabet
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels.symbols import BIG, BORDER, count_characters, lay_out_words
from tokpipe.vocab.lean_words import LeanWords
from tokpipe.vocab.merger import DuplicateTokenError, Merger
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR, Vocabulary, too_small

R = TypeVar("R")

_BYTES_A_CALL = 16_000_000  # 50 to 100 ms of decoding
_MOST_CELLS = 2**31 - 1  # places are int32
# No count of a character, token or pair can pass what its words have together; and float64, in
# which that is summed, is right to 1e-9 of it.
_MOST_SYMBOLS = 2**63 * (1 - 1e-9)
_FOUR_BYTES = 1 << 21  # what four bytes of broken UTF-8 can decode to: nothing lies outside


class CountedWords(Protocol):
    """What `train` needs of `tokpipe.words.counts.WordCounts`."""

    @property
    def words(self) -> Strings:
        """Each word once, UTF-8, sorted by bytes."""
        ...

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64[W]: how often each word occurs, at least 1."""
        ...


def train(
    counts: CountedWords,
    config: VocabConfig,
    progress: Progress = SILENT,
    *,
    marked_order: Sequence[str] | None = None,
) -> Vocabulary:
    """Learn a vocabulary from word counts.

    The merges and ids are those of `tokenizers.trainers.BpeTrainer`, bit for bit, with the score
    "frequency" and the tie-break "lowest-id". Counts do not overflow: their sums are bounded.

    Parameters
    ----------
    counts
        Words with how often they occur. The order of the words only matters to "first-seen".
    config
        Model, size and rules.
    progress
        Shown the merges done; told when the corpus is too small for the size asked.
    marked_order
        For tests alone: the order of marked symbols, see `tokpipe.vocab.alphabet.build_alphabet`.

    Returns
    -------
    Vocabulary
        Of the largest size asked; `Vocabulary.prefix` gives the others.

    Raises
    ------
    InputError
        If there is no word at all, or what is counted together passes 2^63.
    ArtifactError
        If the words are not UTF-8, or a count is below 1.
    MemoryLimitError
        If the unique words together are longer than 2^31 bytes.
    ConfigError
        If the smallest size asked cannot hold the special tokens and the alphabet.

    References
    ----------
    Sennrich, Haddow and Birch (2016), Neural Machine Translation of Rare Words with Subword
    Units, section 3.2. Schuster and Nakajima (2012), Japanese and Korean Voice Search, section 3
    (the likelihood score).
    """
    require("config", config, VocabConfig, optional=False)
    if not isinstance(getattr(counts, "words", None), Strings):
        raise InputError(
            f"counts are {described(counts)}; word counts are needed",
            hint="Count texts with `count_words`, or make a `WordCounts` of words and counts.",
        )
    _check_counts(counts)
    alphabet, codes = _alphabet(*_characters(counts, config), config, marked_order)
    base_size = len(alphabet.tokens)
    if config.sizes[0] < base_size:
        raise too_small(config.sizes[0], len(config.specials), base_size)
    with progress.task("merging", config.sizes[-1] - base_size, "merges") as report:
        tokens, steps = _merge(counts, config, alphabet, codes, report)
    release_freed_memory()  # the merger's arrays
    vocabulary = Vocabulary(config, tuple(tokens), steps, base_size)
    if vocabulary.missing:
        floor = config.min_frequency
        seldom = f" that occurs {floor:,} times" if floor > 1 else ""
        progress.note(
            f"asked {config.sizes[-1]:,} tokens, reached {len(vocabulary):,}: "
            f"no other pair is left{seldom}"
        )
    return vocabulary


def _check_counts(counts: CountedWords) -> None:
    """Refuse what the kernels cannot take: no words, counts below 1, sums or symbols too many."""
    if not len(counts.words):
        raise InputError("the corpus holds no word", hint="Is the input empty, or only blank?")
    if counts.counts.min() < 1:
        raise ArtifactError(
            f"the word counts hold a count of {counts.counts.min()}; the least is 1",
            hint="Count the words again.",
        )
    # not `@`: BLAS would wait until a thread of its own has woken up, 15 ms on a busy machine
    symbols = float(
        np.einsum("w,w->", counts.counts, np.diff(counts.words.offsets), dtype=np.float64)
    )
    if symbols >= _MOST_SYMBOLS:
        raise InputError(
            f"the words have {symbols:.3g} bytes, each as often as it is counted; "
            "sums of more than 2^63 - 1 cannot be kept",
            hint="Divide all counts by the same number, or count a part of the corpus.",
        )
    if counts.words.nbytes + len(counts.words) >= _MOST_CELLS:
        raise MemoryLimitError(
            f"the unique words hold {counts.words.nbytes} bytes; training takes 2147483647 at most",
            hint="Split longer words with another pre_tokenizer, or count a part of the corpus.",
        )


def _characters(
    counts: CountedWords, config: VocabConfig
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Count each code point (or byte) of the words, and where in its word it stands."""
    codes = 256 if config.model == "byte-bpe" else _FOUR_BYTES
    totals, kinds = count_code_points(counts.words, counts.counts, codes)
    if kinds[0xD800:0xE000].any() or kinds[0x110000:].any():
        raise ArtifactError(
            "the word counts hold bytes that are not UTF-8",
            hint="Count the words again, or train with --model byte-bpe.",
        )
    return totals, kinds


def count_code_points(
    words: Strings, counts: NDArray[np.int64], codes: int = _FOUR_BYTES
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Count code points, or bytes where there are 256 codes.

    Returns
    -------
    totals : int64[codes]
        How often each occurs.
    kinds : uint8[codes]
        Bit k: it occurs as kind k of `tokpipe.vocab.alphabet`.
    """
    totals, kinds = np.zeros(codes, np.int64), np.zeros(codes, np.uint8)
    for a, b in _blocks(words.offsets):
        part = words.data, words.offsets[a : b + 1], counts[a:b]
        _call(partial(count_characters, *part, totals, kinds))
    return totals, kinds


def _alphabet(
    totals: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    config: VocabConfig,
    marked_order: Sequence[str] | None,
) -> tuple[Alphabet, int]:
    """Return the alphabet, and how wide a table by code must be: 256 means bytes."""
    of_bytes = len(totals) == 256
    name = BYTE_TO_CHAR.__getitem__ if of_bytes else chr
    codes = np.flatnonzero(kinds).tolist()
    seen = [(name(c), kind) for c in codes for kind in range(KINDS) if kinds[c] >> kind & 1]
    names = {name(c): int(totals[c]) for c in codes}
    alphabet = build_alphabet(names, seen, config, marked_order)
    return alphabet, 256 if of_bytes else max(257, *codes[-1:]) + 1


def _merge(
    counts: CountedWords,
    config: VocabConfig,
    alphabet: Alphabet,
    codes: int,
    report: Callable[[int], None],
) -> tuple[list[str], NDArray[np.int32]]:
    """Return all tokens and all merges."""
    table, tokens, reported = _symbol_table(alphabet, codes), list(alphabet.tokens), 0

    def count_reported(merges: int) -> None:
        nonlocal reported
        reported += merges
        report(merges)

    try:
        return tokens, _merge_thriftily(counts, config, table, tokens, count_reported)
    except DuplicateTokenError:
        # Once in a blue moon ("##" in the text of a wordpiece corpus): start over, keep all pairs.
        report(-reported)
    tokens, (weights, large) = list(alphabet.tokens), cell_weights(counts.counts)
    cells = _lay_out(counts.words, weights, table, _fewest(config))
    lengths = [1] * len(tokens)
    return tokens, Merger(cells, large, tokens, lengths, config, thrifty=False).run(report)


def _merge_thriftily(
    counts: CountedWords,
    config: VocabConfig,
    table: NDArray[np.int32],
    tokens: list[str],
    report: Callable[[int], None],
) -> NDArray[np.int32]:
    """Return all merges, and append their tokens; keep no pair that cannot be merged any more."""
    weights, large = cell_weights(counts.counts)
    if not long_words.is_worthwhile(counts.words):
        cells, lengths = _lay_out(counts.words, weights, table, _fewest(config)), [1] * len(tokens)
        return Merger(cells, large, tokens, lengths, config, thrifty=True).run(report)
    words = LeanWords(counts.words, counts.counts, table, config)
    merged = long_words.merge_long_words(words, tokens, config, report)
    if merged.words is None:
        return merged.steps
    cells, lengths, steps = long_words.cells_of(words, weights), merged.lengths, merged.steps
    del words, merged  # the lean cells: half of what the cells take
    rest = Merger(cells, large, tokens, lengths[: len(tokens)], config, thrifty=True).run(report)
    return np.concatenate([steps, rest])


def _fewest(config: VocabConfig) -> int:
    """Return how many symbols a word must have: the likelihood score counts lone ones too."""
    return 1 if config.score == "likelihood" else 2


def cell_weights(counts: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return what a cell holds for the count of each word, and the counts that do not fit in."""
    large = distinct(counts[counts >= BIG])
    weights = counts.copy()
    weights[weights >= BIG] = BIG + np.searchsorted(large, weights[weights >= BIG])
    return weights.astype(np.int32), large.astype(np.int64, copy=False)


def _symbol_table(alphabet: Alphabet, codes: int) -> NDArray[np.int32]:
    """int32[4, codes]: the symbol of each character and kind, -1 for what is left out."""
    table = np.full((KINDS, codes), -1, np.int32)
    code = {char: i for i, char in enumerate(BYTE_TO_CHAR)}.__getitem__ if codes == 256 else ord
    for (char, kind), symbol in alphabet.ids.items():
        table[kind, code(char)] = symbol
    return table


def _lay_out(
    words: Strings, weights: NDArray[np.int32], symbols: NDArray[np.int32], fewest: int
) -> NDArray[np.int32]:
    """int32[N, 2]: the words as cells, between borders."""
    cells = np.empty((words.nbytes + len(words) + 1, 2), np.int32)
    cells[0] = BORDER, 0
    at = 1
    for a, b in _blocks(words.offsets):
        offsets = words.offsets[a : b + 1]
        part = words.data, offsets, weights[a:b]
        at = _call(partial(lay_out_words, *part, symbols, fewest, cells, at))[1]
    return cells[:at]


def _call(work: Callable[[], R]) -> R:
    """Call a kernel in a thread: one long word takes it seconds, and signals are answered here."""
    return run_in_threads(lambda _: work(), (), 1)[0]


def _blocks(offsets: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Cut words into runs of about `_BYTES_A_CALL`: (first, behind the last)."""
    ends = np.arange(offsets[0] + _BYTES_A_CALL, offsets[-1], _BYTES_A_CALL)
    cuts = distinct([0, *np.searchsorted(offsets, ends), len(offsets) - 1]).tolist()
    return list(pairwise(cuts))
