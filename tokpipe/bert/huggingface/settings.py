"""``config.json`` in and out: which family a model belongs to, and what keeps it out of one."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.bert.huggingface.foreign_files import read_object, shown
from tokpipe.bert.huggingface.names import (
    ALBERT,
    BERT,
    DISTILBERT,
    FAMILIES,
    ROBERTA,
    TOKPIPE,
    Family,
)
from tokpipe.bert.huggingface.stored import CONFIG
from tokpipe.foundation.errors import ConfigError, InputError, TokpipeError

_SAME = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
    *("intermediate_size", "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob"),
    *("max_position_embeddings", "type_vocab_size", "initializer_range", "layer_norm_eps"),
    "pad_token_id",
)
_DISTIL_NAMES = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
}
_DISTIL_EPS = 1e-12  # not a setting there

# Our setting and theirs, by family.
_KEYS: dict[str, dict[str, str]] = {
    "bert": {key: key for key in _SAME},
    "roberta": {key: key for key in _SAME},
    "distilbert": {
        key: _DISTIL_NAMES.get(key, key)
        for key in _SAME
        if key not in ("type_vocab_size", "layer_norm_eps")
    },
    "albert": {key: key for key in (*_SAME, "embedding_size")},
}
# What transformers takes where config.json says nothing, if it is not what BertConfig has.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {"vocab_size": 50_265, "pad_token_id": 1},
    "distilbert": {"num_hidden_layers": 6},
    "albert": {
        "vocab_size": 30_000,
        "embedding_size": 128,
        "hidden_size": 4096,
        "num_attention_heads": 64,
        "intermediate_size": 16_384,
        "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
}
# Settings of theirs that ours can follow at one value only.
_ALLOWED: dict[str, tuple[Any, ...]] = {
    "is_decoder": (False, None),
    "add_cross_attention": (False, None),
    "position_embedding_type": ("absolute", None),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
    "num_hidden_groups": (1, None),
    "inner_group_num": (1, None),
}
_SAME_ACT = {
    "swish": "silu",
    "gelu_python": "gelu",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python_tanh": "gelu_new",
}
_THEIR_ACTS = ("gelu", "gelu_new", "relu", "silu", "tanh", "sigmoid")
_MOST = {  # of a stranger's config.json: what is larger is no model for an ordinary computer
    "vocab_size": 1 << 24,
    "hidden_size": 1 << 16,
    "embedding_size": 1 << 16,
    "num_hidden_layers": 1 << 10,
    "num_attention_heads": 1 << 10,
    "intermediate_size": 1 << 20,
    "max_position_embeddings": 1 << 22,
    "type_vocab_size": 1 << 16,
    "pad_token_id": 1 << 24,
}
_ARCHITECTURES = {  # family: class for MLM and NSP, MLM, NSP, no head
    "bert": ("BertForPreTraining", "BertForMaskedLM", "BertForNextSentencePrediction", "BertModel"),
    "roberta": ("", "RobertaForMaskedLM", "", "RobertaModel"),
    "distilbert": ("", "DistilBertForMaskedLM", "", "DistilBertModel"),
    "albert": ("AlbertForPreTraining", "AlbertForMaskedLM", "AlbertForPreTraining", "AlbertModel"),
}


def read_config(folder: Path) -> tuple[BertConfig, Family]:
    """Read ``config.json`` of a model folder, ours or Hugging Face's.

    Which heads there are, only the tensors say: the configuration returned has them as it stands
    for our own kind, and all of them for the others.

    Raises
    ------
    InputError
        If the file is damaged, of a family that we do not know, or asks for what we do not do.
    """
    path = folder / CONFIG
    found = read_object(path)
    kind = found.pop("model_type", None)
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise InputError(
            f"{path}: model_type is {shown(kind)}, known are {', '.join(FAMILIES)}",
        )
    try:
        if kind == TOKPIPE.name:
            found.pop("dtype", None)
            return BertConfig.from_dict(_checked_own(found)), TOKPIPE
        return _from_theirs(found, FAMILIES[kind]), FAMILIES[kind]
    except (ConfigError, TypeError) as error:
        problem = error.problem if isinstance(error, TokpipeError) else str(error)
        raise InputError(f"{path}: {problem}") from error


def config_json(config: BertConfig, family: Family) -> dict[str, Any]:
    """Return what ``config.json`` says of a model in a family.

    Raises
    ------
    ConfigError
        If the family has no such model; the reasons are named.
    """
    reasons = refusals(config, family)
    if reasons:
        raise ConfigError(
            f"this model is none that transformers calls {family.name}: {'; '.join(reasons)}",
            hint="tokpipe itself can use it as it is.",
        )
    if family is TOKPIPE:
        return {"model_type": family.name, **config.to_dict()}
    values = config.to_dict() | {"embedding_size": config.embedding_width}
    if "type_vocab_size" in _KEYS[family.name]:
        values["type_vocab_size"] = config.type_vocab_size or 1  # a segment of zeros stands in
    written = {theirs: values[ours] for ours, theirs in _KEYS[family.name].items()}
    heads = (config.mlm_head, config.nsp_head)
    place = [(True, True), (True, False), (False, True), (False, False)].index(heads)
    return {
        "model_type": family.name,
        "architectures": [_ARCHITECTURES[family.name][place]],
        "dtype": "float32",
        "tie_word_embeddings": True,
        **written,
    }


def family_of(config: BertConfig) -> Family:
    """Return the family that a model is written as: the first that can express it, else ours."""
    order = (DISTILBERT, BERT) if _is_distilbert(config) else (BERT,)
    return next((f for f in (*order, ROBERTA, ALBERT) if not refusals(config, f)), TOKPIPE)


def refusals(config: BertConfig, family: Family) -> list[str]:
    """Return the reasons why a family has no such model; none if it has."""
    return [] if family is TOKPIPE else [*_reasons(config), *_OWN_REASONS[family.name](config)]


def _reasons(config: BertConfig) -> Iterator[str]:
    if config.position != "learned":
        yield f"position={config.position!r} (transformers has a learned table only)"
    if config.norm_position != "post":
        yield f"norm_position={config.norm_position!r} (there LayerNorm comes after each sum)"
    if config.hidden_act not in _THEIR_ACTS:
        yield f"hidden_act={config.hidden_act!r} is unknown there"


def _bert_reasons(config: BertConfig) -> Iterator[str]:
    yield from _unshared_reasons(config)
    if config.position_offset:
        yield f"position_offset={config.position_offset}"


def _roberta_reasons(config: BertConfig) -> Iterator[str]:
    yield from _unshared_reasons(config)
    if config.position_offset != config.pad_token_id + 1:
        yield (
            f"position_offset={config.position_offset}, which is pad_token_id + 1 = "
            f"{config.pad_token_id + 1} there"
        )
    if config.mlm_head and config.hidden_act != "gelu":
        yield f"hidden_act={config.hidden_act!r} (its MLM head always has gelu)"
    if config.nsp_head:
        yield "nsp_head (it has none)"


def _distilbert_reasons(config: BertConfig) -> Iterator[str]:
    yield from _unshared_reasons(config)
    if config.position_offset:
        yield f"position_offset={config.position_offset}"
    if config.type_vocab_size:
        yield f"type_vocab_size={config.type_vocab_size} (it has no segments)"
    if config.layer_norm_eps != _DISTIL_EPS:
        yield f"layer_norm_eps={config.layer_norm_eps:g}, which is {_DISTIL_EPS:g} there"
    for name in ("pooler", "nsp_head"):
        if getattr(config, name):
            yield f"{name} (it has none)"


def _albert_reasons(config: BertConfig) -> Iterator[str]:
    if config.share_layers != "all":
        yield f"share_layers={config.share_layers!r} (it shares all)"
    if config.position_offset:
        yield f"position_offset={config.position_offset}"


_OWN_REASONS = {
    "bert": _bert_reasons,
    "roberta": _roberta_reasons,
    "distilbert": _distilbert_reasons,
    "albert": _albert_reasons,
}


def _unshared_reasons(config: BertConfig) -> Iterator[str]:
    if config.share_layers != "none":
        yield f"share_layers={config.share_layers!r}"
    if config.embedding_width != config.hidden_size:
        yield f"embedding_size={config.embedding_size} (other than hidden_size)"


def _is_distilbert(config: BertConfig) -> bool:
    return not config.type_vocab_size and not config.pooler


def _from_theirs(found: Mapping[str, Any], family: Family) -> BertConfig:
    for key, allowed in _ALLOWED.items():
        if key in found and found[key] not in allowed:
            raise ConfigError(f"{key} is {shown(found[key])}, {shown(allowed[0])} is needed")
    keys = _KEYS[family.name]
    values = dict(_DEFAULTS[family.name])
    for ours, theirs in keys.items():
        if found.get(theirs) is not None:
            values[ours] = _value(theirs, ours, found[theirs])
    if values.get("embedding_size") == values.get("hidden_size", BertConfig.hidden_size):
        values["embedding_size"] = None  # no projection between equal widths: see `fillers`
    act = values.get("hidden_act")
    values["hidden_act"] = _SAME_ACT.get(act, act) if act else "gelu"
    config = BertConfig(**values, **_implied(family, values))
    reasons = refusals(_whatever_head(config, family), family)
    if reasons:
        raise ConfigError("; ".join(reasons))
    return config


def _implied(family: Family, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a family decides without a setting."""
    if family is ROBERTA:
        return {"position_offset": values["pad_token_id"] + 1, "nsp_head": False}
    if family is DISTILBERT:
        without = {"pooler": False, "nsp_head": False, "type_vocab_size": 0}
        return without | {"layer_norm_eps": _DISTIL_EPS}
    return {"share_layers": "all"} if family is ALBERT else {}


def _whatever_head(config: BertConfig, family: Family) -> BertConfig:
    # whether there is an MLM head is not known yet; its activation is looked at by the checkpoint
    return replace(config, mlm_head=False) if family is ROBERTA else config


def _value(key: str, ours: str, value: Any) -> Any:
    wanted = type(getattr(BertConfig(), ours)) if ours != "embedding_size" else int
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise ConfigError(f"{key} is {shown(value)}, {_KIND_NAMES[wanted]} is needed")
    if wanted is int and not 0 <= value <= _MOST[ours]:
        raise ConfigError(f"{key} is {shown(value)}, allowed are 0 to {_MOST[ours]:,}")
    if wanted is float and not abs(value) < 1e6:
        raise ConfigError(f"{key} is {value}, which is too large")
    return value


_KIND_NAMES = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}


def _checked_own(found: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(BertConfig)}
    optional = {"embedding_size", "position_offset"}
    return {
        key: value if value is None and key in optional else _own_value(key, value)
        for key, value in found.items()
        if key in known or _refuse_key(key)
    }


def _own_value(key: str, value: Any) -> Any:
    if key == "position_offset":
        return _value(key, "pad_token_id", value)
    return _value(key, key, value)


def _refuse_key(key: str) -> bool:
    raise ConfigError(f"unknown setting {shown(key)}")
