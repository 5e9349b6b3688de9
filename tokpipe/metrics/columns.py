"""What is asked of two columns before one is scored against the other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokpipe.foundation.errors import InputError


def as_array(what: str, values: ArrayLike) -> NDArray:
    """Return values as an array.

    Raises
    ------
    InputError
        If its rows are not of one length.
    """
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{what} are rows of several lengths; one length is needed") from None


def require_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a value that is none of some words.

    Raises
    ------
    InputError
    """
    if value not in allowed:
        raise InputError(f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}")


def checked_codes(gold: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return two columns of class numbers that can be scored.

    Parameters
    ----------
    gold, predicted : int[N] | uint8[N, C]
        Class numbers from 0, or of each row and label whether it is there (0 or 1).

    Returns
    -------
    gold, predicted : int64[N] | int64[N, C]

    Raises
    ------
    InputError
        If there is nothing, the shapes differ, or a row has no class (-1, NaN, a fraction).
    """
    columns = [as_array("gold labels", gold), as_array("predictions", predicted)]
    _require_same_shape(*columns, dimensions=(1, 2))
    for side, column in zip(("gold", "predicted"), columns, strict=True):
        _require_codes(side, column)
    return columns[0].astype(np.int64), columns[1].astype(np.int64)


def checked_numbers(gold: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return two columns of numbers that can be scored.

    Parameters
    ----------
    gold, predicted : float[N]
        Finite numbers.

    Returns
    -------
    gold, predicted : float64[N]

    Raises
    ------
    InputError
        If there is nothing, the lengths differ, or a number is NaN or infinite.
    """
    columns = [as_array("gold values", gold), as_array("predictions", predicted)]
    _require_same_shape(*columns, dimensions=(1,))
    return _finite("gold", columns[0]), _finite("predicted", columns[1])


def checked_labels(gold: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return a table of labels and one of their probabilities that can be scored.

    Parameters
    ----------
    gold : uint8[N, C]
        Of each row and label whether it is there.
    probabilities : float[N, C]
        Or any other scores that are higher where a label is more likely.

    Returns
    -------
    gold : int64[N, C]
    probabilities : float64[N, C]

    Raises
    ------
    InputError
        If there is nothing, the shapes differ, a label is not 0 or 1, or a probability is NaN or
        infinite.
    """
    truth, scores = as_array("gold labels", gold), as_array("probabilities", probabilities)
    _require_same_shape(truth, scores, dimensions=(2,))
    _require_codes("gold", truth)
    return truth.astype(np.int64), _finite("predicted", scores)


def checked_classes(gold: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return two columns of one class number a row, as `checked_codes` does.

    Raises
    ------
    InputError
        If there are several labels a row.
    """
    truth, guess = checked_codes(gold, predicted)
    if truth.ndim != 1:
        raise InputError("several labels a row are given where one class a row is needed")
    return truth, guess


def _require_same_shape(gold: NDArray, predicted: NDArray, dimensions: tuple[int, ...]) -> None:
    if gold.shape != predicted.shape:
        raise InputError(
            f"gold labels of shape {gold.shape} against predictions of shape {predicted.shape}",
            hint="Give one prediction for each gold label.",
        )
    if not gold.size:
        raise InputError("nothing to score: no rows", hint="Give at least one labelled row.")
    if gold.ndim not in dimensions:
        raise InputError(
            f"labels of {gold.ndim} dimensions; {' or '.join(map(str, dimensions))} are allowed"
        )


def _require_codes(side: str, column: NDArray) -> None:
    if column.dtype.kind not in "biu":
        wrong = column.dtype.kind not in "f" or not np.isfinite(column).all()
        found = "what is no finite number" if wrong else "numbers with a fraction point"
        raise InputError(
            f"{side} labels hold {found} ({column.dtype}); class numbers are integers from 0"
        )
    if column.min() < 0:
        row = int(np.argwhere(column < 0)[0][0])
        raise InputError(
            f"{side} label of row {row + 1:,} is {int(column.min())}: the row has no class",
            hint="Leave out the rows without a label.",
        )
    if column.ndim == 2 and column.max() > 1:
        raise InputError(f"{side} labels hold {int(column.max())}; a label is there (1) or not (0)")


def _finite(side: str, column: NDArray) -> NDArray[np.float64]:
    if column.dtype.kind not in "biuf":
        raise InputError(f"{side} values are of type {column.dtype}; numbers are needed")
    values = column.astype(np.float64)
    if not np.isfinite(values).all():
        place = tuple(np.argwhere(~np.isfinite(values))[0].tolist())
        raise InputError(
            f"{side} value of row {place[0] + 1:,} is {values[place]}",
            hint="Only finite numbers can be scored.",
        )
    return values
