"""The files of a shard folder beside the shards: what `datasets` wants to find, and a README."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokpipe.foundation.storage import storage_errors
from tokpipe.shards.config import SPLITS
from tokpipe.shards.schema import Column, features_of


def write_dataset_files(
    folder: Path, columns: tuple[Column, ...], files: Mapping[str, Sequence[str]], key: str
) -> list[str]:
    """Write what ``datasets.load_from_disk`` reads; return the names.

    `files` are the names of the shards of each split, inside of the folder. `key` tells this
    content from any other: `datasets` keeps results under its hash.
    """
    texts = {"dataset_dict.json": json.dumps({"splits": list(SPLITS)})}
    info = {"citation": "", "description": "", "features": features_of(columns)}
    info.update(homepage="", license="")
    for split in SPLITS:
        texts[f"{split}/dataset_info.json"] = _pretty(info)
        texts[f"{split}/state.json"] = _pretty(_state(split, files[split], key))
    for name, text in texts.items():
        with storage_errors(folder / name):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    return list(texts)


def _state(split: str, files: Sequence[str], key: str) -> dict[str, Any]:
    content = f"{key} {split}".encode(errors="backslashreplace")  # names of files may be no UTF-8
    fingerprint = hashlib.sha256(content).hexdigest()[:16]
    return {
        "_data_files": [{"filename": Path(name).name} for name in files],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
