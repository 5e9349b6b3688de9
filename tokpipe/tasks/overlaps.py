"""Whether a student is judged by rows that its teacher, or it, has learned from: told by hashes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokpipe.finetuning.preparing import Prepared
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest
from tokpipe.training.state import KIND

_HELD_OUT = ("validation", "test")


def overlaps(teacher: Path, prepared: Prepared) -> Iterator[str]:
    """Yield what is known of files that teacher and student have for different parts.

    A teacher of ours knows the hashes of its files, and how it held rows out. The same rows in
    another file are not found: `tokpipe check` compares those.
    """
    if not (teacher / MANIFEST).is_file():
        return
    settings = Manifest.read(teacher, KIND).settings
    theirs, ours = settings.get("inputs", {}), prepared.settings["inputs"]
    for part in _HELD_OUT:
        if ours.get(part) and ours[part] == theirs.get("train"):
            yield f"warning: the teacher has learned from the {part} part: its scores are too good"
        if theirs.get(part) and theirs[part] == ours["train"]:
            yield f"warning: the student learns from the teacher's own {part} part"
    if ours["train"] != theirs.get("train"):
        return
    if "validation" not in ours and _held_out(settings) != _held_out(prepared.settings):
        yield (
            "warning: the validation part is held out of rows that the teacher has learned from, "
            "some of them: give --validation, or the teacher's --validation-fraction and --seed"
        )


def _held_out(settings: Any) -> tuple[Any, ...] | None:
    """Return by what rows were held out of the training part; None: a part was given."""
    if "validation" in settings["inputs"]:
        return None
    how = settings["finetuning"]
    return how["validation_fraction"], how["seed"]
