"""Batches for other models: all rows as long as the longest."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.batch import Batch
from tokpipe.shards.schema import IGNORED


def padded(batch: Batch, pad_id: int) -> dict[str, NDArray[np.int64]]:
    """Return the batch with all rows as long as the longest, as transformers' models take it.

    Returns
    -------
    dict
        ``input_ids``, ``attention_mask``, ``token_type_ids`` and ``labels`` (-100 where nothing is
        asked), int64[B, S]; ``next_sentence_label``, int64[B], if the rows are pairs.

    Examples
    --------
    >>> flat = np.array([2, 7, 3, 2, 3], np.int32)
    >>> batch = Batch(flat, np.array([0, 3, 5]), flat * 0, flat[1:2] * 0 + 1, flat[:1])
    >>> padded(batch, 0)["input_ids"].tolist(), padded(batch, 0)["labels"].tolist()
    ([[2, 7, 3], [2, 3, 0]], [[-100, 2, -100], [-100, -100, -100]])
    """
    lengths = np.diff(batch.offsets)
    present = np.arange(lengths.max(initial=0)) < lengths[:, None]
    labels = np.full(len(batch.input_ids), IGNORED, np.int64)
    if batch.masked_positions is not None and batch.masked_ids is not None:
        labels[batch.masked_positions] = batch.masked_ids
    segments = batch.token_type_ids
    fields = {
        "input_ids": _spread(batch.input_ids, present, pad_id),
        "attention_mask": present.astype(np.int64),
        "token_type_ids": _spread(0 * labels if segments is None else segments, present, 0),
        "labels": _spread(labels, present, IGNORED),
    }
    if batch.next_sentence_label is not None:
        fields["next_sentence_label"] = batch.next_sentence_label.astype(np.int64)
    return fields


def _spread(flat: NDArray, present: NDArray[np.bool_], filler: int) -> NDArray[np.int64]:
    out = np.full(present.shape, filler, np.int64)
    out[present] = flat
    return out
