"""Objects of a store that the user names: one, a prefix, or a pattern, in the order of files."""

import json
import os
import re
from collections.abc import Iterable
from fnmatch import translate
from functools import partial
from glob import has_magic

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.files import Found, InputFile, read_errors
from tokpipe.corpus.formats import HEAD_BYTES, codec_of, format_of, left_out
from tokpipe.foundation.addresses import Address
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.stores.backends import backend_of
from tokpipe.foundation.stores.copies import object_at
from tokpipe.foundation.stores.objects import StoreObject
from tokpipe.foundation.threads import map_ordered

_AT_ONCE = 16  # objects that are asked about at a time: a request is waiting, not work
_DESCRIPTIONS = ("state.json", "dataset_dict.json")  # of `datasets.Dataset.save_to_disk`
_DESCRIPTION_BYTES = 16 << 20
_PIECE = re.compile(r"\*|\?|\[!?\]?[^\]]*\]|[^*?\[]+|\[")  # of a pattern: what matches a character


def add_stored(address: Address, config: ReadConfig, found: Found) -> None:
    """Add the objects that an address names: one, or all below it, or those that match a pattern.

    What is left out, and the order, is what it would be of files.

    Raises
    ------
    InputError
        If there is nothing, or the store does not answer.
    """
    with read_errors(str(address)):
        store = backend_of(address.scheme)
        entry = store.entry(address)
        if entry is not None and not entry.is_folder:
            stored = StoreObject(address, entry.size, entry.version)
            found.files.append(_input_file(stored, config))
            return
        base, names = address, [one.name for one in store.below(address)] if entry else []
        if not names and has_magic(address.rest):
            base, pattern = _cut(address)
            names = _matching(pattern, [one.name for one in store.below(base)])
            if not names:
                raise InputError(f"no object matches {address}")
        elif not names:
            raise InputError(f"{address}: the store has no such object, and nothing below it")
        names = names if base != address else _chosen(address, names, config, found)
        stored = map_ordered(object_at, [base / name for name in names], _AT_ONCE)
        found.files += map_ordered(partial(_input_file, config=config), stored, _AT_ONCE)


def _cut(address: Address) -> tuple[Address, list[str]]:
    """Split an address before the first part that is a pattern."""
    parts = address.rest.split("/")
    first = next(i for i, part in enumerate(parts) if has_magic(part))
    if first == 0 and address.scheme != "memory":
        raise InputError(f"{address}: a bucket's name is no pattern")
    return Address(address.scheme, "/".join(parts[:first])), parts[first:]


def _matching(pattern: list[str], names: Iterable[str]) -> list[str]:
    """Return the names that a pattern matches; or what is below the folders that it matches."""
    steps = [_step(part, is_last=n == len(pattern)) for n, part in enumerate(pattern, 1)]
    matches = re.compile("".join(steps))
    names = sorted(names, key=os.fsencode)
    found = [name for name in names if matches.fullmatch(name)]
    return found or [name for name in names if _is_below_match(matches, name)]


def _step(part: str, *, is_last: bool) -> str:
    """Return the expression for a part of a pattern: no slash, and no dot in front by chance."""
    if part == "**":
        return r"(?:(?!\.)[^/]+/)*" + (r"(?:(?!\.)[^/]+)?" if is_last else "")
    one = "".join(
        "[^/]*" if piece == "*" else translate(piece)[4:-3] for piece in _PIECE.findall(part)
    )
    return ("" if part.startswith(".") else r"(?!\.)") + one + ("" if is_last else "/")


def _is_below_match(matches: re.Pattern[str], name: str) -> bool:
    parts = name.split("/")
    folders = ("/".join(parts[:n]) for n in range(1, len(parts)))
    hidden = any(part.startswith(".") for part in parts)
    return not hidden and any(matches.fullmatch(folder) for folder in folders)


def _chosen(address: Address, names: Iterable[str], config: ReadConfig, found: Found) -> list[str]:
    """Return which objects of a folder are read, in order; count the others."""
    plain = [name for name in names if not any(p.startswith(".") for p in name.split("/"))]
    saved = _saved(address, plain)
    chosen: dict[bytes, list[str]] = {os.fsencode(folder): files for folder, files in saved.items()}
    inside = tuple(f"{folder}/" if folder else "" for folder in saved)
    for name in plain:
        if name.startswith(inside) and inside:
            continue
        if reason := left_out(name.rpartition("/")[2], config.format):
            found.skipped[reason] += 1
        else:
            chosen[os.fsencode(name)] = [name]
    return [name for key in sorted(chosen) for name in chosen[key]]


def _saved(address: Address, names: list[str]) -> dict[str, list[str]]:
    """Return the files of each saved dataset among some objects, by its folder."""
    described = {name for name in names if name.rpartition("/")[2] in _DESCRIPTIONS}
    folders = {name.rpartition("/")[0] for name in described}
    outer = [
        f
        for f in folders
        if not any(f != o and f.startswith(f"{o}/" if o else "") for o in folders)
    ]
    return {folder: _files_of(address, folder, set(names)) for folder in sorted(outer)}


def _files_of(address: Address, folder: str, names: set[str]) -> list[str]:
    before = f"{folder}/" if folder else ""
    if f"{before}dataset_dict.json" in names:
        splits = _listed(address / f"{before}dataset_dict.json", "splits")
        return [file for split in splits for file in _files_of(address, before + split, names)]
    path = f"{before}state.json"
    if path not in names:
        raise InputError(f"{address / path} is missing")
    files = [before + name for name in _listed(address / path, "_data_files")]
    gone = [name for name in files if name not in names]
    if gone:
        raise InputError(f"{address / gone[0]} is missing")
    return files


def _listed(address: Address, key: str) -> list[str]:
    """Return the names in a list of a description: of things beside it."""
    content = object_at(address).head(_DESCRIPTION_BYTES)
    try:
        found = [
            one["filename"] if isinstance(one, dict) else one for one in json.loads(content)[key]
        ]
        if all(isinstance(name, str) and "/" not in name and name.strip(".") for name in found):
            return found
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise InputError(f"{address} is damaged: no list {key!r} of names in it")


def _input_file(found: StoreObject, config: ReadConfig) -> InputFile:
    name = str(found.address)
    with read_errors(name):
        head = found.head(HEAD_BYTES)
    path = name.partition("?")[0] if found.address.scheme.startswith("http") else name
    codec = codec_of(path, head)
    kind = format_of(path, head, codec, config.format)
    identity = (name, found.size, found.version)
    return InputFile(name, None, found.size, kind, codec, identity, found)
