"""The folder that comes of fine-tuning: a model for other programs, its scores and predictions.

On the way it holds checkpoints and the log, or with several seeds a folder ``seed-1`` and so on for
each training. In the end it holds the model of the best checkpoint; the manifest comes last, and
the checkpoints go.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokpipe.finetuning.report import METRICS, PREDICTIONS
from tokpipe.foundation.files import sync
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.storage import storage_errors
from tokpipe.training.result import CARD, link, refuse_taken, write_missing
from tokpipe.training.state import (
    KIND,
    OPTIMIZER,
    checkpoints,
    clear,
    refuse_foreign,
    remove_old,
    remove_unfinished,
)

_WRITTEN = (CARD, METRICS, PREDICTIONS)
_SEED = re.compile(r"seed-\d{1,6}")


def seed_folder(out: Path, number: int) -> Path:
    """Return the folder of one of several trainings, counted from 1."""
    return out / f"seed-{number}"


def refuse_other(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds something else, or a finished model unless forced.

    Raises
    ------
    StorageError
        If so, or if another process writes it.
    """
    has_begun = bool(checkpoints(out)) or any(map(_is_seed, out.iterdir() if out.is_dir() else ()))

    def known(name: str) -> bool:
        return _is_seed(out / name) or (name in _WRITTEN and has_begun)

    refuse_foreign(out, force=force, known=known)


def start_over(out: Path) -> None:
    """Remove all that fine-tuning wrote into a folder."""
    has_begun = bool(checkpoints(out))
    remove_unfinished(out)
    clear(out)
    for path in out.iterdir():
        if _is_seed(path):
            (path / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(path)
        elif has_begun and path.name in _WRITTEN:
            path.unlink()


def finish(out: Path, best: Path, written: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
    """Put a model into its folder, the manifest last; then the checkpoints go.

    Parameters
    ----------
    best
        The checkpoint, or the folder of one of several trainings, that is the best.
    written
        Name and content of the files that are not taken from there.
    facts
        What came of it, for the manifest.

    Raises
    ------
    StorageError
        If the disk refuses, or a name is taken.
    """
    manifest = Manifest.read(best, KIND)
    linked = [name for name in manifest.files if name != OPTIMIZER and name not in written]
    with storage_errors(out):
        refuse_taken(out, linked, written)
        for name in linked:
            link(best / name, out / name)
        write_missing(out, written)
        sync(out)
        whole = replace(manifest, facts={**manifest.facts, **facts})
        whole.write(out, [*linked, *written])
        remove_old(out, [])


def _is_seed(path: Path) -> bool:
    return _SEED.fullmatch(path.name) is not None and path.is_dir()
