"""Further merges on words that are cut into pieces of a vocabulary already."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels.symbols import BORDER
from tokpipe.vocab.merger import DuplicateTokenError, Merger
from tokpipe.vocab.train import cell_weights

_MOST_CELLS = 2**31 - 1  # places are int32


class Pieces(NamedTuple):
    """Words as the ids of a vocabulary."""

    ids: NDArray[np.int32]  # of all words, end to end; below 0: nothing that can be merged
    sizes: NDArray[np.int32]  # int32[W]: how many pieces each word has
    counts: NDArray[np.int64]  # int64[W]: how often each word occurs


def train_further(
    pieces: Pieces,
    tokens: Sequence[str],
    lengths: Sequence[int],
    config: VocabConfig,
    report: Callable[[int], None],
) -> tuple[list[str], NDArray[np.int32]]:
    """Merge on from where a vocabulary left its words.

    Every new token has one merge, and none makes a token that is known: so the pieces of old text
    are those of before, joined here and there, and each new token is the same pieces always.

    Parameters
    ----------
    pieces
        The words; of what occurs together at most 2^63.
    tokens
        The vocabulary; "" where an id has no token.
    lengths
        How many characters each has.
    config
        The size to reach, the old tokens included, and the rules of merging.

    Returns
    -------
    tokens : list of str
        The new ones, by id.
    merges : int32[M, 3]
        (left, right, new) of each, in order.

    Raises
    ------
    MemoryLimitError
        If the unique words have more than 2^31 pieces together.
    """
    done = 0

    def count_reported(merges: int) -> None:
        nonlocal done
        done += merges
        report(merges)

    def merged(*, thrifty: bool) -> tuple[list[str], NDArray[np.int32]]:
        cells, large = _lay_out(pieces, 1 if config.score == "likelihood" else 2)
        known = list(tokens)
        merger = Merger(cells, large, known, lengths, config, thrifty=thrifty)
        return known, merger.run(count_reported)

    try:
        known, steps = merged(thrifty=True)
    except DuplicateTokenError:
        report(-done)
        known, steps = merged(thrifty=False)
    before = np.maximum.accumulate(np.concatenate([[len(tokens) - 1], steps[:, 2]]))[:-1]
    return known[len(tokens) :], steps[steps[:, 2] > before]


def _lay_out(pieces: Pieces, fewest: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return words of so many pieces or more as cells, int32[N, 2], and the large counts."""
    weights, large = cell_weights(pieces.counts)
    kept = pieces.sizes >= fewest
    ids, sizes = pieces.ids[np.repeat(kept, pieces.sizes)], pieces.sizes[kept].astype(np.int64)
    count = len(ids) + len(sizes) + 1
    if count >= _MOST_CELLS:
        raise MemoryLimitError(
            f"the unique words have {len(ids):,} pieces; 2,147,483,647 are possible at most",
            hint="Extend the vocabulary on a part of the text.",
        )
    cells = np.zeros((count, 2), np.int32)
    borders = np.concatenate([[0], np.cumsum(sizes + 1)])
    is_piece = np.ones(count, np.bool_)
    is_piece[borders] = False
    cells[is_piece, 0] = ids
    cells[is_piece, 1] = np.repeat(weights[kept], sizes)
    cells[borders] = BORDER, 0
    cells[cells[:, 0] < 0] = BORDER, 0
    return cells, large
