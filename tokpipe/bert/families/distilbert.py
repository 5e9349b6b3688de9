"""DistilBERT (Sanh et al. 2019): BERT's layers under other names, no segments, no pooler."""

from collections.abc import Iterator

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import (
    COMMON_KEYS,
    Family,
    offset_reasons,
    unshared_reasons,
)

_LAYER = "transformer.layer.{i}."
_EPS = 1e-12  # of its norms: a number in transformers' code, not a setting
_IMPLIED = {"pooler": False, "type_vocab_size": 0, "layer_norm_eps": _EPS}
_OTHER_KEYS = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
}


def _reasons(config: BertConfig) -> Iterator[str]:
    yield from unshared_reasons(config)
    yield from offset_reasons(config)
    if config.type_vocab_size:
        yield f"type_vocab_size={config.type_vocab_size} (it has no segments)"
    if config.layer_norm_eps != _EPS:
        yield f"layer_norm_eps={config.layer_norm_eps:g}, which is {_EPS:g} there"
    if config.pooler:
        yield "pooler (it has none)"


DISTILBERT = Family(
    name="distilbert",
    title="DistilBERT",
    prefix="distilbert.",
    rows={
        "embeddings.token": "embeddings.word_embeddings.weight",
        "embeddings.position": "embeddings.position_embeddings.weight",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{i}.attention.qkv": tuple(
            f"{_LAYER}attention.{part}" for part in ("q_lin", "k_lin", "v_lin")
        ),
        "layers.{i}.attention.output": f"{_LAYER}attention.out_lin",
        "layers.{i}.attention.norm": f"{_LAYER}sa_layer_norm",
        "layers.{i}.ffn.input": f"{_LAYER}ffn.lin1",
        "layers.{i}.ffn.output": f"{_LAYER}ffn.lin2",
        "layers.{i}.ffn.norm": f"{_LAYER}output_layer_norm",
    },
    heads={
        "mlm.transform": "vocab_transform",
        "mlm.norm": "vocab_layer_norm",
        "mlm.bias": "vocab_projector.bias",
        "text.dense": "pre_classifier",
        "text.output": "classifier",
        "token.output": "classifier",
        "span.output": "qa_outputs",
    },
    copies={"vocab_projector.weight": "embeddings.token"},
    keys={key: _OTHER_KEYS.get(key, key) for key in COMMON_KEYS if key not in _IMPLIED},
    common=("hidden_size", "num_hidden_layers", "num_attention_heads"),
    defaults={"num_hidden_layers": 6},
    implied=lambda values: _IMPLIED,
    reasons=_reasons,
    classifier="relu",
    dropouts={"text": ("seq_classif_dropout", 0.2), "span": ("qa_dropout", 0.1)},
    architectures={
        ("mlm",): "DistilBertForMaskedLM",
        (): "DistilBertModel",
        ("text",): "DistilBertForSequenceClassification",
        ("token",): "DistilBertForTokenClassification",
        ("span",): "DistilBertForQuestionAnswering",
    },
)
