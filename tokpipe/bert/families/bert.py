"""BERT (Devlin et al. 2018), and the rows that its relatives have in common with it."""

from collections.abc import Iterator

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import (
    COMMON_KEYS,
    Family,
    Rows,
    offset_reasons,
    unshared_reasons,
)

_LAYER = "encoder.layer.{i}."
BERT_ROWS: Rows = {
    "embeddings.token": "embeddings.word_embeddings.weight",
    "embeddings.position": "embeddings.position_embeddings.weight",
    "embeddings.segment": "embeddings.token_type_embeddings.weight",
    "embeddings.norm": "embeddings.LayerNorm",
    "layers.{i}.attention.qkv": tuple(
        f"{_LAYER}attention.self.{part}" for part in ("query", "key", "value")
    ),
    "layers.{i}.attention.output": f"{_LAYER}attention.output.dense",
    "layers.{i}.attention.norm": f"{_LAYER}attention.output.LayerNorm",
    "layers.{i}.ffn.input": f"{_LAYER}intermediate.dense",
    "layers.{i}.ffn.output": f"{_LAYER}output.dense",
    "layers.{i}.ffn.norm": f"{_LAYER}output.LayerNorm",
    "pooler": "pooler.dense",
}


def _reasons(config: BertConfig) -> Iterator[str]:
    yield from unshared_reasons(config)
    yield from offset_reasons(config)


BERT = Family(
    name="bert",
    title="BERT",
    prefix="bert.",
    rows=BERT_ROWS,
    heads={
        "mlm.transform": "cls.predictions.transform.dense",
        "mlm.norm": "cls.predictions.transform.LayerNorm",
        "mlm.bias": "cls.predictions.bias",
        "nsp": "cls.seq_relationship",
        "text.output": "classifier",
        "token.output": "classifier",
        "span.output": "qa_outputs",
    },
    copies={
        "cls.predictions.decoder.weight": "embeddings.token",
        "cls.predictions.decoder.bias": "mlm.bias",
    },
    always=("embeddings.segment", "pooler"),
    keys={key: key for key in COMMON_KEYS},
    reasons=_reasons,
    dropouts={"text": ("classifier_dropout", None), "token": ("classifier_dropout", None)},
    architectures={
        ("mlm", "nsp"): "BertForPreTraining",
        ("mlm",): "BertForMaskedLM",
        ("nsp",): "BertForNextSentencePrediction",
        (): "BertModel",
        ("text",): "BertForSequenceClassification",
        ("token",): "BertForTokenClassification",
        ("span",): "BertForQuestionAnswering",
    },
)
