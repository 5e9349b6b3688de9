"""What goes into the model: sequences packed end to end, without padding.

Sequence ``b`` of ``B`` is tokens ``offsets[b]:offsets[b + 1]`` of ``T``. The field names are those
of `tokpipe.batches.batch.Batch`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.errors import InputError


class PackedInput(NamedTuple):
    """Sequences end to end, and what is to be learned from them.

    Attributes
    ----------
    input_ids : int32[T]
        The tokens.
    offsets : int32[B + 1]
        Borders of the sequences in the tokens.
    token_type_ids : int32[T] or None
        Segment of each token; None: all 0.
    masked_positions : int32[M] or None
        Places in the T tokens at which the MLM head works.
    masked_ids : int32[M] or None
        The tokens to be found there.
    next_sentence_label : int32[B] or None
        0: the second segment follows the first, 1: it is a random one.
    """

    input_ids: NDArray[np.integer]
    offsets: NDArray[np.integer]
    token_type_ids: NDArray[np.integer] | None = None
    masked_positions: NDArray[np.integer] | None = None
    masked_ids: NDArray[np.integer] | None = None
    next_sentence_label: NDArray[np.integer] | None = None


def check_input(packed: PackedInput, config: BertConfig) -> None:
    """Refuse a batch that would make a kernel reach outside its tables.

    Raises
    ------
    InputError
        If an id, segment, position, label or border is out of range.
    """
    ids, offsets = packed.input_ids, packed.offsets
    _check_offsets(offsets, len(ids), config.longest)
    _check_range("input_ids", ids, config.vocab_size, len(ids))
    _check_range("token_type_ids", packed.token_type_ids, max(config.type_vocab_size, 1), len(ids))
    positions, labels = packed.masked_positions, packed.masked_ids
    _check_range("masked_positions", positions, len(ids))
    if labels is not None:
        _check_range(
            "masked_ids", labels, config.vocab_size, 0 if positions is None else len(positions)
        )
    _check_range("next_sentence_label", packed.next_sentence_label, 2, len(offsets) - 1)


def _check_offsets(offsets: NDArray[np.integer], tokens: int, longest: int | None) -> None:
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != tokens:
        raise InputError(f"offsets must run from 0 to the {tokens} tokens")
    lengths = np.diff(offsets)
    if len(lengths) and lengths.min() < 1:
        raise InputError(f"sequence {int(lengths.argmin())} of the batch has no token")
    if longest is not None and len(lengths) and lengths.max() > longest:
        raise InputError(
            f"sequence {int(lengths.argmax())} of the batch has {int(lengths.max())} tokens; "
            f"the position table has room for {longest}",
            hint="Cut the text, or train with more max_position_embeddings.",
        )


def _check_range(
    name: str, values: NDArray[np.integer] | None, limit: int, length: int | None = None
) -> None:
    if values is None:
        return
    if length is not None and len(values) != length:
        raise InputError(f"{name} has {len(values)} values; {length} are needed")
    if len(values) and not (values.min() >= 0 and values.max() < limit):
        bad = int(np.flatnonzero((values < 0) | (values >= limit))[0])
        raise InputError(f"{name}[{bad}]={int(values[bad])} is outside 0 to {limit - 1}")
