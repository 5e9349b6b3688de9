"""Files of tensors that ``torch.save`` wrote, checked whole before a value is read; none is run.

Layout since torch 1.6: a zip archive with ``data.pkl``, a pickle that names storages, each of them
in ``data/``, and the order of their bytes in ``byteorder``. Before: five pickles one after the
other (a magic number, a version, facts of the machine, the tensors, the list of storages), then the
storages, each with the count of its values before it.

References
----------
``torch/serialization.py`` of PyTorch, which defines both.
"""

import os
from collections.abc import Mapping
from math import prod
from typing import Any

from tokpipe.bert.huggingface.foreign_files import shown
from tokpipe.bert.huggingface.machine import CONVERT, CUT, described
from tokpipe.bert.huggingface.opcodes import Storage, Tensor, read_pickle
from tokpipe.bert.huggingface.tensor_file import MOST_HEADER, SIZES, Entry
from tokpipe.bert.huggingface.zip_parts import zip_parts
from tokpipe.foundation.errors import InputError

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_ZIP = b"PK"
_MOST_SHARED = 64  # layers may have one storage between them; a few bytes are no large model

_Places = Mapping[str, tuple[int, int]]  # of each storage, its first byte and its end


def read_pickled_entries(file: Any, name: str) -> dict[str, Entry]:
    """Return where the tensors of a file are; `name` stands in the error message.

    Raises
    ------
    InputError
        If it is no such file, if its pickle has more than plain tensors, or if one of them lies
        outside of its storage, or a storage outside of the file.
    """
    start = file.read(len(_ZIP))
    file.seek(0)
    tensors, places = (_of_archive if start == _ZIP else _of_stream)(file, name)
    entries = {
        key: _entry(tensor, places, f"{name}: {shown(key)}") for key, tensor in tensors.items()
    }
    size = os.fstat(file.fileno()).st_size
    total = sum(max(one.end - one.begin, prod(one.shape)) for one in entries.values())
    if total > _MOST_SHARED * size:
        raise InputError(
            f"{name}: its tensors share {size:,} bytes so often that reading them would take "
            f"{total:,}, at most {_MOST_SHARED} times as many are allowed"
        )
    return entries


def _of_archive(file: Any, name: str) -> tuple[dict[str, Tensor], _Places]:
    parts = zip_parts(file, name)
    if "data.pkl" not in parts:
        raise InputError(f"{name}: a zip archive without data.pkl", hint=CONVERT)
    order = _content(file, parts["byteorder"], name) if "byteorder" in parts else b"little"
    if order != b"little":
        raise InputError(f"{name}: byteorder is {described(order)}, little is needed", hint=CONVERT)
    data = _content(file, parts["data.pkl"], name)
    value, end = read_pickle(data, 0, name)
    if end != len(data):
        raise InputError(f"{name}: its pickle ends at byte {end:,} of {len(data):,}")
    places = {key.removeprefix("data/"): part for key, part in parts.items() if key[:5] == "data/"}
    return _tensors(value, name), places


def _content(file: Any, place: tuple[int, int], name: str) -> bytes:
    begin, end = place
    if end - begin > MOST_HEADER:
        raise InputError(
            f"{name}: a part of {end - begin:,} bytes, at most {MOST_HEADER:,} allowed"
        )
    file.seek(begin)
    return file.read(end - begin)


def _of_stream(file: Any, name: str) -> tuple[dict[str, Tensor], _Places]:
    data, end = file.read(MOST_HEADER), 0
    values = []
    for _ in range(5):
        value, end = read_pickle(data, end, name)
        values.append(value)
        if type(values[0]) is not int or values[0] != _MAGIC:
            raise InputError(f"{name}: a pickle, but none of torch.save", hint=CONVERT)
    _, version, machine, value, keys = values
    if version != _VERSION or type(machine) is not dict or not machine.get("little_endian"):
        raise InputError(f"{name}: version {_VERSION} with little_endian is needed", hint=CONVERT)
    tensors = _tensors(value, name)
    return tensors, _places_in_stream(file, end, _listed(keys, tensors, name), name)


def _listed(keys: Any, tensors: Mapping[str, Tensor], name: str) -> list[Storage]:
    """Return the storages in the order of their list, which names each once."""
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if type(keys) is not list or any(type(key) is not str for key in keys):
        raise InputError(f"{name}: no list of storages behind the tensors")
    if sorted(keys) != sorted(storages):
        raise InputError(f"{name}: the storages listed are not those of the tensors")
    return [storages[key] for key in keys]


def _places_in_stream(file: Any, place: int, storages: list[Storage], name: str) -> _Places:
    places: dict[str, tuple[int, int]] = {}
    size = os.fstat(file.fileno()).st_size
    for storage in storages:
        file.seek(min(place, size))  # one that ends behind the file is refused below
        count = int.from_bytes(file.read(8), "little")
        if count != storage.count:
            raise InputError(
                f"{name}: storage {shown(storage.key)} has {count:,} values at byte {place:,}, "
                f"{storage.count:,} in the pickle"
            )
        begin, place = place + 8, place + 8 + count * SIZES[storage.dtype]
        places[storage.key] = begin, place
    if place != size:
        raise InputError(
            f"{name}: storages up to byte {place:,}, the file holds {size:,}",
            hint=CUT,
        )
    return places


def _tensors(value: Any, name: str) -> dict[str, Tensor]:
    if type(value) is not dict:
        raise InputError(f"{name}: {described(value)}, a dict of tensors is needed", hint=CONVERT)
    for key, tensor in value.items():
        if type(tensor) is not Tensor:
            raise InputError(
                f"{name}: {shown(key)} is {described(tensor)}, a tensor is needed", hint=CONVERT
            )
    return value


def _entry(tensor: Tensor, places: _Places, place: str) -> Entry:
    storage, shape, strides = tensor.storage, tensor.shape, tensor.strides
    width = SIZES[storage.dtype]
    if storage.key not in places:
        raise InputError(f"{place}: no storage {shown(storage.key)} in the file")
    begin, end = places[storage.key]
    if end - begin != storage.count * width:
        raise InputError(
            f"{place}: {end - begin:,} bytes for {storage.count:,} values of {storage.dtype}"
        )
    count = prod(shape)
    steps = sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    span = steps + 1 if count else 0
    if max(tensor.offset + span, count) > storage.count:
        raise InputError(
            f"{place}: shape {shown(list(shape))}, strides {shown(list(strides))} and offset "
            f"{tensor.offset:,} lead out of a storage of {storage.count:,} values"
        )
    begin += tensor.offset * width
    packed = all(
        size == 1 or step == prod(shape[i + 1 :])
        for i, (size, step) in enumerate(zip(shape, strides, strict=True))
    )
    is_packed = packed or not count
    return Entry(storage.dtype, shape, begin, begin + span * width, None if is_packed else strides)
