"""Lines of words as sentences: which lines, and where sentences begin."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.sizes import plural
from tokpipe.labelled.fields import Fields

DOCUMENT = b"-DOCSTART-"  # begins a line that ends a sentence, and is no word
MOST_WORDS = 10_000  # of a sentence: more are a file whose sentences are not told apart


class Rows(NamedTuple):
    """The lines of words (int64[W]), the sentences in them, and what was left out."""

    lines: NDArray[np.int64]
    borders: NDArray[np.int64]
    left_out: dict[str, int]


def rows_of(name: str, fields: Fields, lines: NDArray[np.int64], left_out: dict[str, int]) -> Rows:
    """Return some lines, of a word each, as sentences.

    Raises
    ------
    InputError
        If there are none, or no blank line stands where a sentence must have ended.
    """
    if not len(lines):
        raise InputError(f"{name}: no words")
    ends = fields.blank | fields.starts_with(np.arange(len(fields.blank)), DOCUMENT)
    sentence = np.cumsum(ends)[lines]
    inner = np.flatnonzero(np.diff(sentence)) + 1
    borders = np.concatenate([[0], inner, [len(lines)]]).astype(np.int64)
    _check_lengths(name, lines, borders)
    return Rows(lines, borders, left_out)


def check_counts(
    name: str, fields: Fields, lines: NDArray[np.int64], count: int, wanted: str
) -> None:
    """Refuse lines with another number of fields than is wanted, which `wanted` says in words."""
    wrong = fields.counts()[lines] != count
    if wrong.any():
        line = int(lines[wrong.argmax()])
        found = plural(int(fields.counts()[line]), "field")
        between = "tabs" if fields.tabs else "spaces"
        hint = f"Fields stand between {between}; a blank line ends a sentence."
        raise InputError(f"{name}:{line + 1}: {found}, {wanted}", hint=hint)


def _check_lengths(name: str, lines: NDArray[np.int64], borders: NDArray[np.int64]) -> None:
    lengths = np.diff(borders)
    if lengths.max() > MOST_WORDS:
        line = int(lines[borders[lengths.argmax()]])
        problem = f"{name}:{line + 1}: {int(lengths.max()):,} words without a blank line"
        hint = f"A blank line ends a sentence, which has at most {MOST_WORDS:,} words."
        raise InputError(problem, hint=hint)
