"""``config.json`` in and out, of whichever family."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tokpipe.bert.config import NO_JOB, BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.families.registry import FAMILIES, refusals
from tokpipe.bert.huggingface.foreign_files import read_object, shown
from tokpipe.bert.huggingface.jobs import job_from, job_json
from tokpipe.bert.huggingface.names import places_there
from tokpipe.bert.huggingface.stored import CONFIG
from tokpipe.bert.registry import entries_of, switches
from tokpipe.foundation.errors import ConfigError, InputError, TokpipeError

# Settings of theirs that ours can follow at some values only, in every family.
_ALLOWED: dict[str, tuple[Any, ...]] = {
    "is_decoder": (False, None),
    "add_cross_attention": (False, None),
    "position_embedding_type": ("absolute", None),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
}
_SAME_ACT = {
    "swish": "silu",
    "gelu_python": "gelu",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python_tanh": "gelu_new",
}
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
_KIND_NAMES = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}


def read_config(folder: Path, task: str | None = None) -> tuple[BertConfig, Family]:
    """Read ``config.json`` of a model folder, ours or Hugging Face's.

    Which heads there are, only the tensors say: the configuration returned has them as it stands
    for our own kind, and none of them for the others; but it has the job that the file names.

    Parameters
    ----------
    task
        The only job that is wanted, or "none"; None: whichever it is.

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
    family = FAMILIES[kind]
    try:
        if family.keys is None:
            found.pop("dtype", None)
            config = BertConfig.from_dict(_checked_own(found))
            return config if task in (None, config.task) else replace(config, **NO_JOB), family
        return _from_theirs(found, family, family.keys, task), family
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
    if family.keys is None or family.architectures is None:
        return {"model_type": family.name, **config.to_dict()}
    values = config.to_dict() | {"embedding_size": config.embedding_width}
    if "embeddings.segment" in family.always:
        values["type_vocab_size"] = config.type_vocab_size or 1  # a segment of zeros stands in
    values["max_position_embeddings"] = places_there(config, family)
    heads = tuple(entry.name for entry in entries_of(config))
    if config.task != "none":  # its class reads no other head
        heads = (config.task,)
    return {
        "model_type": family.name,
        "architectures": [family.architectures.get(heads, "")],
        "dtype": "float32",
        "tie_word_embeddings": True,
        **{theirs: values[ours] for ours, theirs in family.keys.items()},
        **job_json(config, family),
    }


def _from_theirs(
    found: Mapping[str, Any], family: Family, keys: Mapping[str, str], task: str | None
) -> BertConfig:
    for key, allowed in {**_ALLOWED, **family.allowed}.items():
        if key in found and found[key] not in allowed:
            raise ConfigError(f"{key} is {shown(found[key])}, {shown(allowed[0])} is needed")
    values = dict(family.defaults)
    for ours, theirs in keys.items():
        called = ours if ours in family.common and found.get(ours) is not None else theirs
        if found.get(called) is not None:
            values[ours] = _value(called, ours, found[called])
    if values.get("embedding_size") == values.get("hidden_size", BertConfig.hidden_size):
        values["embedding_size"] = None  # no projection between equal widths: see `fillers`
    act = values.get("hidden_act")
    values["hidden_act"] = _SAME_ACT.get(act, act) if act else "gelu"
    # the checkpoint, which knows the heads, looks at what they ask for
    job = job_from(found, family, task)
    config = BertConfig(**{**values, **switches(), **job, **family.implied(values)})
    reasons = refusals(config, family)
    if reasons:
        raise ConfigError("; ".join(reasons))
    return config


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


def _checked_own(found: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(BertConfig)}
    optional = {"embedding_size", "position_offset", "classifier_dropout"}
    return {
        key: value if value is None and key in optional else _own_value(key, value)
        for key, value in found.items()
        if key in known or _refuse_key(key)
    }


def _own_value(key: str, value: Any) -> Any:
    if key == "position_offset":
        return _value(key, "pad_token_id", value)
    if key == "classifier_dropout":
        return _value(key, "hidden_dropout_prob", value)
    if key == "labels":
        if not isinstance(value, list) or any(type(name) is not str for name in value):
            raise ConfigError(f"labels is {shown(value)}, a list of names is needed")
        return value
    return _value(key, key, value)


def _refuse_key(key: str) -> bool:
    raise ConfigError(f"unknown setting {shown(key)}")
