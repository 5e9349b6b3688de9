"""MPNet (Song et al. 2020): BERT's layers, a bias by distance beside the table of places.

The bias is T5's, and the same in all layers. There are no segments; places begin at row 2 whatever
the padding's id may be, which transformers takes to be 1.
"""

from collections.abc import Iterator

from tokpipe.bert.config import RELATIVE_BUCKETS, BertConfig
from tokpipe.bert.families.bert import BERT_ROWS
from tokpipe.bert.families.family import COMMON_KEYS, Family, unshared_reasons
from tokpipe.bert.families.roberta import ROBERTA

_LAYER = "encoder.layer.{i}.attention."
_IMPLIED = {"position": "learned-relative", "position_offset": 2, "type_vocab_size": 0}


def _reasons(config: BertConfig) -> Iterator[str]:
    yield from unshared_reasons(config, "learned-relative")
    if (config.position_offset, config.pad_token_id) != (2, 1):
        yield (
            f"position_offset={config.position_offset} and pad_token_id={config.pad_token_id}, "
            "which are 2 and 1 there"
        )
    if config.type_vocab_size:
        yield f"type_vocab_size={config.type_vocab_size} (it has no segments)"
    if config.mlm_head and config.hidden_act != "gelu":
        yield f"hidden_act={config.hidden_act!r} (its MLM head always has gelu)"


MPNET = Family(
    name="mpnet",
    title="MPNet",
    prefix="mpnet.",
    rows={
        **{ours: row for ours, row in BERT_ROWS.items() if ours != "embeddings.segment"},
        "relative": "encoder.relative_attention_bias",
        "layers.{i}.attention.qkv": tuple(f"{_LAYER}attn.{part}" for part in ("q", "k", "v")),
        "layers.{i}.attention.output": f"{_LAYER}attn.o",
        "layers.{i}.attention.norm": f"{_LAYER}LayerNorm",
    },
    heads=ROBERTA.heads,
    copies=ROBERTA.copies,
    always=("pooler",),
    keys={key: key for key in COMMON_KEYS if key not in _IMPLIED},
    defaults={"vocab_size": 30_527, "pad_token_id": 1},
    allowed={"relative_attention_num_buckets": (RELATIVE_BUCKETS, None)},
    implied=lambda values: _IMPLIED,
    reasons=_reasons,
    classifier="tanh",
    architectures={
        ("mlm",): "MPNetForMaskedLM",
        (): "MPNetModel",
        ("text",): "MPNetForSequenceClassification",
        ("token",): "MPNetForTokenClassification",
        ("span",): "MPNetForQuestionAnswering",
    },
)
