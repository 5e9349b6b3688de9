"""One vector a text: hidden states of some layers, pooled over its tokens."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.doors import require
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.tasks.config import EmbedConfig
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import Sequences, batches_of, run_batches
from tokpipe.tasks.vector_settings import VectorSettings, prepared, settle
from tokpipe.training.ranks import ALONE, Ranks

Vectors = NDArray[np.float32]
Borders = NDArray[np.integer]

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

    What `config` leaves open is as sentence-transformers says in the model's folder, if it does.

    Returns
    -------
    float32[B, W]
        W is the model's hidden size, times four with ``concat-last-four``, times the number of
        poolings that the folder puts side by side.

    Raises
    ------
    ConfigError
        If it is no open model, or has not the layers or the pooler that are asked for.
    InputError
        If the folder asks for modules that are not known here.
    """
    require("model", model, BertModel, optional=False)
    require("config", config, EmbedConfig, optional=False)
    settings = settle(model, config)
    for note in settings.notes:
        progress.note(note)
    sequences = prepared(model, texts, settings, threads)
    if sequences.cut:
        progress.note(f"cut, being too long for the model or for max_length: {sequences.cut:,}")
    return embed_sequences(model, sequences, settings, threads=threads, progress=progress)


def embed_sequences(
    model: BertModel,
    sequences: Sequences,
    settings: VectorSettings,
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> Vectors:
    """Return a vector for each sequence of ids; see `embed_texts`. All ranks call it."""
    out = np.empty((sequences.rows, settings.width), np.float32)
    poolings = settings.sentence.poolings
    vectors = _pooled if "pooler" in poolings else _combined(settings.layers, poolings)

    def work(rows: NDArray[np.int64], packed: Batch, workspace: Workspace) -> None:
        out[rows] = vectors(model, packed, workspace)

    run_batches(model.model, sequences, work, threads=threads, progress=progress, ranks=ranks)
    if ranks.size > 1:
        shares = [batches_of(sequences, rank, ranks.size) for rank in range(ranks.size)]
        rows = [np.concatenate([np.zeros(0, np.int64), *share]) for share in shares]
        counts = [len(part) * settings.width for part in rows]
        found = ranks.gather(out[rows[ranks.rank]].reshape(-1).astype(np.float64), counts)
        out[np.concatenate(rows)] = found.reshape(-1, settings.width)
    return normalized(out) if settings.sentence.normalize else out


def normalized(vectors: Vectors) -> Vectors:
    """Scale vectors to length 1; those of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths, lengths, 1)).astype(np.float32, copy=False)


def _pooled(model: BertModel, packed: Batch, workspace: Workspace) -> Vectors:
    return np.asarray(model.model.pooled(packed, workspace), np.float32)


def _combined(
    kind: str, poolings: Sequence[str]
) -> Callable[[BertModel, Batch, Workspace], Vectors]:
    layers = {"last": (-1,), "second-to-last": (-2,)}.get(kind, (-4, -3, -2, -1))
    side_by_side = kind == "concat-last-four"

    def vectors(model: BertModel, packed: Batch, workspace: Workspace) -> Vectors:
        states = model.model.hidden_states(packed, layers, workspace)
        pooled = [_over_tokens(state, packed.offsets, poolings) for state in states]
        return np.concatenate(pooled, axis=1) if side_by_side else np.add.reduce(pooled)

    return vectors


def _over_tokens(states: Vectors, offsets: Borders, poolings: Sequence[str]) -> Vectors:
    """Return one row a sequence, of each pooling side by side: float32[B, P * H] of [T, H]."""
    found = [_OVER_TOKENS[pooling](states, offsets) for pooling in poolings]
    return np.concatenate(found, axis=1, dtype=np.float32)


def _sums(states: Vectors, offsets: Borders) -> Vectors:
    return np.add.reduceat(states, offsets[:-1], axis=0)


def _weighted_mean(states: Vectors, offsets: Borders) -> NDArray:
    """Weigh each token by its number in the text, from 1 on."""
    lengths = np.diff(offsets)
    weights = (np.arange(len(states)) - np.repeat(offsets[:-1], lengths) + 1).astype(np.float32)
    return _sums(states * weights[:, None], offsets) / _sums(weights[:, None], offsets)


_OVER_TOKENS: Mapping[str, Callable[[Vectors, Borders], NDArray]] = {
    "mean": lambda states, offsets: _sums(states, offsets) / np.diff(offsets)[:, None],
    "cls": lambda states, offsets: states[offsets[:-1]],
    "max": lambda states, offsets: np.maximum.reduceat(states, offsets[:-1], axis=0),
    "mean_sqrt_len_tokens": lambda states, offsets: (
        _sums(states, offsets) / np.sqrt(np.diff(offsets))[:, None]
    ),
    "weightedmean": _weighted_mean,
    "lasttoken": lambda states, offsets: states[offsets[1:] - 1],
}
