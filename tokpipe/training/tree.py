"""The tree in which the gradients of the parts of a batch are added up, whoever adds them.

Sums of floats depend on their order. This one follows from the number of parts alone: 0 + 1, 2 + 3
and so on, then 0 + 2, 4 + 6, then 0 + 4. A rank that has some parts in a row adds what lies within
them, and what is left over is added where a slice of the block is owned: no bit depends on how many
ranks there are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Sums(NamedTuple):
    """The tree, dealt to ranks."""

    # int64[M, 2]: what each rank does with its own parts: the second is added to the first
    within: NDArray[np.int64]
    left: tuple[int, ...]  # of its own parts, what is left over then
    # int64[M, 2]: what is done then with all that is left over, counted over all ranks
    across: NDArray[np.int64]


def tree_of(leaves: int) -> NDArray[np.int64]:
    """Return the tree as sums in order, int64[leaves - 1, 2]: the second is added to the first.

    Examples
    --------
    >>> tree_of(5).tolist()
    [[0, 1], [2, 3], [0, 2], [0, 4]]
    """
    sums, reach = [], 1
    while reach < leaves:
        sums += [(left, left + reach) for left in range(0, leaves - reach, 2 * reach)]
        reach *= 2
    return np.array(sums, np.int64).reshape(-1, 2)


def sums_of(leaves: int, ranks: int, rank: int) -> Sums:
    """Deal the tree to ranks that have as many leaves each, in a row; one alone adds all last.

    Examples
    --------
    >>> sums = sums_of(6, 2, 1)  # it has 3, 4 and 5; of 0 to 2 are left over 0 and 2
    >>> sums.within.tolist(), sums.left, sums.across.tolist()
    ([[1, 2]], (0, 1), [[1, 2], [0, 1], [0, 3]])
    """
    tree, each = tree_of(leaves), leaves // ranks
    ends = np.arange(1, leaves + 1)  # behind the last leaf that is in the sum at a leaf
    inside = np.zeros(len(tree), bool)
    for number, (first, second) in enumerate(tree):
        ends[first] = ends[second]
        inside[number] = ranks > 1 and first // each == (ends[first] - 1) // each
    kept = np.setdiff1d(np.arange(leaves), tree[inside, 1])
    own = inside & (tree[:, 0] // each == rank)
    return Sums(
        within=tree[own] - rank * each,
        left=tuple((kept[kept // each == rank] - rank * each).tolist()),
        across=np.searchsorted(kept, tree[~inside]).astype(np.int64).reshape(-1, 2),
    )


def left_by(leaves: int, ranks: int) -> list[int]:
    """Return how many sums each rank is left with."""
    return [len(sums_of(leaves, ranks, rank).left) for rank in range(ranks)]
