"""What a model is fed: rows packed end to end, without padding; and padded, for other models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.shards.schema import IGNORED


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows end to end, and what is to be predicted of them.

    Attributes
    ----------
    input_ids : int32[T]
        Tokens, masked.
    offsets : int32[B + 1]
        Borders of the rows.
    token_type_ids : uint8[T]
        0 up to the first [SEP], 1 in segment B.
    masked_positions : int32[M]
        Indices into the T tokens, ascending.
    masked_ids : int32[M]
        The tokens that stood there.
    next_sentence_label : int32[B] or None
        1 for a random next, or for swapped segments; None if rows are no pairs.
    rows : int64[B, 2]
        Shard and row in it, for messages.
    """

    input_ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    token_type_ids: NDArray[np.uint8]
    masked_positions: NDArray[np.int32]
    masked_ids: NDArray[np.int32]
    next_sentence_label: NDArray[np.int32] | None
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


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
    >>> batch = Batch(flat, np.array([0, 3, 5]), flat * 0, flat[1:2] * 0 + 1, flat[:1], None, None)
    >>> padded(batch, 0)["input_ids"].tolist(), padded(batch, 0)["labels"].tolist()
    ([[2, 7, 3], [2, 3, 0]], [[-100, 2, -100], [-100, -100, -100]])
    """
    lengths = np.diff(batch.offsets)
    present = np.arange(lengths.max(initial=0)) < lengths[:, None]
    labels = np.full(len(batch.input_ids), IGNORED, np.int64)
    labels[batch.masked_positions] = batch.masked_ids
    fields = {
        "input_ids": _spread(batch.input_ids, present, pad_id),
        "attention_mask": present.astype(np.int64),
        "token_type_ids": _spread(batch.token_type_ids, present, 0),
        "labels": _spread(labels, present, IGNORED),
    }
    if batch.next_sentence_label is not None:
        fields["next_sentence_label"] = batch.next_sentence_label.astype(np.int64)
    return fields


def _spread(flat: NDArray, present: NDArray[np.bool_], filler: int) -> NDArray[np.int64]:
    out = np.full(present.shape, filler, np.int64)
    out[present] = flat
    return out
