"""All weights of a model in one block, and the table that says where each one lies.

A tensor begins at a multiple of `ALIGNMENT` values; the values between two tensors are zero and
stay so. Weights of linear maps are stored ``[out, in]``, as in Hugging Face's layout.
"""

import sys
from collections.abc import Iterable, Iterator
from copy import copy
from math import prod
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tokpipe.bert.config import RELATIVE_BUCKETS, BertConfig
from tokpipe.bert.registry import heads_of
from tokpipe.foundation.arrays import aligned_zeros
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.seeds import fill_random_bits, stream_key

ALIGNMENT = 16  # values: a cache line of float32

_PIECE = 1 << 18  # random numbers drawn at once: 2 MiB of bits, 30 ms


class Slot(NamedTuple):
    """Where a tensor lies in the block: its first value, and its shape."""

    offset: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many values it has."""
        return prod(self.shape)

    @property
    def end(self) -> int:
        """The place behind its last value."""
        return self.offset + self.size


class Tensors:
    """Tensors in one block.

    Parameters
    ----------
    shapes
        Name and shape of each, in the order of the block.
    dtype
        float32, or float64 for gradient checks.

    Attributes
    ----------
    block : float32[N] (or float64[N])
        All values, on a border of 64 bytes.
    table
        Name of each tensor and its `Slot`, in the order of the block.
    views
        Name of each tensor and its values, as a view of the block.
    """

    def __init__(
        self, shapes: Iterable[tuple[str, tuple[int, ...]]], dtype: DTypeLike = np.float32
    ) -> None:
        self.table = _table_of(shapes)
        self._take(aligned_zeros((_end_of(self.table),), dtype))

    def _take(self, block: NDArray) -> None:
        self.block = block
        self.views = {
            name: block[slot.offset : slot.end].reshape(slot.shape)
            for name, slot in self.table.items()
        }

    def zeros_like(self) -> Self:
        """Return a block of the same shape and type, all zero."""
        made = copy(self)
        made._take(aligned_zeros(self.block.shape, self.block.dtype))
        return made

    @property
    def count(self) -> int:
        """How many values the tensors have together."""
        return sum(slot.size for slot in self.table.values())


class Parameters(Tensors):
    """The weights of a model, or anything of their shape: gradients, moments.

    Attributes
    ----------
    config
        What the shapes follow from.
    """

    def __init__(self, config: BertConfig, dtype: DTypeLike = np.float32) -> None:
        super().__init__(_shapes(config), dtype)
        self.config = config

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the block alone: views that were copied one by one would be views no more."""
        return _of_block, (self.config, self.block)

    @classmethod
    def initialised(cls, config: BertConfig, seed: int, dtype: DTypeLike = np.float32) -> Self:
        """Return initial weights: matrices normal, norms one, biases zero.

        Each tensor draws from a stream of its own name, so that a variant with one tensor more
        leaves the others as they were. The row of the padding token is zero, as in `transformers`.
        """
        parameters = cls(config, dtype)
        for name, view in parameters.views.items():
            _draw(name, view, config, seed)
        if config.pad_token_id < config.vocab_size:
            parameters.views["embeddings.token"][config.pad_token_id] = 0
        return parameters

    @classmethod
    def from_encoder(cls, source: Self, config: BertConfig, seed: int) -> Self:
        """Return the encoder of a model, bit for bit, under heads that are drawn.

        Parameters
        ----------
        source
            A model whose encoder is as the settings say; it may lack the pooler (`missing_from`),
            which is drawn then.
        config
            Of the model wanted.
        seed
            Of what is drawn, as `initialised` draws it.

        Raises
        ------
        ConfigError
            If the encoders differ.
        """
        parameters = cls(config, source.block.dtype)
        missing, encoder = missing_from(source.config, config), dict(_encoder_shapes(config))
        for name, view in parameters.views.items():
            if name not in encoder or name in missing:
                _draw(name, view, config, seed)
            else:
                view[...] = source.views[name]
        return parameters

    @classmethod
    def from_layers(cls, source: Self, config: BertConfig) -> Self:
        """Return a model with fewer layers than another and all else of it, bit for bit.

        Parameters
        ----------
        source
            A model with the same settings but for the number of layers.
        config
            Of the model wanted; its layers are those of `kept_layers`.
        """
        parameters = cls(config, source.block.dtype)
        kept = kept_layers(source.config.num_hidden_layers, config.num_hidden_layers)
        for name, view in parameters.views.items():
            head, _, rest = name.removeprefix("layers.").partition(".")
            taken = f"layers.{kept[int(head)]}.{rest}" if name.startswith("layers.") else name
            view[...] = source.views[taken]
        return parameters

    def astype(self, dtype: DTypeLike) -> Self:
        """Return a copy in another precision."""
        made = type(self)(self.config, dtype)
        made.block[:] = self.block
        return made


def _of_block(config: BertConfig, block: NDArray[np.floating]) -> Parameters:
    parameters = Parameters(config, block.dtype)
    parameters.block[:] = block
    return parameters


def kept_layers(layers: int, count: int) -> list[int]:
    """Return which layers of a model one with fewer has: the first, and others as far apart.

    Examples
    --------
    >>> kept_layers(12, 6), kept_layers(4, 3)
    ([0, 2, 4, 6, 8, 10], [0, 1, 2])
    """
    return [number * layers // count for number in range(count)]


def missing_from(source: BertConfig, config: BertConfig) -> tuple[str, ...]:
    """Return which tensors of an encoder another has not: none, or those of the pooler.

    Raises
    ------
    ConfigError
        If the encoders differ in something else.

    Examples
    --------
    >>> missing_from(BertConfig(pooler=False, nsp_head=False), BertConfig())
    ('pooler.weight', 'pooler.bias')
    """
    has, wanted = dict(_encoder_shapes(source)), dict(_encoder_shapes(config))
    differing = [name for name in wanted if wanted[name] != has.get(name)]
    missing = tuple(name for name in differing if name not in has and name.startswith("pooler."))
    others = [name for name in differing if name not in missing]
    if others:
        raise ConfigError(
            f"{others[0]} has the shape {has.get(others[0])} there, {wanted[others[0]]} is needed"
        )
    return missing


def parameter_table(config: BertConfig) -> dict[str, Slot]:
    """Return where each tensor of a model lies, in the order of the block."""
    return _table_of(_shapes(config))


def _table_of(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, Slot]:
    table: dict[str, Slot] = {}
    offset = 0
    for name, shape in shapes:
        table[name] = Slot(offset, shape)
        offset += -(-table[name].size // ALIGNMENT) * ALIGNMENT
    return table


def count_encoder_parameters(config: BertConfig) -> int:
    """Return the size of the encoder with its pooler, the heads left out.

    Examples
    --------
    >>> count_encoder_parameters(BertConfig.preset("tiny"))
    4385920
    """
    return sum(prod(shape) for _, shape in _encoder_shapes(config))


def layer_names(config: BertConfig, layer: int) -> tuple[str, str]:
    """Return the prefixes under which layer `layer` finds its attention and its feed-forward part.

    Examples
    --------
    >>> layer_names(BertConfig(share_layers="attention"), 3)
    ('layers.0.attention.', 'layers.3.ffn.')
    """
    shared = config.share_layers
    attention = 0 if shared in ("all", "attention") else layer
    ffn = 0 if shared in ("all", "ffn") else layer
    return f"layers.{attention}.attention.", f"layers.{ffn}.ffn."


def whole_behind(name: str) -> int:
    """Return behind which layer, on the way back, a tensor's gradient is whole; -1: in the end.

    Heads are in front of all layers then. The embeddings are behind them, whatever a head that has
    the same table added before; so is what all layers have in common. A part that several layers
    share is called as that of the lowest of them.

    Examples
    --------
    >>> names = ("mlm.bias", "layers.11.ffn.norm.bias", "layers.0.qkv.bias", "embeddings.token")
    >>> [min(whole_behind(name), 99) for name in names]
    [99, 11, 0, -1]
    """
    first, _, rest = name.partition(".")
    if first == "layers":
        return int(rest.partition(".")[0])
    return -1 if first in ("embeddings", "relative") else sys.maxsize


def _shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from _encoder_shapes(config)
    for head in heads_of(config).values():
        yield from head.shapes(config)


def _encoder_shapes(config: BertConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, width = config.hidden_size, config.embedding_width
    yield "embeddings.token", (config.vocab_size, width)
    if config.has_places:
        yield "embeddings.position", (config.max_position_embeddings, width)
    if config.type_vocab_size:
        yield "embeddings.segment", (config.type_vocab_size, width)
    yield from norm_shapes("embeddings.norm", width)
    if width != hidden:
        yield from linear_shapes("embeddings.projection", hidden, width)
    if config.has_distances:
        yield "relative.weight", (RELATIVE_BUCKETS, config.num_attention_heads)
    for layer in range(config.num_hidden_layers):
        yield from _layer_shapes(config, layer)
    if config.norm_position == "pre":
        yield from norm_shapes("final_norm", hidden)
    if config.pooler:
        yield from linear_shapes("pooler", hidden, hidden)


def _layer_shapes(config: BertConfig, layer: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden = config.hidden_size
    attention, ffn = layer_names(config, layer)
    if attention == f"layers.{layer}.attention.":
        yield from linear_shapes(f"{attention}qkv", 3 * hidden, hidden)
        yield from linear_shapes(f"{attention}output", hidden, hidden)
        yield from norm_shapes(f"{attention}norm", hidden)
    if ffn == f"layers.{layer}.ffn.":
        yield from linear_shapes(f"{ffn}input", config.outer_size, hidden)
        yield from linear_shapes(f"{ffn}output", hidden, config.inner_size)
        yield from norm_shapes(f"{ffn}norm", hidden)


def linear_shapes(name: str, out: int, into: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of the weight and the bias of a linear map."""
    yield f"{name}.weight", (out, into)
    yield f"{name}.bias", (out,)


def norm_shapes(name: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of the scale and the shift of a norm."""
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def _end_of(table: dict[str, Slot]) -> int:
    last = list(table.values())[-1]
    return -(-last.end // ALIGNMENT) * ALIGNMENT


def _draw(name: str, view: NDArray[np.floating], config: BertConfig, seed: int) -> None:
    """Write the initial values of a tensor that is zero."""
    if name.endswith("norm.weight"):
        view.fill(1)
    elif view.ndim == 2:
        key = stream_key(seed, f"parameters {name}")
        fill_normal(key, config.initializer_range, view.reshape(-1))


def fill_normal(key: int, deviation: float, out: NDArray[np.floating]) -> None:
    """Write normal numbers, two from each 64 random bits (Box and Muller 1958)."""
    bits = np.empty(_PIECE, np.uint64)
    for start in range(0, len(out), 2 * _PIECE):
        target = out[start : start + 2 * _PIECE]
        piece = bits[: -(-len(target) // 2)]
        fill_random_bits(np.uint64(key), start // 2, piece)
        # 24 bits and a half: never zero, whose logarithm is infinite
        first = ((piece >> np.uint64(40)).astype(np.float32) + np.float32(0.5)) * np.float32(2**-24)
        angle = (piece & np.uint64(0xFFFFFF)).astype(np.float32) * np.float32(2 * np.pi * 2**-24)
        radius = np.sqrt(np.float32(-2) * np.log(first)) * np.float32(deviation)
        half = len(target) // 2
        target[: len(piece)] = radius * np.cos(angle)
        target[len(piece) :] = (radius * np.sin(angle))[:half]
