"""The views of a parameter block as a tree: what each layer is handed, gradients likewise."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Parameters, layer_names

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
    """The map to the inner width [F, H] and back [H, F]; the norm."""

    input: Linear
    output: Linear
    norm: Linear


class MaskHeadWeights(NamedTuple):
    """The map in front of the decoder [E, H], its norm, and the decoder's bias [V]."""

    transform: Linear
    norm: Linear
    bias: Array


class Weights(NamedTuple):
    """All weights of a model; None where a variant has none."""

    embeddings: EmbeddingWeights
    relative: Array | None
    layers: list[tuple[AttentionWeights, FeedForwardWeights]]
    final_norm: Linear | None
    pooler: Linear | None
    mlm: MaskHeadWeights | None
    nsp: Linear | None


def weights_of(parameters: Parameters) -> Weights:
    """Return the tree over a parameter block, without a copy."""
    views = parameters.views

    def linear(name: str) -> Linear:
        return Linear(views[f"{name}.weight"], views[f"{name}.bias"])

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
    mlm = None
    if parameters.config.mlm_head:
        mlm = MaskHeadWeights(linear("mlm.transform"), linear("mlm.norm"), views["mlm.bias"])
    return Weights(
        embeddings=embeddings,
        relative=views.get("relative.weight"),
        layers=[layer(number) for number in range(parameters.config.num_hidden_layers)],
        final_norm=linear_or_none("final_norm"),
        pooler=linear_or_none("pooler"),
        mlm=mlm,
        nsp=linear_or_none("nsp"),
    )
