"""Arrow columns of texts to Arrow columns of ids, without a Python object a text.

The texts are read where they stand; only the block at the end of a buffer is copied, because the
kernels look a few bytes past a text.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokpipe.foundation.arrays import PADDING, Strings, padded
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer.blocks import BLOCK_BYTES, Ids, join_ids
from tokpipe.tokenizer.encoding import whole_multiple
from tokpipe.tokenizer.kernels.ranges import copy_ranges
from tokpipe.tokenizer.rows import Finish, finished
from tokpipe.tokenizer.spec import Padding, Spec
from tokpipe.tokenizer.texts import described

_TYPES = {"int32": (np.int32, pa.int32()), "uint16": (np.uint16, pa.uint16())}
_LARGEST = {"uint16": 1 << 16}


class EncodesStrings(Protocol):
    """What a column needs of a tokenizer."""

    spec: Spec

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        ...

    def encode_strings(
        self, texts: Strings, *, threads: int | None = None, line_ends: bool = True
    ) -> list[Ids]:
        """Encode texts to ids, in blocks."""
        ...


def encode_column(
    tokenizer: EncodesStrings,
    column: Any,
    add_special_tokens: bool,
    dtype: str,
    threads: int | None,
) -> Any:
    """Encode a column; see `Tokenizer.encode_arrow`.

    Raises
    ------
    ConfigError
        If the column is of another type, or the ids do not fit into `dtype`.
    InputError
        If a text is not UTF-8.
    """
    check_dtype(dtype, tokenizer.vocab_size)
    if not isinstance(column, pa.Array | pa.ChunkedArray):
        raise InputError(
            f"{described(column)}, an Arrow column of strings is needed",
            hint="Make one with pyarrow.array(texts), or take encode_batch for lists.",
        )
    is_chunked = isinstance(column, pa.ChunkedArray)
    chunks, padding = column.chunks if is_chunked else [column], tokenizer.spec.padding
    finish = Finish(tokenizer.spec.template, add_special_tokens, tokenizer.spec.truncation)

    def encode(chunk: pa.Array) -> list[Ids]:
        _check_text(chunk)
        return [
            finished(ids, borders, finish)
            for texts in _texts(chunk)
            for ids, borders in tokenizer.encode_strings(texts, threads=threads)
        ]

    parts: Iterable[list[Ids]] = map(encode, chunks)
    if padding is not None:
        parts = list(parts)
        longest = longest_of(borders for blocks in parts for _, borders in blocks)
        parts = [[filled(*ids, padding, longest) for ids in blocks] for blocks in parts]
    arrays = [
        _to_arrow(chunk, blocks, tokenizer.vocab_size, dtype, threads)
        for chunk, blocks in zip(chunks, parts, strict=True)
    ]
    return pa.chunked_array(arrays, list_type(column.type, dtype)) if is_chunked else arrays[0]


def check_dtype(dtype: str, vocab_size: int) -> None:
    """Refuse a type of ids that is none, or that the vocabulary does not fit into."""
    if dtype not in _TYPES:
        raise ConfigError(f"dtype={dtype!r} is not one of {', '.join(_TYPES)}")
    if vocab_size > _LARGEST.get(dtype, 1 << 31):
        raise ConfigError(
            f"dtype={dtype}: a vocabulary of {vocab_size:,} does not fit", hint="Use int32."
        )


def list_type(text_type: pa.DataType, dtype: str) -> pa.DataType:
    """Return the type of the ids of a column: large lists for large strings."""
    value = _TYPES[dtype][1]
    return pa.large_list(value) if _is_large(text_type) else pa.list_(value)


def _is_large(text_type: pa.DataType) -> bool:
    return pa.types.is_large_string(text_type) or pa.types.is_large_binary(text_type)


def _check_text(column: pa.Array) -> None:
    """Refuse what is no text: the kernels look code points up, and trust that they are some.

    Arrow itself trusts what files say; the whole check takes 15 ms for 100 MB.
    """
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    if not any(kind(column.type) for kind in (*kinds, pa.types.is_large_binary)):
        raise ConfigError(
            f"a column of {column.type} cannot be encoded, strings are needed",
            hint="Cast it: column.cast(pyarrow.string()).",
        )
    is_large = pa.types.is_large_binary(column.type)
    is_bytes = is_large or pa.types.is_binary(column.type)
    try:
        text = column.cast(pa.large_string() if is_large else pa.string()) if is_bytes else column
        text.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InputError(f"the column holds what is no text: {error}") from error


def _texts(column: pa.Array) -> list[Strings]:
    """Return the texts of a column where they stand, and the last block with padding behind it."""
    if column.null_count or not len(column) or column.buffers()[2] is None:
        return [Strings.from_arrow(column)]
    width = np.int64 if _is_large(column.type) else np.int32
    offsets = np.frombuffer(column.buffers()[1], width)[column.offset :][: len(column) + 1]
    offsets = offsets.astype(np.int64, copy=False)
    data = np.frombuffer(column.buffers()[2], np.uint8)
    safe = len(data) - PADDING - 1  # below 0 where there is hardly any text
    cut = int(np.searchsorted(offsets, safe, side="right")) - 1
    while 0 < cut < len(column) and offsets[-1] - offsets[cut] < BLOCK_BYTES // 64:
        cut -= 1  # one text may be all that is near the end, and blocks are to be of some size
    cut = max(0, min(cut, len(column)))
    start, end = int(offsets[cut]), int(offsets[-1])
    tail = Strings(padded(data[start:end]), offsets[cut:] - start)
    return [Strings(data, offsets[: cut + 1]), tail] if cut else [tail]


def longest_of(borders: Iterable[NDArray[np.int64]]) -> int:
    """Return the length of the longest of many lists, 0 for none."""
    return max((int(np.diff(part).max(initial=0)) for part in borders), default=0)


def filled(
    ids: NDArray[np.int32], borders: NDArray[np.int64], padding: Padding, longest: int | None = None
) -> Ids:
    """Fill lists of ids to one length; to the longest of a batch, which None takes each list for.

    Examples
    --------
    >>> ids, borders = np.array([5, 6, 7], np.int32), np.array([0, 1, 3])
    >>> [part.tolist() for part in filled(ids, borders, Padding(multiple_of=2))]
    [[5, 0, 6, 7], [0, 2, 4]]
    """
    sizes = np.diff(borders)
    wanted = padding.length if padding.length is not None else longest
    targets = sizes if wanted is None else np.full(len(sizes), wanted)
    lengths = np.maximum(sizes, whole_multiple(targets, padding))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    firsts = offsets[1:] - sizes if padding.direction == "left" else offsets[:-1]
    out = np.full(offsets[-1], padding.pad_id, np.int32)
    copy_ranges(ids, borders[:-1], borders[1:], out, firsts)
    return out, offsets


def large_lists(
    ids: NDArray[np.int32], borders: NDArray[np.int64], vocab_size: int, dtype: str
) -> pa.LargeListArray:
    """Wrap the ids of some texts as a column; without a copy if `dtype` is int32."""
    _check_range(ids, vocab_size)
    values = pa.array(ids.astype(_TYPES[dtype][0], copy=False))
    return pa.LargeListArray.from_arrays(pa.array(borders), values)


def _check_range(ids: NDArray[np.int32], vocab_size: int) -> None:
    """Refuse to hand out an id that no token has."""
    if len(ids) and int(ids.view(np.uint32).max()) >= vocab_size:  # a negative one is the greatest
        wrong = ids[ids.view(np.uint32) >= vocab_size][0]
        raise InputError(
            f"the tokenizer gives the id {wrong}; those of its tokens are 0 to {vocab_size - 1:,}",
            hint="Look at the tokenizer with tokpipe check.",
        )


def _to_arrow(
    column: pa.Array, parts: list[Ids], vocab_size: int, dtype: str, threads: int | None
) -> pa.Array:
    kind = list_type(column.type, dtype)
    for ids, _ in parts:
        _check_range(ids, vocab_size)
    is_large = pa.types.is_large_list(kind)
    values, offsets = join_ids(parts, _TYPES[dtype][0], threads)
    if not is_large and offsets[-1] >= 1 << 31:
        raise ConfigError(
            f"{offsets[-1]:,} ids do not fit into one list column",
            hint="Cast the column to large_string.",
        )
    offsets = offsets if is_large else offsets.astype(np.int32)
    array_of = pa.LargeListArray if is_large else pa.ListArray
    mask = column.is_null() if column.null_count else None
    return array_of.from_arrays(pa.array(offsets), pa.array(values), type=kind, mask=mask)
