"""Every text of the shared data, as strings: the lines of files and the strings of JSON.

The beginning of each file; with TOKPIPE_PARITY=all in the environment, all of them.
"""

import bz2
import json
import lzma
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

# The library splits 2 MB/s: 150 s of processor time a configuration for all there is.
BEGINNING = None if os.environ.get("TOKPIPE_PARITY") == "all" else 1_500  # lines of each file

_OPENERS = {".xz": lzma.open, ".bz2": bz2.open}
_NOT_TEXT = ("model.safetensors.bz2", "shift-jis-crlf.txt", ".npz")


def text_files(shared: Path) -> list[Path]:
    """Return the files that hold text in UTF-8."""
    files = sorted(path for path in shared.rglob("*") if path.is_file())
    return [path for path in files if not path.name.endswith(_NOT_TEXT)]


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file with their ends; of JSON, its strings too."""
    with _OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8", newline="\n") as file:
        yield from islice(file, BEGINNING)
    if path.suffix == ".json":
        yield from _strings(json.loads(path.read_text("utf-8")))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
