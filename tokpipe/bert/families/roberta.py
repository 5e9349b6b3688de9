"""RoBERTa (Liu et al. 2019): BERT's layers, positions behind the padding's id, no NSP head."""

from collections.abc import Iterator

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.bert import BERT_ROWS
from tokpipe.bert.families.family import COMMON_KEYS, Family, unshared_reasons


def _reasons(config: BertConfig) -> Iterator[str]:
    yield from unshared_reasons(config)
    if config.position_offset != config.pad_token_id + 1:
        yield (
            f"position_offset={config.position_offset}, which is pad_token_id + 1 = "
            f"{config.pad_token_id + 1} there"
        )
    if config.mlm_head and config.hidden_act != "gelu":
        yield f"hidden_act={config.hidden_act!r} (its MLM head always has gelu)"


ROBERTA = Family(
    name="roberta",
    title="RoBERTa",
    prefix="roberta.",
    rows=BERT_ROWS,
    heads={
        "mlm.transform": "lm_head.dense",
        "mlm.norm": "lm_head.layer_norm",
        "mlm.bias": "lm_head.bias",
        "text.dense": "classifier.dense",
        "text.output": "classifier.out_proj",
        "token.output": "classifier",
        "span.output": "qa_outputs",
    },
    copies={"lm_head.decoder.weight": "embeddings.token", "lm_head.decoder.bias": "mlm.bias"},
    always=("embeddings.segment", "pooler"),
    keys={key: key for key in COMMON_KEYS},
    defaults={"vocab_size": 50_265, "pad_token_id": 1},
    implied=lambda values: {"position_offset": values["pad_token_id"] + 1},
    reasons=_reasons,
    classifier="tanh",
    dropouts={"text": ("classifier_dropout", None), "token": ("classifier_dropout", None)},
    architectures={
        ("mlm",): "RobertaForMaskedLM",
        (): "RobertaModel",
        ("text",): "RobertaForSequenceClassification",
        ("token",): "RobertaForTokenClassification",
        ("span",): "RobertaForQuestionAnswering",
    },
)
