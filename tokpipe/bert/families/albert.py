"""ALBERT (Lan et al. 2020): one layer's weights for all, embeddings narrower than the states."""

from collections.abc import Iterator

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import (
    COMMON_KEYS,
    Family,
    offset_reasons,
    transformers_reasons,
)

_LAYER = "encoder.albert_layer_groups.{i}.albert_layers.{i}."


def _reasons(config: BertConfig) -> Iterator[str]:
    yield from transformers_reasons(config)
    if config.share_layers != "all":
        yield f"share_layers={config.share_layers!r} (it shares all)"
    yield from offset_reasons(config)


ALBERT = Family(
    name="albert",
    title="ALBERT",
    prefix="albert.",
    rows={
        "embeddings.token": "embeddings.word_embeddings.weight",
        "embeddings.position": "embeddings.position_embeddings.weight",
        "embeddings.segment": "embeddings.token_type_embeddings.weight",
        "embeddings.norm": "embeddings.LayerNorm",
        "embeddings.projection": "encoder.embedding_hidden_mapping_in",
        "layers.{i}.attention.qkv": tuple(
            f"{_LAYER}attention.{part}" for part in ("query", "key", "value")
        ),
        "layers.{i}.attention.output": f"{_LAYER}attention.dense",
        "layers.{i}.attention.norm": f"{_LAYER}attention.LayerNorm",
        "layers.{i}.ffn.input": f"{_LAYER}ffn",
        "layers.{i}.ffn.output": f"{_LAYER}ffn_output",
        "layers.{i}.ffn.norm": f"{_LAYER}full_layer_layer_norm",
        "pooler": "pooler",
    },
    heads={
        "mlm.transform": "predictions.dense",
        "mlm.norm": "predictions.LayerNorm",
        "mlm.bias": "predictions.bias",
        "nsp": "sop_classifier.classifier",
        "text.output": "classifier",
        "token.output": "classifier",
        "span.output": "qa_outputs",
    },
    copies={
        "predictions.decoder.weight": "embeddings.token",
        "predictions.decoder.bias": "mlm.bias",
    },
    always=("embeddings.segment", "embeddings.projection", "pooler"),
    keys={key: key for key in (*COMMON_KEYS, "embedding_size")},
    defaults={
        "vocab_size": 30_000,
        "embedding_size": 128,
        "hidden_size": 4096,
        "num_attention_heads": 64,
        "intermediate_size": 16_384,
        "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
    allowed={"num_hidden_groups": (1, None), "inner_group_num": (1, None)},
    implied=lambda values: {"share_layers": "all"},
    reasons=_reasons,
    dropouts={
        "text": ("classifier_dropout_prob", 0.1),
        "token": ("classifier_dropout_prob", 0.1),
    },
    architectures={
        ("mlm", "nsp"): "AlbertForPreTraining",
        ("mlm",): "AlbertForMaskedLM",
        ("nsp",): "AlbertForPreTraining",
        (): "AlbertModel",
        ("text",): "AlbertForSequenceClassification",
        ("token",): "AlbertForTokenClassification",
        ("span",): "AlbertForQuestionAnswering",
    },
)
