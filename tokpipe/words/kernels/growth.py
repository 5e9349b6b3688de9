"""Arrays that grow while a kernel fills them."""

import numpy as np

from tokpipe.foundation.jit import compiled_helper


@compiled_helper
def larger(array, least):
    """Return a copy of at least twice the size, and no less than asked."""
    longer = np.empty(max(least, 2 * array.size), array.dtype)
    for i in range(array.size):  # assigning a slice would cost 3 s of compilation
        longer[i] = array[i]
    return longer
