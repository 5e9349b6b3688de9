"""The views of a parameter block as a tree: what each layer is handed, gradients likewise."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Parameters, layer_names
from tokpipe.bert.products.maps import Linear, Products
from tokpipe.bert.registry import heads_of

Array = NDArray[np.floating]


class Norm(NamedTuple):
    """A norm: its scale [H] and shift [H]."""

    weight: Array
    bias: Array


class EmbeddingWeights(NamedTuple):
    """Tables [V, E], [P, E], [2, E], their norm, and the map to the hidden size if there is one."""

    token: Array
    position: Array | None
    segment: Array | None
    norm: Norm
    projection: Linear | None


class AttentionWeights(NamedTuple):
    """Queries, keys and values in one map [3H, H]; the map behind attention; the norm."""

    qkv: Linear
    output: Linear
    norm: Norm


class FeedForwardWeights(NamedTuple):
    """The map to the inner width [F, H], or to gate and values [2F, H]; back [H, F]; the norm."""

    input: Linear
    output: Linear
    norm: Norm


class Weights(NamedTuple):
    """All weights of a model; None where a variant has none; those of each head by its name."""

    embeddings: EmbeddingWeights
    relative: Array | None
    layers: list[tuple[AttentionWeights, FeedForwardWeights]]
    final_norm: Norm | None
    pooler: Linear | None
    heads: dict[str, Any]


def linear_of(views: Mapping[str, Array], name: str) -> Linear:
    """Return a linear map, multiplied for in float32."""
    return Linear(views[f"{name}.weight"], views[f"{name}.bias"])


def norm_of(views: Mapping[str, Array], name: str) -> Norm:
    """Return scale and shift of a norm."""
    return Norm(views[f"{name}.weight"], views[f"{name}.bias"])


def weights_of(
    parameters: Parameters, products: Callable[[Array], Products] | None = None
) -> Weights:
    """Return the tree over a parameter block, without a copy.

    Parameters
    ----------
    parameters
        The block.
    products
        Returns what multiplies for the linear map of a weight, float32[out, in]; None: BLAS does.
    """
    tree = _tree(parameters)
    return _multiplied(tree, products) if products else tree


def _multiplied(node: Any, products: Callable[[Array], Products]) -> Any:
    """Return a tree whose linear maps carry their products."""
    if isinstance(node, Linear):
        return node._replace(products=products(node.weight))
    if isinstance(node, dict):
        return {name: _multiplied(part, products) for name, part in node.items()}
    if isinstance(node, list):
        return [_multiplied(part, products) for part in node]
    if not isinstance(node, tuple):
        return node
    parts = [_multiplied(part, products) for part in node]
    return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)


def _tree(parameters: Parameters) -> Weights:
    views = parameters.views

    def linear(name: str) -> Linear:
        return linear_of(views, name)

    def norm(name: str) -> Norm:
        return norm_of(views, name)

    def linear_or_none(name: str) -> Linear | None:
        return linear(name) if f"{name}.weight" in views else None

    def layer(number: int) -> tuple[AttentionWeights, FeedForwardWeights]:
        attention, ffn = layer_names(parameters.config, number)
        return (
            AttentionWeights(
                qkv=linear(attention + "qkv"),
                output=linear(attention + "output"),
                norm=norm(attention + "norm"),
            ),
            FeedForwardWeights(
                input=linear(ffn + "input"), output=linear(ffn + "output"), norm=norm(ffn + "norm")
            ),
        )

    embeddings = EmbeddingWeights(
        token=views["embeddings.token"],
        position=views.get("embeddings.position"),
        segment=views.get("embeddings.segment"),
        norm=norm("embeddings.norm"),
        projection=linear_or_none("embeddings.projection"),
    )
    return Weights(
        embeddings=embeddings,
        relative=views.get("relative.weight"),
        layers=[layer(number) for number in range(parameters.config.num_hidden_layers)],
        final_norm=norm("final_norm") if "final_norm.weight" in views else None,
        pooler=linear_or_none("pooler"),
        heads={name: head.weights(views) for name, head in heads_of(parameters.config).items()},
    )
