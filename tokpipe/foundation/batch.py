"""A batch: sequences packed end to end, without padding, the same record from loader to kernels.

Sequence ``b`` of ``B`` is tokens ``offsets[b]:offsets[b + 1]`` of ``T``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Sequences end to end, and what is to be learned from them.

    Attributes
    ----------
    input_ids : int32[T]
        Tokens, masked.
    offsets : int32[B + 1]
        Borders of the sequences in the tokens.
    token_type_ids : int32[T] or None
        0 up to the first [SEP], 1 in segment B; None: all 0.
    masked_positions : int32[M] or None
        Indices into the T tokens, ascending.
    masked_ids : int32[M] or None
        The tokens that stood there.
    next_sentence_label : int32[B] or None
        1 for a random next, or for swapped segments; None if sequences are no pairs.
    rows : int64[B, 2] or None
        Shard and row in it, for messages; None: from no shard.
    labels : int32[B] or float32[B] or float32[B, C] or None
        Of each sequence its class, its number, or which of the classes are true of it (0 and 1);
        -1 or NaN where only a teacher says it.
    tag_positions : int32[N] or None
        Indices into the T tokens, ascending: where tags are asked for, the first pieces of words.
    tags : int32[N] or None
        The tags there.
    answer_spans : int32[B, 2] or None
        First and last token of the answer, counted in its sequence; 0, 0: there is none. A row with
        an end outside of its sequence is not learned from.
    soft_targets : float32[N, C] or None
        A teacher's logits, at all places that the head of the job looks at.
    hidden_targets : float32[N, G] or None
        A teacher's last hidden states there, or at the masked positions.
    relation_targets : float32[T, 3G] or None
        Queries, keys and values in a teacher's last layer.
    whole : int32[W] or None
        How many tokens each sequence has of the batch that these are some of, where the others are
        elsewhere; None: these are all.
    """

    input_ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    token_type_ids: NDArray[np.int32] | None = None
    masked_positions: NDArray[np.int32] | None = None
    masked_ids: NDArray[np.int32] | None = None
    next_sentence_label: NDArray[np.int32] | None = None
    rows: NDArray[np.int64] | None = None
    labels: NDArray | None = None
    tag_positions: NDArray[np.int32] | None = None
    tags: NDArray[np.int32] | None = None
    answer_spans: NDArray[np.int32] | None = None
    soft_targets: NDArray[np.float32] | None = None
    hidden_targets: NDArray[np.float32] | None = None
    relation_targets: NDArray[np.float32] | None = None
    whole: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def tokens(self) -> int:
        """How many tokens the whole batch has."""
        return len(self.input_ids) if self.whole is None else int(self.whole.sum())
