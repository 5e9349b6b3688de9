"""Folders of `datasets.Dataset.save_to_disk`, read without `datasets` (whose import takes 5 s)."""

import json
import os
from pathlib import Path
from typing import Any

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.small_files import read_small_file

_JSON_BYTES = 16 << 20  # no honest state.json or dataset_dict.json is longer


def is_dataset_folder(path: Path) -> bool:
    """Say whether a path is a folder of one saved dataset, or of a dictionary of splits."""
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def dataset_files(folder: Path) -> list[Path]:
    """List the Arrow files of a saved dataset, split after split.

    Raises
    ------
    InputError
        If a description is damaged, or names a file that is missing or outside the folder.
    """
    if (folder / "dataset_dict.json").is_file():
        splits = _read(folder / "dataset_dict.json", "splits")
        return [file for split in splits for file in dataset_files(_inside(folder, split))]
    described = _read(folder / "state.json", "_data_files")
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in described]
    return [_inside(folder, name) for name in names]


def _read(path: Path, key: str) -> list[Any]:
    if not path.is_file():
        raise InputError(f"{path} is missing")
    data = read_small_file(path, _JSON_BYTES, error=InputError)
    try:
        value = json.loads(data)
        found = value[key]
        assert isinstance(found, list)
    except (ValueError, LookupError, TypeError, AssertionError, RecursionError) as error:
        raise InputError(f"{path} is damaged: no list {key!r} in it") from error
    return found


def _inside(folder: Path, name: Any) -> Path:
    """Return a file or folder by its name in a description, which must not lead elsewhere."""
    plain = isinstance(name, str) and name not in ("", ".", "..") and "\0" not in name
    if not plain or os.path.basename(name) != name:  # noqa: PTH119
        raise InputError(f"{folder}: its description names {name!r}, which is outside of it")
    path = folder / name
    if not path.exists() or not (path.is_file() or path.is_dir()):
        raise InputError(f"{path} is missing")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path} leads outside of {folder}")
    return path
