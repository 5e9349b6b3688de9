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
    *("tag_positions", "tags", "answer_spans"),
)
_TAUGHT = ("soft_targets", "hidden_targets", "relation_targets")


def prepared(batch: Batch, config: BertConfig) -> Batch:
    """Return a batch with arrays as kernels are compiled for them; copied only if they are not.

    Raises
    ------
    InputError
        If an id, segment, position, label or border would make a kernel reach outside its tables.
    """
    check_input(batch, config)
    kinds: dict[str, type] = dict.fromkeys(_FIELDS, np.int32)
    if config.task == "text":
        kinds["labels"] = np.int32 if config.problem == "classification" else np.float32
    kinds |= dict.fromkeys(_TAUGHT, np.float32)
    arrays = {name: (getattr(batch, name), kind) for name, kind in kinds.items()}
    return replace(batch, **{k: None if a is None else _fit(a, t) for k, (a, t) in arrays.items()})


def _fit(array: NDArray, kind: type) -> NDArray:
    """Return it contiguous, aligned, writable: for another kind kernels would be compiled anew."""
    return np.require(array, kind, ["C", "A", "W"])


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
    _check_job(batch, config)


def _check_job(batch: Batch, config: BertConfig) -> None:
    positions, spans = batch.tag_positions, batch.answer_spans
    _check_range("tag_positions", positions, len(batch.input_ids))
    if config.task == "token":
        count = 0 if positions is None else len(positions)
        _check_range("tags", batch.tags, config.outputs, count)
    if config.task == "text" and batch.labels is not None:
        labels, count = batch.labels, len(batch)
        if batch.soft_targets is not None and len(labels) == count:
            labels = labels[is_labelled(labels)]  # a teacher says what the others are
            count = len(labels)
        _check_labels(labels, count, config)
    if config.task == "span" and spans is not None:
        if spans.shape != (len(batch), 2):
            raise InputError(f"answer_spans has the shape {spans.shape}, not {(len(batch), 2)}")
        _check_range("answer_spans", spans.reshape(-1), 1 << 31)


def is_labelled(labels: NDArray) -> NDArray[np.bool_]:
    """Return which texts have a label: no class is -1, and no number NaN.

    Examples
    --------
    >>> is_labelled(np.array([1, -1, 0])), is_labelled(np.array([[0.5, 1.0], [np.nan, np.nan]]))
    (array([ True, False,  True]), array([ True, False]))
    """
    known = ~np.isnan(labels) if labels.dtype.kind == "f" else np.not_equal(labels, -1)
    return np.logical_and.reduce(known.reshape(len(labels), -1), axis=1)


def _check_labels(labels: NDArray, count: int, config: BertConfig) -> None:
    if config.problem == "classification":
        _check_range("labels", labels, config.outputs, count)
        return
    shapes = [(count, config.outputs), *([(count,)] if config.outputs == 1 else [])]
    if labels.shape not in shapes:
        raise InputError(f"labels has the shape {labels.shape}, not {shapes[-1]}")
    most = 1 if config.problem == "multilabel" else np.inf
    good = np.isfinite(labels) & (np.abs(labels) <= most)
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        raise InputError(f"labels hold {labels.reshape(-1)[bad]} at place {bad}")


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
