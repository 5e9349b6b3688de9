"""What comes of always saying the same: the least that a model must be better than."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokpipe.foundation.errors import InputError


def majority_class(labels: ArrayLike) -> int:
    """Return the class that most rows have, of equally frequent ones the first.

    Parameters
    ----------
    labels : int[N]

    Raises
    ------
    InputError
        If there are none, or a row has no class (-1).

    Examples
    --------
    >>> majority_class([2, 0, 2, 1])
    2
    """
    codes = np.asarray(labels)
    if not codes.size or codes.dtype.kind not in "biu" or codes.min() < 0:
        raise InputError("no majority: there are no labels, or rows without one")
    return int(np.argmax(np.bincount(codes)))


def majority_labels(labels: ArrayLike) -> NDArray[np.int64]:
    """Return of each label whether more than half of the rows have it.

    Parameters
    ----------
    labels : uint8[N, C]

    Returns
    -------
    int64[C]
        0 or 1.

    Raises
    ------
    InputError
        If there are no rows.
    """
    table = np.asarray(labels)
    if table.ndim != 2 or not table.size:
        raise InputError("no majority: there are no rows with labels")
    return (table.mean(axis=0) > 0.5).astype(np.int64)
