"""The parts of the data: read with the same labels, and a validation part in any case."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.task import Task
from tokpipe.foundation.config import Config
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.labelled.config import TagColumns, TextColumns
from tokpipe.labelled.faults_within import NOTHING, nothing_to_learn
from tokpipe.labelled.naming import require_alike
from tokpipe.labelled.places import place_in
from tokpipe.labelled.records import (
    NO_LABEL,
    Labelled,
    TaggedWords,
    place_of,
)
from tokpipe.labelled.splits import hold_out

_COLUMNS = {"texts": TextColumns, "words": TagColumns}  # by what a task reads


def read_parts(
    task: Task,
    paths: Mapping[str, str | Path],
    columns: Config | None,
    config: FinetuneConfig,
) -> dict[str, Labelled]:
    """Read all parts; labels are those of the training part.

    Parameters
    ----------
    paths
        Of "train", "validation" and "test"; without a validation part a share of the training part
        is held out.

    Raises
    ------
    InputError
        If a part cannot be read, is empty, has pairs where another has none, a label that the
        training part has not, or rows without a label that are to be learned from or chosen by.
    """
    parts = read_given(task, paths, columns)
    train: Any = parts["train"]
    if "validation" not in parts:
        kept, held = hold_out(train, config.validation_fraction, config.seed)
        parts = {"train": kept, "validation": held, **{k: parts[k] for k in parts if k == "test"}}
    return parts


def read_given(
    task: Task,
    paths: Mapping[str, str | Path],
    columns: Config | None,
    unlabelled: tuple[str, ...] = ("test",),
) -> dict[str, Labelled]:
    """Read the parts that there are; labels are those of the training part.

    Parameters
    ----------
    paths
        Of "train", and of "validation" and "test" where they are given.
    unlabelled
        The parts in which rows may be without a label.

    Raises
    ------
    InputError
        If a part cannot be read, is empty, has pairs where another has none, a label that the
        training part has not, or rows without a label where all must have one.
    """
    for name in ("train", "validation", "test"):
        require(name, paths.get(name), str, Path, optional=name != "train")
    if task.data in _COLUMNS:
        require("columns", columns, _COLUMNS[task.data])
    elif columns is not None:
        raise ConfigError(f"columns say nothing of the {task.data} of {task.name}")
    train: Any = task.read(paths["train"], columns, None)
    parts: dict[str, Labelled] = {"train": train}
    for name in ("validation", "test"):
        if name in paths:
            parts[name] = task.read(paths[name], columns, getattr(train, "names", None))
    for name, part in parts.items():
        if not len(part):
            raise InputError(f"{part.source}: the {name} part holds no rows")
        if name not in unlabelled:
            _require_labels(task, part, name)
    require_alike(parts)
    _require_choice(train)
    return parts


def _require_choice(train: Labelled) -> None:
    """Refuse a training part in which there is one thing alone to say."""
    if same := nothing_to_learn(train):
        raise InputError(f"{train.source}: {same}", hint=NOTHING)


def _require_labels(task: Task, part: Labelled, name: str) -> None:
    missing = np.flatnonzero(~task.with_labels(part))
    if len(missing):
        place = place_in(part, int(missing[0]))
        if isinstance(part, TaggedWords):
            place = place_of(part.source, int(part.lines[(part.tags == NO_LABEL).argmax()]))
        hint = "Leave the row out, or label it."
        raise InputError(f"{place}: no label, in the {name} part", hint=hint)
