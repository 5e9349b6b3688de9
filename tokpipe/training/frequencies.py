"""How often each token and each answer stands in a split: what one knows without reading."""

from collections.abc import Mapping

import numpy as np

from tokpipe.bert.head import Frequencies, Head
from tokpipe.examples.facts import TokenFacts
from tokpipe.shards.reader import Split

_COUNTED = 1 << 24  # tokens looked at: of 16 million the shares are known to a thousandth


def guesses(heads: Mapping[str, Head], frequencies: Frequencies) -> dict[str, float]:
    """Return by the name of each head the loss, in nats, of who knows only the frequencies."""
    found = {name: head.guessing(frequencies) for name, head in heads.items()}
    return {name: float(f"{nats:.7g}") for name, nats in found.items() if nats is not None}


def frequencies_of(split: Split, facts: TokenFacts) -> Frequencies:
    """Count the first 16 million tokens of a split, and the labels beside them.

    Parameters
    ----------
    split
        Of opened shards.
    facts
        Of their vocabulary: special tokens are never masked.
    """
    counts, seen = np.zeros(facts.vocab_size), 0
    labels = np.zeros(2)
    for part in split.parts:
        values = part.input_ids.values[: _COUNTED - seen]
        counts += np.bincount(values, minlength=len(counts))[: len(counts)]
        if part.labels is not None:
            labels += np.bincount(part.labels, minlength=2)[:2]
        seen += len(values)
        if seen >= _COUNTED:
            break
    counts[facts.is_special > 0] = 0
    return Frequencies(counts, labels if labels.any() else None)
