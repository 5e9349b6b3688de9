"""Where the batches of an epoch end."""

import numpy as np

from tokpipe.foundation.jit import kernel


def batch_borders_reference(lengths, order, groups, most_tokens, most_rows):
    borders = [0]
    for begin, end in zip(groups[:-1].tolist(), groups[1:].tolist(), strict=True):
        tokens = 0
        for i in range(begin, end):
            length = int(lengths[order[i]])
            full = tokens + length > most_tokens or i - borders[-1] == most_rows
            if i > borders[-1] and full:
                borders.append(i)
                tokens = 0
            tokens += length
        if end > borders[-1]:
            borders.append(end)
    return np.array(borders, np.int64)


@kernel(reference=batch_borders_reference)
def batch_borders(lengths, order, groups, most_tokens, most_rows):
    """Fill batches with rows in order, each as far as it goes.

    Parameters
    ----------
    lengths : int32[R]
        Tokens of each row.
    order : int64[R]
        The rows, in the order in which they are taken.
    groups : int64[G + 1]
        Borders in the order that no batch crosses.
    most_tokens, most_rows : int
        Of a batch; a row with more tokens makes one by itself.

    Returns
    -------
    int64[N + 1]
        Batch n is the rows ``order[borders[n]:borders[n + 1]]``.
    """
    borders = np.empty(order.size + 1, np.int64)
    borders[0], count = 0, 0
    for group in range(groups.size - 1):
        tokens, begin, end = np.int64(0), groups[group], groups[group + 1]
        for i in range(begin, end):
            length = np.int64(lengths[order[i]])
            if i > borders[count] and (
                tokens + length > most_tokens or i - borders[count] == most_rows
            ):
                count += 1
                borders[count] = i
                tokens = np.int64(0)
            tokens += length
        if end > borders[count]:
            count += 1
            borders[count] = end
    return borders[: count + 1].copy()
