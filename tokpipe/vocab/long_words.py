"""Merges of long words, for which the `Merger` would take more memory than there is.

A word of 100 MB costs 0.6 GB here, and would cost 2.8 GB there. While the next pair takes a good
share of the symbols away, the words are read through for each merge, and shrink; else for each
round of many (see rounds.py). What is short enough in the end goes to cells.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.pages import release_compiler_pages
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels import lean_words as kernels
from tokpipe.vocab.lean_words import LeanWords, Pairs
from tokpipe.vocab.merger import Spelling
from tokpipe.vocab.rounds import merge_round

_MANY = 1 << 24  # symbols: 128 MB of cells, and 64 MB of places
_ENOUGH = 1 << 22  # symbols that are left to the cells
_LEAST_SHARE = 1 / 32  # of the symbols that a merge by reading has to take away
_CELLS_A_CALL = 1 << 24  # 30 to 80 ms, as in lean_words.py


class Merged(NamedTuple):
    """What is merged already, and what is left to merge."""

    steps: NDArray[np.int32]  # int32[E, 3]: (left, right, new) of each merge
    words: LeanWords | None  # None if nothing is left
    lengths: NDArray[np.int32]  # int32[V]: how many characters each token has


def is_worthwhile(words: Strings) -> bool:
    """Say whether words are long enough, together, for `merge_long_words`."""
    return words.nbytes >= _MANY


def merge_long_words(
    words: LeanWords,
    tokens: list[str],
    config: VocabConfig,
    report: Callable[[int], None],
) -> Merged:
    """Merge until nothing is left to merge, or the words are short enough for a `Merger`.

    Words are merged in place; new tokens are appended to those before the first merge.

    Raises
    ------
    DuplicateTokenError
        If a token turns up a second time.
    """
    spelling, size = Spelling(tokens, config.prefix), config.sizes[-1]
    lengths = np.zeros(min(size, len(tokens) + len(words.cells)) + 1, np.int32)
    lengths[: len(tokens)] = 1
    steps: list[NDArray[np.int32]] = []
    pairs = words.read(lengths)
    release_compiler_pages()
    while len(pairs.rows) and len(tokens) < size and len(words.cells) > _ENOUGH:
        if pairs.commonness >= len(words.cells) * _LEAST_SHARE:
            pairs, step = _merge_first(words, pairs, lengths, spelling)
            steps.append(step)
            report(1)
        else:
            steps += merge_round(words, pairs, lengths, spelling, config, report)
            if len(tokens) < size:
                pairs = words.read(lengths)
    left = words if len(pairs.rows) and len(tokens) < size else None
    return Merged(np.concatenate([np.zeros((0, 3), np.int32), *steps]), left, lengths)


def _merge_first(
    words: LeanWords, pairs: Pairs, lengths: NDArray[np.int32], spelling: Spelling
) -> tuple[Pairs, NDArray[np.int32]]:
    """Merge the first pair by reading; return what pairs there are then, and the merge."""
    pair, new = int(pairs.rows[0, 0]), len(spelling.tokens)
    left, right = pair >> 32, pair & 0xFFFFFFFF
    step = np.array([[left, right, new]], np.int32)
    spelling.add(step, repeats=False)
    lengths[new] = lengths[left] + lengths[right]
    return words.read(lengths, pair, new), step


def cells_of(words: LeanWords, weights: NDArray[np.int32]) -> NDArray[np.int32]:
    """int32[N, 2]: words that were just read as the cells of a `Merger`.

    `weights`, int32[W], is what a cell holds for the count of each word, the words without symbols
    among them.
    """
    cells, cursor = (
        np.empty((len(words.cells), 2), np.int32),
        np.array([(1, 0, 0, 0)], kernels.READING),
    )
    cells[0] = words.cells[0], 0
    kept = weights[words.kept]
    while kernels.to_cells(words.cells, kept, cells, cursor, _CELLS_A_CALL) < len(words.cells):
        pass
    return cells
