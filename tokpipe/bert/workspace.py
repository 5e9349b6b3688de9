"""All that a pass over a batch writes besides gradients, allocated once.

A workspace is made for the greatest batch to come; a pass works on the front of each array. For
inference the layers share one set of what backward would need.
"""

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tokpipe.bert.attention import SavedAttention
from tokpipe.bert.config import BertConfig
from tokpipe.bert.embeddings import SavedEmbeddings
from tokpipe.bert.feed_forward import SavedFeedForward
from tokpipe.bert.head import Capacity
from tokpipe.bert.positions import distance_buckets, rotation_tables, sine_table
from tokpipe.bert.products.maps import Rows
from tokpipe.bert.registry import heads_of
from tokpipe.bert.residual import SavedNorm
from tokpipe.foundation.arrays import aligned_zeros
from tokpipe.foundation.errors import MemoryLimitError

Array = NDArray[np.floating]


class Scratch(NamedTuple):
    """Arrays for results of a moment."""

    made: Array  # float32[T, H]: what a part of a layer made, and the gradient of it
    # (float32[T, H], float32[T, H]): two buffers for the gradient of the residual stream
    stream: tuple[Array, Array]
    d_part: Array  # float32[T, H]: gradient of what a part worked on, where a norm stands before it
    # `inner`, `d_inner`: float32[T, F]: inside the feed-forward part; the first may be bfloat16
    inner: Rows
    d_inner: Array
    # float32[T, 3H]: gradient of queries, keys and values; shares memory with `d_inner`
    d_qkv: Array


class Selected(NamedTuple):
    """What attention made and what it was made from, at the output rows: float32[R, H]."""

    attended: Array
    stream: Array


class Workspace:
    """The memory of one pass.

    Parameters
    ----------
    config
        Of the model.
    capacity
        Greatest numbers in a batch.
    training
        Whether backward follows; without, the layers share their arrays.
    dtype
        float32; float64 for checks of gradients.
    takes_halves
        Whether what is only multiplied may be bfloat16.

    Raises
    ------
    MemoryLimitError
        If there is not that much memory.
    """

    def __init__(
        self,
        config: BertConfig,
        capacity: Capacity,
        *,
        training: bool = True,
        dtype: DTypeLike = np.float32,
        takes_halves: bool = False,
    ) -> None:
        self.config, self.training, self.dtype = config, training, np.dtype(dtype)
        self._takes_halves = takes_halves and self.dtype == np.float32
        self.capacity = capacity
        try:
            self._allocate()
        except MemoryError:
            size = workspace_bytes(config, capacity, training=training)
            raise MemoryLimitError(
                f"no memory for a batch of {capacity.tokens:,} tokens: it takes {size >> 20:,} MiB",
                hint="Make batches smaller (batch_tokens or batch_size), or the model.",
            ) from None

    def check_holds(self, needed: Capacity) -> None:
        """Refuse a batch that is larger than the workspace.

        Raises
        ------
        ValueError
            If it is: the caller's mistake.
        """
        if any(size > most for size, most in zip(needed, self.capacity, strict=True)):
            raise ValueError(f"a workspace for {self.capacity} got {needed}")

    def _allocate(self) -> None:
        config, t = self.config, self.capacity.tokens
        hidden, width = config.hidden_size, config.embedding_width
        projected = self._new(t, hidden) if config.embedding_size else None
        self.embeddings = SavedEmbeddings(self._norm(t, width), projected)
        layers = config.num_hidden_layers if self.training else 1
        saved = [self._layer() for _ in range(layers)]
        self.layers = saved if self.training else saved * config.num_hidden_layers
        self.final_norm = self._norm(t, hidden) if config.norm_position == "pre" else None
        backward = t if self.training else 0
        self.scratch = self._scratch(backward)
        self.d_embedded = (self._new(backward, width), self._new(backward, width))
        rows = min(t, self.capacity.masks + self.capacity.sequences)
        self.selected = Selected(self._new(rows, hidden), self._new(rows, hidden))
        self.heads = {
            name: head.scratch(config, self.capacity, self._new)
            for name, head in heads_of(config).items()
        }
        self._allocate_positions()

    def _scratch(self, backward: int) -> Scratch:
        config, t = self.config, self.capacity.tokens
        hidden, inner = config.hidden_size, config.inner_size
        flat = self._new(backward * max(inner, 3 * hidden))
        d_inner, d_qkv = (flat[: backward * n].reshape(-1, n) for n in (inner, 3 * hidden))
        return Scratch(
            made=self._new(t, hidden),
            stream=(self._new(backward, hidden), self._new(backward, hidden)),
            d_part=self._new(backward if config.norm_position == "pre" else 0, hidden),
            inner=new_halves(t, inner) if self._takes_halves else self._new(t, inner),
            d_inner=d_inner,
            d_qkv=d_qkv,
        )

    def _allocate_positions(self) -> None:
        config, t = self.config, self.capacity.tokens
        longest = min(t, config.longest or t)
        self.positions, self.no_segments = np.zeros(t, np.int32), np.zeros(t, np.int32)
        self.sines: Array | None = None
        self.rotations: tuple[Array, Array] | None = None
        self.buckets = np.zeros(0, np.int32)
        if config.position == "sinusoidal":
            self.sines = self._copied(sine_table(longest, config.embedding_width))
        if config.position == "rope":
            cosines, sines = rotation_tables(longest, config.head_size)
            self.rotations = self._copied(cosines), self._copied(sines)
        if config.has_distances:
            self.buckets = distance_buckets(longest)
        self.biases = self._new(config.num_attention_heads, len(self.buckets))
        self.d_biases = self._new(config.num_attention_heads, len(self.buckets))

    def _layer(self) -> tuple[SavedAttention, SavedFeedForward]:
        config, t = self.config, self.capacity.tokens
        hidden = config.hidden_size
        attention = SavedAttention(
            qkv=self._new(t, 3 * hidden),
            logsums=self._new(t, config.num_attention_heads),
            attended=self._new(t, hidden),
            norm=self._norm(t, hidden),
        )
        before = self._new(t, config.outer_size)
        return attention, SavedFeedForward(before, self._norm(t, hidden))

    def _norm(self, rows: int, width: int) -> SavedNorm:
        return SavedNorm(self._new(rows, width), self._new(rows), self._new(rows, width))

    def _copied(self, table: Array) -> Array:
        copy = self._new(*table.shape)
        copy[:] = table
        return copy

    def _new(self, *shape: int) -> Array:
        return aligned_zeros(shape, self.dtype)


def new_halves(rows: int, width: int) -> NDArray[np.uint16]:
    """Return zeros in bfloat16, [rows, width or some more]: rows are multiplied where they lie.

    A row is whole float32, and a cache line longer: of a power of two, those of a tile would be in
    each other's way (1,024 values: 153 GFLOP/s, 215 with the line; Zen 4).
    """
    return aligned_zeros((rows, width + width % 2 + 32), np.uint16)


def workspace_bytes(config: BertConfig, capacity: Capacity, *, training: bool = True) -> int:
    """Return about how much memory a workspace takes, in bytes: for plans and messages."""
    hidden, width, inner = config.hidden_size, config.embedding_width, config.inner_size
    layer = 3 * hidden + config.num_attention_heads + 5 * hidden + config.outer_size + 2
    layers = config.num_hidden_layers if training else 1
    passing = 2 * width + hidden + inner + (max(inner, 3 * hidden) + 3 * hidden) * training
    sizes: list[int] = []

    def counted(*shape: int) -> Array:
        sizes.append(prod(shape))
        return np.empty(0, np.float32)

    for head in heads_of(config).values():
        head.scratch(config, capacity, counted)
    return 4 * (capacity.tokens * (layers * layer + passing) + sum(sizes))


def front(arrays: Any, count: int) -> Any:
    """Cut an array, or each array of a tuple of tuples, to its first rows; None stays."""
    if arrays is None:
        return None
    if isinstance(arrays, np.ndarray):
        return arrays[:count]
    cut = [front(array, count) for array in arrays]
    return type(arrays)(*cut) if hasattr(arrays, "_fields") else tuple(cut)
