"""A bidirectional LSTM of some layers, and a linear map of its states: there, and back.

Of words each state is mapped by itself. Of texts the greatest and the mean of each number over the
words are; of a pair of texts those of both, their distance and their product.

References
----------
A. Graves, J. Schmidhuber: Framewise Phoneme Classification with Bidirectional LSTM, 2005.
A. Conneau et al.: Supervised Learning of Universal Sentence Representations from Natural Language
Inference Data, EMNLP 2017: states of words pooled, and what is made of a pair.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.kernels import bags, lstm
from tokpipe.baselines.packing import Packed
from tokpipe.bert.blas import sgemm_address
from tokpipe.bert.dropout import NO_DROPOUT, Dropout, dropout_at
from tokpipe.bert.kernels import dropout, rows
from tokpipe.bert.linear import input_backward, linear_forward, weight_backward
from tokpipe.bert.parameters import Tensors, linear_shapes
from tokpipe.bert.twins import by_precision
from tokpipe.bert.weights import Linear
from tokpipe.foundation.seeds import fill_random_bits, stream_key

Array = NDArray[np.floating]
Views = Mapping[str, Array]

_forward, _backward = by_precision(lstm.lstm_forward), by_precision(lstm.lstm_backward)
_pool, _unpool = by_precision(bags.pool_rows), by_precision(bags.unpool_rows)
_drop, _add_column_sums = by_precision(dropout.drop), by_precision(rows.add_column_sums)

_DIRECTIONS = {"forward": lstm.FORWARD, "backward": lstm.BACKWARD}
_OUTPUT = "output"
_TIMES = {0: 2, 1: 4, 2: 16}  # numbers that are mapped, by `Net.texts`, times the hidden size


class Net(NamedTuple):
    """The sizes of a network."""

    width: int  # numbers of an input
    hidden: int  # of a state in one direction
    layers: int
    outputs: int
    texts: int  # texts a row, pooled: one or two; 0: each word has outputs
    # shares of inputs, and of states, that are dropped in training
    input_dropout: float = 0.0
    dropout: float = 0.0


class Tape(NamedTuple):
    """What the way there leaves for the way back."""

    layers: tuple[tuple[Array, Array, Array, Array, Dropout], ...]
    first: Dropout  # of the inputs
    pooled: tuple[Array, NDArray[np.int64]] | None  # float32[B, 4H], int64[B, 2H]
    features: Array  # what is mapped


def shapes(net: Net) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of each tensor."""
    for layer in range(net.layers):
        into = 2 * net.hidden if layer else net.width
        yield from linear_shapes(_input(layer), 8 * net.hidden, into)
        for name in _DIRECTIONS:
            yield _state(layer, name), (4 * net.hidden, net.hidden)
    yield from linear_shapes(_OUTPUT, net.outputs, _TIMES[net.texts] * net.hidden)


def _input(layer: int) -> str:
    return f"lstm.{layer}.input"


def _state(layer: int, direction: str) -> str:
    return f"lstm.{layer}.{direction}.weight"


def initialise(net: Net, tensors: Tensors, seed: int) -> None:
    """Draw weights, uniform by the width of what they map; forget gates begin open."""
    for name, shape in shapes(net):
        if name.endswith("weight"):
            draw_uniform(seed, name, 1 / np.sqrt(shape[1]), tensors.views[name])
    for layer in range(net.layers):
        bias = tensors.views[f"{_input(layer)}.bias"].reshape(2, 4, net.hidden)
        bias[:, 1] = 1


def draw_uniform(seed: int, name: str, bound: float, out: Array) -> None:
    """Fill an array with numbers between minus a bound and it, in a stream of its name."""
    bits = np.empty(out.size, np.uint64)
    fill_random_bits(np.uint64(stream_key(seed, name)), 0, bits)
    unit = (bits >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
    out[...] = ((2 * unit - 1) * np.float32(bound)).reshape(out.shape)


def forward(
    net: Net, views: Views, x: Array, packed: Packed, key: int | None = None
) -> tuple[Array, Tape]:
    """Return the outputs for a batch.

    Parameters
    ----------
    views
        The tensors of `shapes`.
    x : float32[T, width]
        Inputs, packed; values are dropped in place.
    packed
        Of words: T of them. Of texts: of B rows the first ones, then the second ones.
    key
        Of what is dropped; None: nothing is.

    Returns
    -------
    outputs : float32[T, C] or float32[B, C]
        Of words as they are packed, of rows in their order.
    tape
        For `backward`.
    """
    first = dropout_at(key, net.input_dropout, 0)
    _drop(x, *first)
    layers = []
    for layer in range(net.layers):
        gates = np.empty((len(x), 8 * net.hidden), x.dtype)
        cells, states = (np.empty((len(x), 2 * net.hidden), x.dtype) for _ in range(2))
        linear_forward(x, _linear(views, _input(layer)), gates)
        for name, direction in _DIRECTIONS.items():
            weight = views[_state(layer, name)]
            _forward(gates, sgemm_address(), packed.sizes, weight, direction, cells, states)
        drop = dropout_at(key, net.dropout, 1 + layer)
        layers.append((x, gates, cells, states, drop))
        x = states if drop is NO_DROPOUT else states.copy()
        _drop(x, *drop)
    pooled = _pooled(x, packed) if net.texts else None
    features = x if pooled is None else _features(_in_order(pooled[0], packed, net.texts))
    outputs = np.empty((len(features), net.outputs), x.dtype)
    linear_forward(features, _linear(views, _OUTPUT), outputs)
    return outputs, Tape(tuple(layers), first, pooled, features)


def backward(
    net: Net, views: Views, packed: Packed, tape: Tape, d_outputs: Array, into: Views
) -> Array:
    """Take the gradients of `forward`; that of the output's bias is summed where the loss is.

    Parameters
    ----------
    d_outputs : as the outputs
        Their gradient.
    into
        Gradients of the tensors, added to.

    Returns
    -------
    float32[T, width]
        Gradient of the inputs.
    """
    weight_backward(tape.features, d_outputs, _linear(into, _OUTPUT))
    above = np.empty_like(tape.features)
    input_backward(d_outputs, _linear(views, _OUTPUT), above)
    if tape.pooled is not None:
        above = _unpooled(above, packed, tape.pooled, net.texts)
    for layer in range(net.layers - 1, -1, -1):
        x, gates, cells, states, drop = tape.layers[layer]
        _drop(above, *drop)
        for name, direction in _DIRECTIONS.items():
            which = _state(layer, name)
            _backward(
                gates, sgemm_address(), packed.sizes, views[which], direction, cells, states,
                above, into[which],
            )  # fmt: skip
        weight_backward(x, gates, _linear(into, _input(layer)))
        _add_column_sums(gates, into[f"{_input(layer)}.bias"])
        above = np.empty_like(x)
        input_backward(gates, _linear(views, _input(layer)), above)
    _drop(above, *tape.first)
    return above


def _linear(views: Views, name: str) -> Linear:
    return Linear(views[f"{name}.weight"], views[f"{name}.bias"])


def _pooled(states: Array, packed: Packed) -> tuple[Array, NDArray[np.int64]]:
    texts, width = len(packed.order), states.shape[1]
    out, most = np.empty((texts, 2 * width), states.dtype), np.empty((texts, width), np.int64)
    _pool(states, packed.sizes, out, most)
    return out, most


def _in_order(pooled: Array, packed: Packed, texts: int) -> list[Array]:
    ordered = np.empty_like(pooled)
    ordered[packed.order] = pooled
    return np.split(ordered, texts)


def _features(sides: list[Array]) -> Array:
    if len(sides) == 1:
        return sides[0]
    one, other = sides
    return np.concatenate([one, other, abs(one - other), one * other], axis=1)


def _unpooled(
    above: Array, packed: Packed, pooled: tuple[Array, NDArray[np.int64]], texts: int
) -> Array:
    if texts == 2:
        one, other = _in_order(pooled[0], packed, texts)
        first, second, distance, product = np.split(above, 4, axis=1)
        distance = distance * np.sign(one - other)
        sides = [first + distance + product * other, second - distance + product * one]
        above = np.concatenate(sides)
    into = np.empty((len(packed.items), pooled[1].shape[1]), above.dtype)
    _unpool(np.ascontiguousarray(above[packed.order]), packed.sizes, pooled[1], into)
    return into
