"""The views of a parameter block as a tree: what each layer is handed, gradients likewise."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Parameters, layer_names
from tokpipe.bert.registry import heads_of

Array = NDArray[np.floating]


class Linear(NamedTuple):
    """A linear map: weight [out, in], bias [out]. A norm has the same: scale [H] and shift [H]."""

    weight: Array
    bias: Array


class EmbeddingWeights(NamedTuple):
    """Tables [V, E], [P, E], [2, E], their norm, and the map to the hidden size if there is one."""

    token: Array
    position: Array | None
    segment: Array | None
    norm: Linear
    projection: Linear | None


class AttentionWeights(NamedTuple):
    """Queries, keys and values in one map [3H, H]; the map behind attention; the norm."""

    qkv: Linear
    output: Linear
    norm: Linear


class FeedForwardWeights(NamedTuple):
    """The map to the inner width [F, H], or to gate and values [2F, H]; back [H, F]; the norm."""

    input: Linear
    output: Linear
    norm: Linear


class Weights(NamedTuple):
    """All weights of a model; None where a variant has none; those of each head by its name."""

    embeddings: EmbeddingWeights
    relative: Array | None
    layers: list[tuple[AttentionWeights, FeedForwardWeights]]
    final_norm: Linear | None
    pooler: Linear | None
    heads: dict[str, Any]


def linear_of(views: Mapping[str, Array], name: str) -> Linear:
    """Return weight and bias of a linear map, or scale and shift of a norm."""
    return Linear(views[f"{name}.weight"], views[f"{name}.bias"])


def weights_of(parameters: Parameters) -> Weights:
    """Return the tree over a parameter block, without a copy."""
    views = parameters.views

    def linear(name: str) -> Linear:
        return linear_of(views, name)

    def linear_or_none(name: str) -> Linear | None:
        return linear(name) if f"{name}.weight" in views else None

    def layer(number: int) -> tuple[AttentionWeights, FeedForwardWeights]:
        attention, ffn = layer_names(parameters.config, number)
        return (
            AttentionWeights(*(linear(attention + part) for part in ("qkv", "output", "norm"))),
            FeedForwardWeights(*(linear(ffn + part) for part in ("input", "output", "norm"))),
        )

    embeddings = EmbeddingWeights(
        token=views["embeddings.token"],
        position=views.get("embeddings.position"),
        segment=views.get("embeddings.segment"),
        norm=linear("embeddings.norm"),
        projection=linear_or_none("embeddings.projection"),
    )
    return Weights(
        embeddings=embeddings,
        relative=views.get("relative.weight"),
        layers=[layer(number) for number in range(parameters.config.num_hidden_layers)],
        final_norm=linear_or_none("final_norm"),
        pooler=linear_or_none("pooler"),
        heads={name: head.weights(views) for name, head in heads_of(parameters.config).items()},
    )
