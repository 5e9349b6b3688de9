"""All that a pass over a batch writes besides gradients, allocated once.

A workspace is made for the greatest batch to come; a pass works on the front of each array. For
inference the layers share one set of what backward would need.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tokpipe.bert.attention import SavedAttention
from tokpipe.bert.config import BertConfig
from tokpipe.bert.embeddings import SavedEmbeddings
from tokpipe.bert.feed_forward import SavedFeedForward
from tokpipe.bert.heads import SavedMaskHead, SavedPairHead
from tokpipe.bert.inputs import PackedInput
from tokpipe.bert.kernels.rows import count_positions
from tokpipe.bert.positions import distance_buckets, rotation_tables, sine_table
from tokpipe.bert.residual import SavedNorm
from tokpipe.foundation.errors import MemoryLimitError

LOGITS = 1 << 23  # values of logits at once: 32 MiB, 274 places of a vocabulary of 30,522

Array = NDArray[np.floating]


class Room(NamedTuple):
    """Greatest numbers in a batch: what a workspace is made for."""

    tokens: int
    sequences: int
    masks: int

    @classmethod
    def of(cls, packed: PackedInput) -> Self:
        """Return what a batch needs."""
        masks = 0 if packed.masked_positions is None else len(packed.masked_positions)
        return cls(len(packed.input_ids), len(packed.offsets) - 1, masks)

    @classmethod
    def about(cls, tokens: int, mean_length: float, masked_share: float) -> Self:
        """Return what a batch of so many tokens needs in all likelihood."""
        sequences = int(1.5 * tokens / mean_length) + 2
        masks = int(tokens * masked_share * 1.1) + sequences
        return cls(tokens, sequences, min(masks, tokens))


class Spare(NamedTuple):
    """Arrays for results of a moment: float32[T, H], [T, F] and [T, 3H]."""

    made: Array
    stream: Array
    other: Array
    entered: Array
    inner: Array
    d_inner: Array
    d_qkv: Array


class Picked(NamedTuple):
    """What attention made and what it was made from, at the tokens asked for: float32[R, H]."""

    attended: Array
    stream: Array


class Inputs(NamedTuple):
    """A batch, copied to arrays of one type: kernels are compiled for no other."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    positions: NDArray[np.int32]
    segments: NDArray[np.int32]
    masked_positions: NDArray[np.int32]
    masked_ids: NDArray[np.int32]
    labels: NDArray[np.int32]


class Workspace:
    """The memory of one pass.

    Parameters
    ----------
    config
        Of the model.
    tokens, sequences, masks
        Greatest numbers in a batch.
    training
        Whether backward follows; without, the layers share their arrays.
    dtype
        float32; float64 for checks of gradients.

    Raises
    ------
    MemoryLimitError
        If there is not that much memory.
    """

    def __init__(
        self,
        config: BertConfig,
        tokens: int,
        sequences: int,
        masks: int,
        *,
        training: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.config, self.training, self.dtype = config, training, np.dtype(dtype)
        self.tokens, self.sequences, self.masks = self.room = Room(tokens, sequences, masks)
        self.longest = min(tokens, config.longest or tokens)
        try:
            self._allocate()
        except MemoryError:
            size = workspace_bytes(config, tokens, sequences, masks, training=training)
            raise MemoryLimitError(
                f"no memory for a batch of {tokens:,} tokens: it takes {size >> 20:,} MiB",
                hint="Make batches smaller (batch_tokens or batch_size), or the model.",
            ) from None

    def load(self, packed: PackedInput) -> Inputs:
        """Copy a batch into the workspace; labels that are not there become empty arrays.

        Raises
        ------
        ValueError
            If the batch is larger than the workspace: the caller's mistake.
        """
        self._check_room(packed)
        room = self.inputs
        first = self.config.position_offset if self.config.position == "learned" else 0
        inputs = Inputs(
            ids=_filled(room.ids, packed.input_ids),
            offsets=_filled(room.offsets, packed.offsets),
            positions=room.positions[: len(packed.input_ids)],
            segments=room.segments[: len(packed.input_ids)],
            masked_positions=_filled(room.masked_positions, packed.masked_positions),
            masked_ids=_filled(room.masked_ids, packed.masked_ids),
            labels=_filled(room.labels, packed.next_sentence_label),
        )
        count_positions(inputs.offsets, first, inputs.positions)
        inputs.segments[:] = 0 if packed.token_type_ids is None else packed.token_type_ids
        return inputs

    def mask_head_for(self, masks: int) -> SavedMaskHead:
        """Return the arrays of the MLM head for so many places."""
        saved = self.mask_head
        cut = front(saved, masks)
        return cut._replace(logits=saved.logits, d_bias=saved.d_bias)

    def pair_head_for(self, sequences: int) -> SavedPairHead:
        """Return the arrays of the pooler and the NSP head for so many sequences."""
        return front(self.pair_head, sequences)._replace(d_bias=self.pair_head.d_bias)

    def _check_room(self, packed: PackedInput) -> None:
        needed = Room.of(packed)
        if any(size > most for size, most in zip(needed, self.room, strict=True)):
            raise ValueError(f"a workspace for {self.room} got {needed}")

    def _allocate(self) -> None:
        config, t = self.config, self.tokens
        hidden, width, inner = config.hidden_size, config.embedding_width, config.intermediate_size
        projected = self._new(t, hidden) if config.embedding_size else None
        self.embeddings = SavedEmbeddings(self._norm(t, width), projected)
        layers = config.num_hidden_layers if self.training else 1
        saved = [self._layer() for _ in range(layers)]
        self.layers = saved if self.training else saved * config.num_hidden_layers
        self.final_norm = self._norm(t, hidden) if config.norm_position == "pre" else None
        flat = self._new(t * max(inner, 3 * hidden)) if self.training else self._new(0)
        d_inner, d_qkv = (
            flat[: t * size].reshape(-1, size) if self.training else self._new(0, size)
            for size in (inner, 3 * hidden)
        )
        backward = t if self.training else 0
        entered = backward if config.norm_position == "pre" else 0
        self.spare = Spare(
            made=self._new(t, hidden),
            stream=self._new(backward, hidden),
            other=self._new(backward, hidden),
            entered=self._new(entered, hidden),
            inner=self._new(t, inner),
            d_inner=d_inner,
            d_qkv=d_qkv,
        )
        self.d_embedded = (self._new(backward, width), self._new(backward, width))
        asked = min(t, self.masks + self.sequences)
        self.picked = Picked(self._new(asked, hidden), self._new(asked, hidden))
        self.mask_head = self._mask_head()
        self.pair_head = self._pair_head()
        self._allocate_places()

    def _allocate_places(self) -> None:
        config = self.config
        t, b, m, longest = self.tokens, self.sequences, self.masks, self.longest
        counts = (t, b + 1, t, t, m, m, b)
        self.inputs = Inputs(*(np.zeros(count, np.int32) for count in counts))
        self.sines: Array | None = None
        self.rotations: tuple[Array, Array] | None = None
        self.buckets = np.zeros(0, np.int32)
        if config.position == "sinusoidal":
            self.sines = self._copied(sine_table(longest, config.embedding_width))
        if config.position == "rope":
            cosines, sines = rotation_tables(longest, config.head_size)
            self.rotations = self._copied(cosines), self._copied(sines)
        if config.position == "relative":
            self.buckets = distance_buckets(longest)
        self.biases = self._new(config.num_attention_heads, len(self.buckets))
        self.d_biases = self._new(config.num_attention_heads, len(self.buckets))

    def _layer(self) -> tuple[SavedAttention, SavedFeedForward]:
        config, t = self.config, self.tokens
        hidden = config.hidden_size
        attention = SavedAttention(
            qkv=self._new(t, 3 * hidden),
            logsums=self._new(t, config.num_attention_heads),
            attended=self._new(t, hidden),
            norm=self._norm(t, hidden),
        )
        before = self._new(t, config.intermediate_size)
        return attention, SavedFeedForward(before, self._norm(t, hidden))

    def _mask_head(self) -> SavedMaskHead:
        config = self.config
        m = self.masks if config.mlm_head else 0
        hidden, width, vocab = config.hidden_size, config.embedding_width, config.vocab_size
        at_once = min(m, max(1, LOGITS // vocab))
        return SavedMaskHead(
            picked=self._new(m, hidden),
            d_picked=self._new(m, hidden),
            before=self._new(m, width),
            made=self._new(m, width),
            d_made=self._new(m, width),
            norm=self._norm(m, width),
            d_out=self._new(m, width),
            logits=self._new(at_once, vocab),
            d_bias=self._new(vocab),
        )

    def _pair_head(self) -> SavedPairHead:
        hidden = self.config.hidden_size
        b = self.sequences if self.config.pooler else 0
        return SavedPairHead(
            first=self._new(b, hidden),
            d_first=self._new(b, hidden),
            before=self._new(b, hidden),
            pooled=self._new(b, hidden),
            d_pooled=self._new(b, hidden),
            logits=self._new(b, 2),
            d_bias=self._new(2),
        )

    def _norm(self, rows: int, width: int) -> SavedNorm:
        return SavedNorm(self._new(rows, width), self._new(rows), self._new(rows, width))

    def _copied(self, table: Array) -> Array:
        copy = self._new(*table.shape)
        copy[:] = table
        return copy

    def _new(self, *shape: int) -> Array:
        array: Array = np.empty(shape, self.dtype)  # type: ignore[assignment]  # a float type
        return array


def workspace_bytes(
    config: BertConfig, tokens: int, sequences: int, masks: int, *, training: bool = True
) -> int:
    """Return about how much memory a workspace takes, in bytes: for plans and messages."""
    hidden, width, inner = config.hidden_size, config.embedding_width, config.intermediate_size
    layer = 3 * hidden + config.num_attention_heads + 5 * hidden + inner + 2
    layers = config.num_hidden_layers if training else 1
    passing = 2 * width + hidden + inner + (max(inner, 3 * hidden) + 3 * hidden) * training
    vocab = config.vocab_size
    logits = max(1, min(masks, LOGITS // vocab)) * vocab
    heads = masks * (2 * hidden + 6 * width) + logits + sequences * 5 * hidden
    return 4 * (tokens * (layers * layer + passing) + heads)


def front(arrays: Any, count: int) -> Any:
    """Cut an array, or each array of a tuple of tuples, to its first rows; None stays."""
    if arrays is None:
        return None
    if isinstance(arrays, np.ndarray):
        return arrays[:count]
    cut = [front(array, count) for array in arrays]
    return type(arrays)(*cut) if hasattr(arrays, "_fields") else tuple(cut)


def _filled(room: NDArray[np.int32], values: NDArray[np.integer] | None) -> NDArray[np.int32]:
    count = 0 if values is None else len(values)
    if values is not None:
        room[:count] = values
    return room[:count]
