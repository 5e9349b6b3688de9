"""One vector a text: hidden states of some layers, pooled over its tokens."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.tasks.config import EmbedConfig
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import Sequences, encode_texts, run_batches

Vectors = NDArray[np.float32]

_DEFAULT = EmbedConfig()


def embed_texts(
    model: BertModel,
    texts: Sequence[str],
    config: EmbedConfig = _DEFAULT,
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Vectors:
    """Return a vector for each text, which is cut where it is longer than the model allows.

    Returns
    -------
    float32[B, W]
        See `vector_width`.

    Raises
    ------
    ConfigError
        If the model has not the layers or the pooler that are asked for.
    """
    require("model", model, BertModel, optional=False)
    sequences = encode_texts(model.tokenizer, texts, model.config, config.max_length, threads)
    if sequences.cut:
        progress.note(f"cut, being too long for the model or for max_length: {sequences.cut:,}")
    return embed_sequences(model, sequences, config, threads=threads, progress=progress)


def embed_sequences(
    model: BertModel,
    sequences: Sequences,
    config: EmbedConfig = _DEFAULT,
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Vectors:
    """Return a vector for each sequence of ids; see `embed_texts`."""
    out = np.empty((sequences.rows, vector_width(model, config)), np.float32)
    vectors = _pooled if config.pooling == "pooler" else _combined(config)

    def work(rows: NDArray[np.int64], packed: Batch, workspace: Workspace) -> None:
        out[rows] = vectors(model, packed, workspace)

    run_batches(model.model, sequences, work, threads=threads, progress=progress)
    return normalized(out) if config.normalize else out


def vector_width(model: BertModel, config: EmbedConfig) -> int:
    """Return how many numbers a vector has.

    Raises
    ------
    ConfigError
        If the model has not what is asked for.
    """
    hidden, layers = model.config.hidden_size, model.config.num_hidden_layers
    if config.pooling == "pooler":
        if not model.config.pooler:
            raise ConfigError("the model has no pooler", hint="Use pooling mean or cls.")
        if config.layers != "last":
            raise ConfigError(f"the pooler works on the last layer, layers={config.layers!r}")
    needed = {"last": 0, "second-to-last": 1}.get(config.layers, 4)
    if layers < needed:
        raise ConfigError(f"layers={config.layers!r}: the model has {layers} layers only")
    return 4 * hidden if config.layers == "concat-last-four" else hidden


def normalized(vectors: Vectors) -> Vectors:
    """Scale vectors to length 1; those of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths, lengths, 1)).astype(np.float32, copy=False)


def _pooled(model: BertModel, packed: Batch, workspace: Workspace) -> Vectors:
    return np.asarray(model.model.pooled(packed, workspace), np.float32)


def _combined(config: EmbedConfig) -> Callable[[BertModel, Batch, Workspace], Vectors]:
    layers = {"last": (-1,), "second-to-last": (-2,)}.get(config.layers, (-4, -3, -2, -1))
    side_by_side = config.layers == "concat-last-four"

    def vectors(model: BertModel, packed: Batch, workspace: Workspace) -> Vectors:
        states = model.model.hidden_states(packed, layers, workspace)
        pooled = [_over_tokens(state, packed.offsets, config.pooling) for state in states]
        return np.concatenate(pooled, axis=1) if side_by_side else np.add.reduce(pooled)

    return vectors


def _over_tokens(states: NDArray, offsets: NDArray[np.integer], pooling: str) -> Vectors:
    """Return one row a sequence: float32[B, H] of float32[T, H]."""
    if pooling == "cls":
        return states[offsets[:-1]]
    sums = np.add.reduceat(states, offsets[:-1], axis=0)
    return (sums / np.diff(offsets)[:, None]).astype(np.float32)
