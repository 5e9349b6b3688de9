"""A teacher asked once about all that a student learns from; what it says lies in files.

Logits are kept where they are few. Those of masked tokens, one for each of the vocabulary, are not:
they are made again from the hidden states (`tokpipe.bert.heads.masked_tokens.decoder_of`), which
are kept in any case, and take a fiftieth of the room.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tokpipe.bert.head import Capacity
from tokpipe.bert.workspaces import Workspaces
from tokpipe.finetuning.scoring import Part, asking
from tokpipe.foundation.arrays import gather_ranges
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.storage import check_space, storage_errors
from tokpipe.foundation.threads import map_ordered
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import capacity_of
from tokpipe.tasks.sequences import BATCH_TOKENS
from tokpipe.training.lesson import TeacherOutputs

_MOST = np.finfo(np.float16).max
_LOOKED = 1 << 16  # states that main directions are taken from

Asked = tuple[Batch, NDArray[np.int64], NDArray[np.int64]]


class Questions(NamedTuple):
    """What a teacher is asked about."""

    head: str  # name of the head
    steps: int  # how many batches there are
    places: int  # N, at how many places it is asked
    tokens: int  # T, among how many tokens
    capacity: Capacity  # of the largest batch, about
    # yields each batch, which of the places it asks about, and which of the tokens it holds
    batches: Callable[[], Iterator[Asked]]


class Kept(NamedTuple):
    """What is kept of the answers, and where."""

    path: Path
    logits: bool
    states: bool
    relations: bool

    @property
    def paths(self) -> list[Path]:
        """The files: of rows, and of relations if they are kept."""
        return [self.path, *([self.path.with_suffix(".qkv.npy")] if self.relations else [])]

    def shapes(self, teacher: BertModel, asked: Questions) -> list[tuple[int, int]]:
        """Return the shapes of what is in the files."""
        hidden = teacher.config.hidden_size
        width = teacher.config.outputs * self.logits + hidden * self.states
        return [(asked.places, width), (asked.tokens, 3 * hidden)][: len(self.paths)]

    def bytes(self, teacher: BertModel, asked: Questions) -> int:
        """Return how large the files are."""
        return sum(2 * rows * width for rows, width in self.shapes(teacher, asked))

    def remove(self) -> None:
        """Remove the files."""
        for path in self.paths:
            path.unlink(missing_ok=True)


def outputs_path(out: Path, settings: Mapping[str, Any]) -> Path:
    """Return where the answers lie that belong to some settings: beside the run."""
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    return out.with_name(f"{out.name}.teacher-{key}.npy")


def questions_of(part: Part, head: str) -> Questions:
    """Return all windows of labelled data as questions."""
    examples = replace(part.examples, labels=None, tags=None, answer_spans=None)
    loader = asking(part._replace(examples=examples), BATCH_TOKENS)

    def batches() -> Iterator[Asked]:
        plan = loader.plan(0)
        for number, batch in enumerate(loader.batches(0, threads=1)):
            windows = plan.rows_of(number)
            tokens = gather_ranges(examples.offsets, windows)[0]
            yield batch, examples.logit_places(windows), tokens

    sizes = loader.count(0), examples.logit_count, len(examples.input_ids)
    return Questions(head, *sizes, capacity_of(loader), batches)


def run_teacher(
    teacher: BertModel, asked: Questions, kept: Kept, threads: int, progress: Progress
) -> TeacherOutputs:
    """Return the teacher's answers, from the files if they are there.

    Parameters
    ----------
    kept
        Files that are there are whole.

    Raises
    ------
    StorageError
        If there is no room, or the disk refuses.
    """
    if not all(path.is_file() for path in kept.paths):
        _ask(teacher, asked, kept, threads, progress)
    return TeacherOutputs(*(np.load(path, mmap_mode="r") for path in kept.paths))


def _ask(
    teacher: BertModel, asked: Questions, kept: Kept, threads: int, progress: Progress
) -> None:
    size = kept.bytes(teacher, asked)
    progress.note(f"the teacher's answers take {format_bytes(size)}: {kept.path}")
    check_space(kept.path, size)
    workspaces = Workspaces(teacher.model, asked.capacity, threads, training=False)

    def ask(one: Asked) -> tuple[list[NDArray[np.float16]], Asked]:
        with workspaces.lend(one[0]) as workspace:
            logits, states, qkv = teacher.model.lesson(
                asked.head, one[0], workspace, logits=kept.logits
            )
            rows = np.concatenate([logits, states] if kept.states else [logits], axis=1)
            return [_halved(array) for array in [rows, qkv][: len(kept.paths)]], one

    unfinished = [path.with_name(f".{path.name}.tmp") for path in kept.paths]
    with (
        storage_errors(kept.path),
        progress.task("asking the teacher", asked.steps, "batches") as advance,
    ):
        shapes = kept.shapes(teacher, asked)
        files = [
            open_memmap(path, "w+", np.float16, shape)
            for path, shape in zip(unfinished, shapes, strict=True)
        ]
        for found, (_, *at) in map_ordered(ask, asked.batches(), threads):
            for file, where, rows in zip(files, at, found, strict=False):
                file[where] = rows
            advance(1)
        for file, path, target in zip(files, unfinished, kept.paths, strict=True):
            file.flush()
            path.replace(target)


def _halved(array: NDArray[np.floating]) -> NDArray[np.float16]:
    return np.clip(array, -_MOST, _MOST).astype(np.float16)


def projection_of(states: NDArray[np.float16], width: int) -> NDArray[np.float32] | None:
    """Return how a teacher's hidden states become a student's; None if that is as wide."""
    return None if width == states.shape[1] else main_directions(states, width)


def main_directions(states: NDArray[np.float16], width: int) -> NDArray[np.float32]:
    """Return the directions in which hidden states reach farthest: float32[G, width].

    They keep as much of the states' squares as that many directions can: the states of a narrower
    student are compared with these, so that no map between the widths has to be learned.

    Parameters
    ----------
    states : float16[N, G]
        Of which up to 65,536 are looked at, evenly spread.
    width
        How many directions.
    """
    some = states[:: max(1, len(states) // _LOOKED)].astype(np.float64)
    _, directions = np.linalg.eigh(some.T @ some)
    chosen = directions[:, ::-1][:, :width]
    signs = np.sign(chosen[np.abs(chosen).argmax(0), np.arange(chosen.shape[1])])
    return np.ascontiguousarray(chosen * signs, np.float32)
