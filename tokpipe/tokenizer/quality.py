"""How good a vocabulary is, in four numbers, from counted words."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.words.counts import WordCounts

_MOST_BYTES = 1 << 16  # of a word: as much as is merged in one window, and enough for a share
WORTH_A_WARNING = 0.01  # the share of unknown words from which on a vocabulary does not fit


@dataclass(frozen=True, slots=True)
class Quality:
    """What a vocabulary does to a text.

    Attributes
    ----------
    measured_on : str
        "held-out texts", or "the training texts" where none were held out.
    tokens_per_word, bytes_per_token : float
        Means over all words of the text, each as often as it stands there.
    whole_words : float
        Per cent of the words that are one token.
    unknown_words : float
        Per cent of the words in which something is unknown.
    too_long_words : float
        Per cent of the words that are unknown because of their length alone.
    """

    measured_on: str
    tokens_per_word: float
    bytes_per_token: float
    whole_words: float
    unknown_words: float
    too_long_words: float

    def to_dict(self) -> dict[str, str | float]:
        """Return plain JSON types."""
        return asdict(self)


def measure(tokenizer: Tokenizer, counts: WordCounts, threads: int | None = None) -> Quality:
    """Measure a vocabulary on the held-out words of `counts`, or on all if none are held out.

    Every unique word is encoded once and weighs as much as it occurs; of a word of more than
    `_MOST_BYTES` only the beginning counts (a genome on one line took four times its training).
    """
    held_out = counts.held_out
    sample = held_out if held_out is not None and len(held_out) else counts
    words, weights = sample.words, sample.counts.astype(np.float64)  # sums may pass 63 bits
    starts, ends = words.offsets[:-1], _ends(words)
    pieces, ids, _ = tokenizer.engine.encode_spans(words.data, starts, ends, threads)
    unknown = tokenizer.ids.get(tokenizer.spec.unk_token or "", -1)
    borders = np.concatenate([[0], np.cumsum(pieces)])
    unknowns = np.concatenate([[0], np.cumsum(ids == unknown)])[borders]
    is_unknown = (np.diff(unknowns) > 0) | (pieces == 0)
    # not `@`, which waits for the threads of BLAS
    total, tokens = float(weights.sum()), float(np.einsum("w,w->", pieces, weights))
    is_whole = (pieces == 1) & ~is_unknown
    is_too_long = is_unknown & too_long_words(tokenizer, words, is_unknown)
    return Quality(
        "held-out texts" if sample is held_out else "the training texts",
        round(tokens / total, 4),
        round(float(np.einsum("w,w->", ends - starts, weights)) / max(tokens, 1), 4),
        round(100 * float(weights[is_whole].sum()) / total, 3),
        round(100 * float(weights[is_unknown].sum()) / total, 4),
        round(100 * float(weights[is_too_long].sum()) / total, 4),
    )


def longest_word(spec: Spec) -> int | None:
    """Return how many characters a word may have to be looked up; None for any number."""
    has_limit = spec.model in (ModelKind.WORDPIECE, ModelKind.FOREIGN)
    return spec.max_input_chars_per_word if has_limit else None


def unknown_warning(
    words: float, unknown: float, too_long: float | None = None, *, longest: int | None = 100
) -> str:
    """Return what to tell a person whose vocabulary does not fit a text; empty if it fits.

    Parameters
    ----------
    words
        How many words the text has (or 100, if the others are per cent).
    unknown
        How many of them are unknown; up to one in a hundred is nothing to tell.
    too_long
        How many of those are longer than `longest`; None where nobody counted them.
    longest
        How many characters a word may have, by `longest_word`.

    Examples
    --------
    >>> unknown_warning(100, 0.5)
    ''
    >>> unknown_warning(100, 20, 20).split(":")[0]
    '20.0 % of the words are unknown to the vocabulary'
    """
    if unknown <= words * WORTH_A_WARNING:
        return ""
    long, strange = f"longer than {longest} characters", "characters outside its alphabet"
    lift, widen = "--max-input-chars-per-word", "a greater --limit-alphabet"
    if too_long is None and longest is None:
        causes, cures = [f"they have {strange}"], [widen]
    elif too_long is None:
        causes, cures = [f"they are {long}, or have {strange}"], [lift, widen]
    else:
        found = (too_long, f"are {long}", lift), (unknown - too_long, f"have {strange}", widen)
        reasons = [(100 * share / words, *text) for share, *text in found if share > 0]
        causes = [f"{share:.1f} % {cause}" for share, cause, _ in reasons]
        cures = [cure for _, _, cure in reasons]
    return (
        f"{100 * unknown / words:.1f} % of the words are unknown to the vocabulary: "
        f"{', '.join(causes)}; train one with {' and '.join(cures)}, "
        "or with --model byte-bpe, to which nothing is unknown"
    )


def too_long_words(
    tokenizer: Tokenizer, words: Strings, is_unknown: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say which words WordPiece does not look up, for they have too many characters."""
    longest, lengths = tokenizer.spec.max_input_chars_per_word, np.diff(words.offsets)
    too_long = lengths > longest  # bytes, which are no fewer than characters
    if longest_word(tokenizer.spec) is None or not (too_long & is_unknown).any():
        return np.zeros(len(words), np.bool_)
    begins = words.data[: words.offsets[-1]] & 0xC0 != 0x80
    for i in np.flatnonzero(too_long & is_unknown).tolist():
        too_long[i] = np.count_nonzero(begins[words.offsets[i] : words.offsets[i + 1]]) > longest
    return too_long


def _ends(words: Strings) -> NDArray[np.int64]:
    """Return where each word ends for a measurement, at a whole character."""
    ends = np.minimum(words.offsets[1:], words.offsets[:-1] + _MOST_BYTES)
    for i in np.flatnonzero(ends < words.offsets[1:]).tolist():
        while words.data[ends[i]] & 0xC0 == 0x80:
            ends[i] -= 1
    return ends
