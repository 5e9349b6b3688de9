"""Files of tensors, checked whole before a value is read; the safetensors format.

Layout: 8 bytes, the length of the header (little-endian); the header, a JSON object with dtype,
shape and borders of each tensor; then the tensors end to end, without a gap.
"""

import json
import os
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.huggingface.foreign_files import open_plain, parse_object, shown
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.files import atomic_write
from tokpipe.foundation.visible import visible

MOST_HEADER = 1 << 20  # bytes; the largest models in use have 200 kB
FLOATS = {"F32": 4, "F16": 2, "BF16": 2}  # what weights are written as, and bytes a value
READABLE = {  # what weights may be stored as, and how their values lie there
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),  # the upper half of a float32
    "F64": np.dtype("<f8"),
}
SIZES = FLOATS | {"F64": 8, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
MOST_DIMENSIONS = 8  # weights of these models have two
_CUT = "Was the download or the copy cut short?"
_PIECE = 1 << 20  # values converted at once: 4 MiB

Floats = NDArray[np.float32]


class Entry(NamedTuple):
    """One tensor of a file: how it is stored, and where."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int
    strides: tuple[int, ...] | None = None  # in values; None: end to end, the last index first


class TensorFile:
    """An open file of tensors whose header is right; `entries` has each tensor by its name.

    Parameters
    ----------
    read_entries
        Takes the open file and its name for messages; by default a safetensors file's header.

    Raises
    ------
    InputError
        If it is no such file, or its header and its length do not agree.
    """

    def __init__(
        self,
        path: Path,
        read_entries: Callable[[Any, str], dict[str, Entry]] | None = None,
    ) -> None:
        self.path = path
        self._name = visible(str(path))
        try:
            self._file = open_plain(path)
        except OSError as error:
            raise InputError(f"{self._name}: {error.strerror or error}") from error
        try:
            self.entries = (read_entries or _read_entries)(self._file, self._name)
        except BaseException:
            self._file.close()
            raise

    def read(self, name: str, out: Floats) -> None:
        """Read a tensor into an array of its shape.

        Parameters
        ----------
        name
            One of `entries`, stored as F32, F16, BF16 or F64; the last is rounded.
        out : float32[...]
            Contiguous.

        Raises
        ------
        InputError
            If it is stored otherwise, ends early, or holds NaN or infinity.
        """
        entry = self.entries[name]
        if entry.dtype not in READABLE:
            raise InputError(
                f"{self._place(name)} is {entry.dtype}; weights may be {', '.join(READABLE)}"
            )
        flat = out.reshape(-1)
        view = None if entry.strides is None else self._read_view(name, entry)
        for start in range(0, len(flat), _PIECE):
            piece = flat[start : start + _PIECE]
            if view is None:
                self._read_piece(name, entry, start, piece)
            else:
                _widen(view[start : start + _PIECE], entry.dtype, piece)
            with np.errstate(invalid="ignore"):
                total = piece.sum(dtype=np.float64)  # one NaN or infinity makes it one
            if not np.isfinite(total):
                bad = start + int(np.flatnonzero(~np.isfinite(piece))[0])
                raise InputError(
                    f"{self._place(name)}: value {bad:,} is {flat[bad]}, no finite number",
                    hint="The weights are damaged or their training diverged; take an older copy.",
                )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_piece(self, name: str, entry: Entry, start: int, piece: Floats) -> None:
        kind = READABLE[entry.dtype]
        stored = piece if entry.dtype == "F32" else np.empty(len(piece), kind)
        self._fill(name, entry.begin + start * kind.itemsize, stored)
        _widen(stored, entry.dtype, piece)

    def _read_view(self, name: str, entry: Entry) -> NDArray[Any]:
        """Return the values of a tensor that lie apart or in another order, as they are stored."""
        kind = READABLE[entry.dtype]
        stored = np.empty((entry.end - entry.begin) // kind.itemsize, kind)
        self._fill(name, entry.begin, stored)
        strides = tuple(step * kind.itemsize for step in entry.strides or ())
        return np.ndarray(entry.shape, kind, stored, strides=strides).reshape(-1)

    def _fill(self, name: str, begin: int, stored: NDArray[Any]) -> None:
        self._file.seek(begin)
        room = stored.data.cast("B")
        while room:
            count = self._file.readinto(room)  # type: ignore[attr-defined]
            if not count:
                raise InputError(f"{self._place(name)}: the file ends early")
            room = room[count:]

    def _place(self, name: str) -> str:
        return f"{self._name}: {shown(name)}"


def _widen(stored: NDArray[Any], dtype: str, out: Floats) -> None:
    """Bring values as they are stored into float32; in place already where they are that."""
    if dtype == "BF16":
        out.view(np.uint32)[:] = stored.astype(np.uint32) << 16
    elif stored is not out:
        with np.errstate(over="ignore"):  # becomes infinity, which is refused
            out[:] = stored


def write_tensors(
    path: Path,
    tensors: Mapping[str, Floats],
    dtypes: Mapping[str, str] | str = "F32",
) -> None:
    """Write a file of tensors, whole or not at all; its header says what transformers wants.

    Parameters
    ----------
    dtypes
        ``F32``, ``F16`` or ``BF16``, for all or by name (F32 where a name is left out).

    Raises
    ------
    ConfigError
        If a value is too large for its dtype.
    StorageError
        If the disk refuses.
    """
    kinds = {n: dtypes if isinstance(dtypes, str) else dtypes.get(n, "F32") for n in tensors}
    order = sorted(tensors, key=lambda n: -FLOATS[kinds[n]])  # so that each stays aligned
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in order:
        begin, end = end, end + tensors[name].size * FLOATS[kinds[name]]
        shape = list(tensors[name].shape)
        header[name] = {"dtype": kinds[name], "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            _write_values(file, name, tensors[name], kinds[name])


def _write_values(file: BinaryIO, name: str, values: Floats, dtype: str) -> None:
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    for start in range(0, len(flat), _PIECE):
        piece = flat[start : start + _PIECE]
        stored = _narrowed(piece, dtype)
        if stored is None:
            raise ConfigError(
                f"{shown(name)} holds {np.abs(piece).max():g}, which is too large for {dtype}",
                hint="Use BF16 or F32.",
            )
        file.write(stored.data.cast("B"))


def _narrowed(values: Floats, dtype: str) -> NDArray[Any] | None:
    """Return values as they are stored, rounded to the nearest, or None if one does not fit."""
    if dtype == "F32":
        return values
    if dtype == "F16":
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        return half if np.isfinite(half).all() else None
    bits = values.view(np.uint32)
    rounded = bits + (((bits >> 16) & 1) + 0x7FFF)  # ties go to the even one
    upper = (rounded >> 16).astype(np.uint16)
    return upper if ((upper & 0x7F80) != 0x7F80).all() else None


def _read_entries(file: Any, name: str) -> dict[str, Entry]:
    size = os.fstat(file.fileno()).st_size
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if len(head) < 8 or 8 + length > size:
        raise InputError(
            f"{name}: {size:,} bytes, too few for a safetensors file and its header",
            hint=_CUT,
        )
    if length > MOST_HEADER:
        raise InputError(f"{name}: a header of {length:,} bytes, at most {MOST_HEADER:,} allowed")
    header = parse_object(file.read(length), f"{name}: header")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or any(type(v) is not str for v in metadata.values()):
        raise InputError(f"{name}: header: __metadata__ must hold strings")
    entries = {key: _entry(value, f"{name}: {shown(key)}") for key, value in header.items()}
    _check_dense(entries, size - 8 - length, name)
    first = 8 + length
    return {
        key: entry._replace(begin=first + entry.begin, end=first + entry.end)
        for key, entry in entries.items()
    }


def _entry(value: Any, place: str) -> Entry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise InputError(f"{place}: dtype, shape and data_offsets are needed, and no more")
    dtype, shape, borders = value["dtype"], value["shape"], value["data_offsets"]
    if type(dtype) is not str or dtype not in SIZES:
        raise InputError(f"{place}: dtype {shown(dtype)} is not one of {', '.join(SIZES)}")
    if not _are_counts(shape) or len(shape) > MOST_DIMENSIONS:
        raise InputError(f"{place}: shape {shown(shape)} is no list of sizes")
    if not _are_counts(borders) or len(borders) != 2:
        raise InputError(f"{place}: data_offsets {shown(borders)} are no two borders")
    begin, end = borders
    if end - begin != prod(shape) * SIZES[dtype]:
        raise InputError(
            f"{place}: {end - begin:,} bytes for {dtype} of shape {shown(shape)}, "
            f"{shown(prod(shape) * SIZES[dtype])} are needed"
        )
    return Entry(dtype, tuple(shape), begin, end)


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 1 << 63 for v in values)


def _check_dense(entries: Mapping[str, Entry], size: int, name: str) -> None:
    """Refuse overlaps, gaps, and bytes that belong to no tensor."""
    place = 0
    for key, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != place:
            raise InputError(
                f"{name}: {shown(key)} begins at byte {entry.begin:,}, not at {place:,} "
                "where the tensor before it ends"
            )
        place = entry.end
    if place != size:
        raise InputError(
            f"{name}: tensors of {place:,} bytes, the file holds {size:,}",
            hint=_CUT if place > size else "",
        )
