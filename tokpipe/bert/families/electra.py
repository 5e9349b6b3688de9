"""ELECTRA (Clark et al. 2020): BERT's layers, embeddings as wide as one likes, no pooler.

Its generator is a model with an MLM head. The discriminator's own head, which tells which tokens
are replaced, is left out: nothing here asks for it, nor for what sums up choices.
"""

from collections.abc import Iterator

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.bert import BERT_ROWS
from tokpipe.bert.families.family import (
    COMMON_KEYS,
    OTHER_HEADS,
    Family,
    offset_reasons,
    transformers_reasons,
)


def _reasons(config: BertConfig) -> Iterator[str]:
    yield from transformers_reasons(config)
    if config.share_layers != "none":
        yield f"share_layers={config.share_layers!r}"
    yield from offset_reasons(config)
    if config.mlm_head and config.hidden_act != "gelu":
        yield f"hidden_act={config.hidden_act!r} (its MLM head always has gelu)"
    if config.pooler:
        yield "pooler (it has none)"


ELECTRA = Family(
    name="electra",
    title="ELECTRA",
    prefix="electra.",
    rows={
        **{ours: row for ours, row in BERT_ROWS.items() if ours != "pooler"},
        "embeddings.projection": "embeddings_project",
    },
    heads={
        "mlm.transform": "generator_predictions.dense",
        "mlm.norm": "generator_predictions.LayerNorm",
        "mlm.bias": "generator_lm_head.bias",
        "text.dense": "classifier.dense",
        "text.output": "classifier.out_proj",
        "token.output": "classifier",
        "span.output": "qa_outputs",
    },
    copies={"generator_lm_head.weight": "embeddings.token"},
    other_heads=(*OTHER_HEADS, "discriminator_predictions.", "sequence_summary."),
    always=("embeddings.segment",),
    keys={key: key for key in (*COMMON_KEYS, "embedding_size")},
    defaults={
        "embedding_size": 128,
        "hidden_size": 256,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
    },
    implied=lambda values: {"pooler": False},
    reasons=_reasons,
    classifier="gelu",
    dropouts={"text": ("classifier_dropout", None), "token": ("classifier_dropout", None)},
    architectures={
        ("mlm",): "ElectraForMaskedLM",
        (): "ElectraModel",
        ("text",): "ElectraForSequenceClassification",
        ("token",): "ElectraForTokenClassification",
        ("span",): "ElectraForQuestionAnswering",
    },
)
