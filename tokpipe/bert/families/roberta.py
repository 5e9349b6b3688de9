"""RoBERTa (Liu et al. 2019): BERT's layers, positions behind the padding's id, no NSP head.

Models that transformers has under other names with the same classes are here, too. They are written
as what they were, and never chosen for a model that says nothing of its name.
"""

from collections.abc import Iterator
from dataclasses import replace

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


def _renamed(name: str, title: str, start: str, prefix: str = ROBERTA.prefix) -> Family:
    """Return RoBERTa under another name; `start` is what names of its classes begin with."""
    named = (ROBERTA.architectures or {}).items()
    return replace(
        ROBERTA,
        name=name,
        title=title,
        prefix=prefix,
        defaults={"pad_token_id": 1},
        architectures={heads: start + one.removeprefix("Roberta") for heads, one in named},
    )


XLM_ROBERTA = _renamed("xlm-roberta", "XLM-RoBERTa", "XLMRoberta")
CAMEMBERT = _renamed("camembert", "CamemBERT", "Camembert")
DATA2VEC_TEXT = _renamed("data2vec-text", "data2vec", "Data2VecText", "data2vec_text.")
