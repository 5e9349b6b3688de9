"""A batch made ready for kernels: every value in its range, every array of one type."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import InputError

_FIELDS = (
    *("input_ids", "offsets", "token_type_ids"),
    *("masked_positions", "masked_ids", "next_sentence_label"),
)


def prepared(batch: Batch, config: BertConfig) -> Batch:
    """Return a batch with arrays as kernels are compiled for them; copied only if they are not.

    Raises
    ------
    InputError
        If an id, segment, position, label or border would make a kernel reach outside its tables.
    """
    check_input(batch, config)
    arrays = {name: getattr(batch, name) for name in _FIELDS}
    return replace(batch, **{k: None if a is None else _fit(a) for k, a in arrays.items()})


def _fit(array: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return it contiguous, aligned, writable: for another kind kernels would be compiled anew."""
    return np.require(array, np.int32, ["C", "A", "W"])


def check_input(batch: Batch, config: BertConfig) -> None:
    """Refuse a batch that would make a kernel reach outside its tables.

    Raises
    ------
    InputError
        If an id, segment, position, label or border is out of range.
    """
    ids, offsets = batch.input_ids, batch.offsets
    _check_offsets(offsets, len(ids), config.longest)
    _check_range("input_ids", ids, config.vocab_size, len(ids))
    _check_range("token_type_ids", batch.token_type_ids, max(config.type_vocab_size, 1), len(ids))
    positions, labels = batch.masked_positions, batch.masked_ids
    _check_range("masked_positions", positions, len(ids))
    if labels is not None:
        _check_range(
            "masked_ids", labels, config.vocab_size, 0 if positions is None else len(positions)
        )
    _check_range("next_sentence_label", batch.next_sentence_label, 2, len(offsets) - 1)


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
