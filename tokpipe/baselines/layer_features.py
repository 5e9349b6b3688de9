"""The vectors that the layers of a model give words or texts, in a file that is mapped.

All layers are computed in one pass and written once; what learns from them reads the file as often
as it likes, and no more of it stands in memory than the system finds room for.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.head import Capacity
from tokpipe.bert.model import Model
from tokpipe.bert.workspaces import Workspaces
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.scoring import Part, asking
from tokpipe.foundation.arrays import gather_ranges
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.storage import check_space, storage_errors
from tokpipe.foundation.threads import Feed, run_in_threads, thread_count

DTYPES = {"f32": np.dtype(np.float32), "f16": np.dtype(np.float16)}
TOKENS = "tokens"  # not pooled: a text has a vector at every token
_FILE = "features.bin"
_BATCH_TOKENS = 2048


def planes_of(layers: int) -> int:
    """Return how many vectors a place has: of the embeddings, of each layer, and two sums.

    Behind those of the layers stand the sum of the last four (or of all, where there are fewer),
    and that of all, the embeddings left out.
    """
    return layers + 3


def places_of(examples: Examples, pooling: str) -> int:
    """Return how many words, texts or tokens get vectors."""
    return len(examples.input_ids) if pooling == TOKENS else examples.logit_count


def feature_bytes(model: Model, places: int, precision: str) -> int:
    """Return how large the vectors of so many words or texts are."""
    config = model.config
    width = config.hidden_size * DTYPES[precision].itemsize
    return planes_of(config.num_hidden_layers) * places * width


@contextmanager
def feature_file(
    folder: Path | None, shape: tuple[int, int, int], precision: str
) -> Iterator[NDArray[np.floating]]:
    """Map a new file of vectors, which is removed in the end.

    Parameters
    ----------
    folder
        Where it stands; None: in a temporary folder.
    shape
        Vectors a place, places, and numbers in a vector.

    Yields
    ------
    float32[S, N, H] or float16[S, N, H]

    Raises
    ------
    StorageError
        If there is not the room.
    """
    with TemporaryDirectory(prefix="tokpipe-layers-", dir=folder) as home:
        path, dtype = Path(home) / _FILE, DTYPES[precision]
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        check_space(path, size)
        with storage_errors(path), path.open("wb") as file:
            _reserve(file.fileno(), size)
        yield np.memmap(path, dtype, "r+", shape=shape)


def _reserve(handle: int, size: int) -> None:
    """Give a file its blocks, so that a disk that fills up is an error here and no signal later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)


def write_features(
    model: Model,
    part: Part,
    pooling: str,
    out: NDArray[np.floating],
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> None:
    """Compute the vectors of a part of the data; they do not depend on the threads.

    Parameters
    ----------
    part
        Asked at N words, or of N windows of texts.
    pooling
        Of texts: "cls", "mean" or "tokens".
    out : float32[S, N, H] or float16[S, N, H]
        See `planes_of`.
    """
    loader = asking(part, _BATCH_TOKENS)
    plan, layers = loader.plan(0), range(model.config.num_hidden_layers + 1)
    workers = max(1, min(thread_count(threads), len(plan)))
    workspaces = Workspaces(model, _capacity(part.examples), workers, training=False)
    with progress.task(f"computing layers for {part.name}", loader.rows, "windows") as advance:

        def run(feed: Feed[int]) -> None:
            for number in feed:
                windows = plan.rows_of(number)
                batch = loader.pack(windows)
                with workspaces.lend(batch) as workspace:
                    states = model.hidden_states(batch, layers, workspace)
                found = [_vectors(state, batch, pooling) for state in states]
                sums = [np.add.reduce(found[-min(4, len(found) - 1) :]), np.add.reduce(found[1:])]
                out[:, _places(part.examples, pooling, windows)] = np.stack([*found, *sums])
                advance(len(windows))

        run_in_threads(run, range(len(plan)), workers)


def _places(examples: Examples, pooling: str, windows: NDArray[np.integer]) -> NDArray[np.int64]:
    if pooling == TOKENS:
        return gather_ranges(examples.offsets, windows)[0]
    return examples.logit_places(windows)


def _vectors(state: NDArray[np.floating], batch: Batch, pooling: str) -> NDArray[np.floating]:
    """Return of one layer (float32[T, H]) the vectors that were asked for: float32[n, H]."""
    if batch.tag_positions is not None:
        return state[batch.tag_positions]
    if pooling == TOKENS:
        return state
    if pooling == "cls":
        return state[batch.offsets[:-1]]
    sums = np.add.reduceat(state, batch.offsets[:-1], axis=0)
    return sums / np.diff(batch.offsets)[:, None].astype(np.float32)


def _capacity(examples: Examples) -> Capacity:
    """Return what batches need, if the shortest windows are not all in one; that one is grown."""
    lengths = examples.lengths
    longest, total = int(lengths.max(initial=1)), int(lengths.sum())
    tokens = min(max(_BATCH_TOKENS, longest), max(total, 1))
    return Capacity.about(tokens, float(lengths.mean()), 0.0)
