"""A teacher asked once about all that a student learns from; what it says lies in a file."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tokpipe.bert.workspaces import Workspaces
from tokpipe.finetuning.scoring import Part, asking
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.storage import check_space, storage_errors
from tokpipe.foundation.threads import map_ordered
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import capacity_of
from tokpipe.tasks.sequences import BATCH_TOKENS

_MOST = np.finfo(np.float16).max


def said_path(out: Path, settings: Mapping[str, Any]) -> Path:
    """Return where the answers lie that belong to some settings: beside the run."""
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    return out.with_name(f"{out.name}.teacher-{key}.npy")


def what_it_says(
    teacher: BertModel, part: Part, path: Path, *, states: bool, threads: int, progress: Progress
) -> NDArray[np.float16]:
    """Return the teacher's logits and last hidden states, from the file if it is there.

    Parameters
    ----------
    part
        What it is asked about.
    path
        Of the file; there only when it is whole.
    states
        Whether hidden states are wanted.

    Returns
    -------
    float16[N, C + H] or float16[N, C]
        One row a window, tagged word or token, as the head has it; in the file.

    Raises
    ------
    StorageError
        If there is no room, or the disk refuses.
    """
    if not path.is_file():
        _ask(teacher, part, path, states, (threads, progress))
    return np.load(path, mmap_mode="r")


def _ask(
    teacher: BertModel, part: Part, path: Path, states: bool, how: tuple[int, Progress]
) -> None:
    config, examples, (threads, progress) = teacher.config, part.examples, how
    width = config.outputs + (config.hidden_size if states else 0)
    shape = examples.logit_count, width
    size = 2 * shape[0] * width
    progress.note(f"the teacher's answers take {format_bytes(size)}: {path}")
    check_space(path, size)
    loader = asking(part, BATCH_TOKENS)
    workspaces = Workspaces(teacher.model, capacity_of(loader), threads, training=False)

    def ask(batch: Batch) -> NDArray[np.float16]:
        with workspaces.lend(batch) as workspace:
            found = teacher.model.logits_and_states(config.task, batch, workspace)
        rows = np.concatenate(found if states else found[:1], axis=1)
        return np.clip(rows, -_MOST, _MOST).astype(np.float16)

    unfinished, plan = path.with_name(f".{path.name}.tmp"), loader.plan(0)
    with storage_errors(path), progress.task("asking the teacher", len(plan), "batches") as advance:
        said = open_memmap(unfinished, "w+", np.float16, shape)
        found = map_ordered(ask, loader.batches(0, threads=1), threads)
        for number, rows in enumerate(found):
            said[examples.logit_places(plan.rows_of(number))] = rows
            advance(1)
        said.flush()
        del said
        unfinished.replace(path)
