"""What a head of attention does, measured: where its attention goes, how far, and how spread.

References
----------
K. Clark et al., "What Does BERT Look At? An Analysis of BERT's Attention" (2019), 3: heads that
look at the previous token, the next one, the separators, or at all alike.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.tasks.attention import Layout

Shares = NDArray[np.float64]

# where attention may go, in the order of columns; then how spread it is and how far it goes
TARGETS = ("itself", "previous", "next", "cls", "sep", "same_word")
MEASURES = (*TARGETS, "entropy", "distance")
KINDS = (*TARGETS, "wide", "mixed")
_LEAST = 1 / 3  # of all attention, for a head to be named after where it goes
_OFTEN = 2.0  # times as much as even attention would give, likewise
_WIDE = 0.8  # of the greatest entropy that there is


class Kind(NamedTuple):
    """What a head does most."""

    name: str  # of `KINDS`
    share: float  # of all attention; of "wide" the entropy


def measure(weights: NDArray[np.floating], layout: Layout) -> Shares:
    """Measure the heads of one sequence.

    Parameters
    ----------
    weights : float32[A, n, n]
        To which tokens (columns) each one (rows) looks.
    layout
        Of the tokens.

    Returns
    -------
    float64[A, 8]
        In the order of `MEASURES`: shares of all attention that goes to the token itself, to the
        one before it, the one behind it, the ``cls_token``, the separators, and the same word at
        another place; the mean entropy of what a token looks at, as a share of the greatest there
        is; and the mean distance, in tokens.
    """
    heads, count = weights.shape[:2]
    places = np.arange(count)
    distances = np.abs(places - places[:, None])
    logs = np.log(weights, where=weights > 0, out=np.zeros_like(weights))
    tables = np.stack([layout.same, distances], -1).reshape(-1, 2).astype(weights.dtype)
    same, far = (weights.reshape(heads, -1) @ tables).T
    greatest = np.log(count) if count > 1 else 1.0
    sums = (
        *(np.trace(weights, step, axis1=1, axis2=2, dtype=np.float64) for step in (0, -1, 1)),
        weights[:, :, layout.cls].sum((1, 2), dtype=np.float64),
        weights[:, :, layout.sep].sum((1, 2), dtype=np.float64),
        same,
        -(weights * logs).sum((1, 2), dtype=np.float64) / greatest,
        far,
    )
    return np.stack(sums, 1) / count


def even(layout: Layout) -> Shares:
    """Return the measures of attention that goes to all tokens alike: float64[8]."""
    count = len(layout.cls)
    return measure(np.full((1, count, count), 1 / count), layout)[0]


def kind_of(measures: Shares, even: Shares) -> Kind:
    """Name what a head does most.

    It is named after where its attention goes if that gets at least a third of it, and twice as
    much as from even attention; else it is wide if its entropy is at least 0.8 of the greatest.

    Parameters
    ----------
    measures : float64[8]
        Of the head.
    even : float64[8]
        Of even attention on the same text.

    Examples
    --------
    >>> alike = np.array([0.1, 0.09, 0.09, 0.1, 0.1, 0.0, 1.0, 3.3])
    >>> kind_of(np.array([0.1, 0.6, 0.1, 0.1, 0.1, 0.0, 0.5, 2.0]), alike)
    Kind(name='previous', share=0.6)
    >>> kind_of(alike, alike).name
    'wide'
    """
    shares, alike = measures[: len(TARGETS)], even[: len(TARGETS)]
    named = np.where((shares >= _LEAST) & (shares >= _OFTEN * alike), shares, -1.0)
    best = int(named.argmax())
    if named[best] > 0:
        return Kind(TARGETS[best], float(shares[best]))
    entropy = float(measures[len(TARGETS)])
    return Kind("wide" if entropy >= _WIDE else "mixed", entropy)
