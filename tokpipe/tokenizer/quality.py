"""How good a vocabulary is, in four numbers, from counted words."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.words.counts import WordCounts

_MOST_BYTES = 1 << 16


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
    """

    measured_on: str
    tokens_per_word: float
    bytes_per_token: float
    whole_words: float
    unknown_words: float

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
    total, tokens = float(weights.sum()), float(pieces @ weights)
    is_whole = (pieces == 1) & ~is_unknown
    return Quality(
        "held-out texts" if sample is held_out else "the training texts",
        round(tokens / total, 4),
        round(float((ends - starts) @ weights) / max(tokens, 1), 4),
        round(100 * float(weights[is_whole].sum()) / total, 3),
        round(100 * float(weights[is_unknown].sum()) / total, 4),
    )


def _ends(words: Strings) -> NDArray[np.int64]:
    """Return where each word ends for a measurement, at a whole character."""
    ends = np.minimum(words.offsets[1:], words.offsets[:-1] + _MOST_BYTES)
    for i in np.flatnonzero(ends < words.offsets[1:]).tolist():
        while words.data[ends[i]] & 0xC0 == 0x80:
            ends[i] -= 1
    return ends
