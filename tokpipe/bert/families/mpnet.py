"""MPNet (Song et al. 2020): BERT's layers, a bias by distance beside the table of places.

The bias is T5's, and the same in all layers. There are no segments; places begin at row 2 whatever
the padding's id may be, which transformers takes to be 1: there no token with that id has a place.

A model that has the bias alone is one whose table of places says nothing: all its rows are zero, or
the only segment, which is added to each token as a place would be. Which id the padding has is the
same to it then. Where transformers trains such a folder, places are learned and the row of token 1
is not; what comes of it is read where padding is token 1.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tokpipe.bert.config import RELATIVE_BUCKETS, BertConfig
from tokpipe.bert.families.bert import BERT_ROWS
from tokpipe.bert.families.family import COMMON_KEYS, Family, unshared_reasons
from tokpipe.bert.families.roberta import ROBERTA

_LAYER = "encoder.layer.{i}.attention."
_FIRST, _PADDING = 2, 1  # the row of the first place, and the token that has none
_IMPLIED = {"position_offset": _FIRST, "type_vocab_size": 0}


def _implied(values: Mapping[str, Any]) -> dict[str, Any]:
    has_places = values["pad_token_id"] == _PADDING  # the table itself tells what it says
    return {"position": "learned-relative" if has_places else "relative", **_IMPLIED}


def _reasons(config: BertConfig) -> Iterator[str]:
    yield from unshared_reasons(config, MPNET.positions)
    offset, pad, segments = config.position_offset, config.pad_token_id, config.type_vocab_size
    if config.has_places and (offset, pad) != (_FIRST, _PADDING):
        yield (
            f"position_offset={offset} and pad_token_id={pad}, "
            f"which are {_FIRST} and {_PADDING} there"
        )
    if segments > 1 or (segments and config.has_places):
        yield f"type_vocab_size={segments} (it has no segments)"
    if config.mlm_head and config.hidden_act != "gelu":
        yield f"hidden_act={config.hidden_act!r} (its MLM head always has gelu)"


MPNET = Family(
    name="mpnet",
    title="MPNet",
    positions=("learned-relative", "relative"),
    first_place=_FIRST,
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
    always=("pooler", "embeddings.position"),
    keys={key: key for key in COMMON_KEYS if key not in _IMPLIED},
    defaults={"vocab_size": 30_527, "pad_token_id": _PADDING},
    allowed={"relative_attention_num_buckets": (RELATIVE_BUCKETS, None)},
    implied=_implied,
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
