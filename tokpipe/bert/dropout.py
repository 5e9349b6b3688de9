"""What dropout is for one pass over a batch: a key a place, a threshold, a scale."""

from typing import NamedTuple

import numpy as np

from tokpipe.foundation.seeds import child_key_reference


class Dropout(NamedTuple):
    """One dropout: handed to kernels as three arguments."""

    key: np.uint64  # of the draws
    threshold: np.uint32  # a value is dropped if its draw is below; 0 drops none
    scale: float  # what the kept values are multiplied by


NO_DROPOUT = Dropout(np.uint64(0), np.uint32(0), 1.0)


def dropout_at(key: int | None, probability: float, place: int) -> Dropout:
    """Return the dropout at one place of the model.

    Parameters
    ----------
    key
        Of this pass over the batch; None: nothing is dropped.
    probability
        Share to drop.
    place
        Which dropout of the model it is: 0 the embeddings, then three a layer, then those of the
        head of a job.
    """
    if key is None or not probability:
        return NO_DROPOUT
    threshold = round(probability * 2**32)
    scale = 1 / (1 - threshold / 2**32)
    return Dropout(np.uint64(child_key_reference(int(key), place)), np.uint32(threshold), scale)
