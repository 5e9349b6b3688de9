"""What sentence-transformers says beside a model: how its texts become vectors.

=====================================  ==========================================================
file                                   says
=====================================  ==========================================================
``modules.json``                       which modules follow each other, and the folder of each
``1_Pooling/config.json``              which of the tokens' vectors make that of the text
``sentence_bert_config.json``          most tokens of a text; lower case
``tokenizer_config.json``              most tokens, since release 6
``config_sentence_transformers.json``  prompts
=====================================  ==========================================================

It is read as release 6 reads it, whichever release wrote it. No class of a stranger is run: what is
none of the three modules known here is named, and refused where vectors are wanted.

References
----------
https://sbert.net/docs/sentence_transformer/usage/custom_models.html
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tokpipe.bert.huggingface.foreign_files import read_json, read_object, shown
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.manifest import verify_files
from tokpipe.foundation.visible import visible
from tokpipe.tasks.config import POOLINGS
from tokpipe.tokenizer.guarded_json import read_bounded

MODULES = "modules.json"
PROMPTS = "config_sentence_transformers.json"
LENGTH = "sentence_bert_config.json"
# the first that is there counts: older releases named it after the family
LENGTHS = (LENGTH, *(f"sentence_{name}_config.json" for name in ("roberta", "distilbert")))
LENGTHS += tuple(f"sentence_{name}_config.json" for name in ("camembert", "albert", "xlm-roberta"))
FLAGS = {  # of older releases, in the order in which their vectors stand side by side
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_THEIRS = "sentence_transformers."  # what the names of its own classes begin with
_MOST_MODULES = 64
_MOST_COPIED = 1 << 30  # bytes of a file: the weights of a module
_MOST_TOKENS = 1 << 24  # a length above stands for none
_MOST_PROMPT = 1 << 14  # characters: it stands before every text
# What a Transformer may be told beside length and case, without other vectors coming out of it:
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "transformer_task": (None, "feature-extraction"),
    "module_output_name": (None, "token_embeddings"),
    "processing_kwargs": (None, {}),
    "tokenizer_args": (None, {}),
    "processor_kwargs": (None, {}),
    "config_args": (None, {}),
    "config_kwargs": (None, {}),
}
_TEXT = {"method": "forward", "method_output_name": "last_hidden_state"}


@dataclass(frozen=True)
class SentenceFolder:
    """How texts become vectors, as a folder says it."""

    poolings: tuple[str, ...] = ("mean",)  # what makes one vector of many; several: side by side
    normalize: bool = False
    max_length: int | None = None  # most tokens of a text
    lowercase: bool = False  # whatever the tokenizer does by itself
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None  # name of the prompt that stands before every text
    similarity: str = "cosine"  # what it compares vectors by
    refusal: str = ""  # why nothing here makes vectors so

    @property
    def prompt(self) -> str:
        """What stands before every text."""
        return self.prompts[self.default_prompt] if self.default_prompt is not None else ""

    def about(self) -> str:
        """Say it in one line."""
        if self.refusal:
            return self.refusal
        parts = [f"pooling {' and '.join(self.poolings)}"]
        parts += ["scaled to length 1"] if self.normalize else []
        parts += [f"at most {self.max_length:,} tokens"] if self.max_length else []
        parts += ["lower case"] if self.lowercase else []
        parts += [f"{shown(repr(self.prompt))} before each text"] if self.prompt else []
        return ", ".join(parts)


class _Module(NamedTuple):
    kind: str  # name of the class: bare where it is one of theirs
    path: str  # of its folder inside; "" is the whole folder


def read_sentence_folder(folder: Path, width: int) -> SentenceFolder | None:
    """Read what sentence-transformers says in a model folder; None where it says nothing.

    Parameters
    ----------
    width
        Numbers in the vector of a token.

    Raises
    ------
    InputError
        If a file is missing, damaged, or contradicts the model; a path leads out of the folder.
    ArtifactError
        If a file is not what a manifest of ours beside it says.
    """
    if not os.path.lexists(folder / MODULES):
        return None
    verify_files(folder, (MODULES, PROMPTS, *LENGTHS))
    modules = _read_modules(folder / MODULES)
    found = _with_prompts(folder / PROMPTS, _with_length(folder))
    refusal = _refusal_of(modules) or found.refusal
    if refusal:
        return replace(found, refusal=refusal)
    path = f"{modules[1].path}/config.json".removeprefix("/")
    verify_files(folder, [path])
    found = _with_pooling(folder / path, found, width)
    normalizers = modules[2:]
    for module in normalizers:
        found = _with_normalizer(folder / module.path / "config.json", found)
    return replace(found, normalize=bool(normalizers))


def sentence_files(folder: Path) -> dict[str, bytes]:
    """Return what sentence-transformers has in a folder beside the model: paths and contents.

    Modules that are not known here are among them.

    Raises
    ------
    InputError
        If ``modules.json`` is damaged, or leads out of the folder.
    """
    if not os.path.lexists(folder / MODULES):
        return {}
    names = [MODULES, PROMPTS, *LENGTHS]
    for module in _read_modules(folder / MODULES):
        if module.path:
            names += [f"{module.path}/{name}" for name in ("config.json", "model.safetensors")]
    paths = {name: folder / name for name in names if (folder / name).is_file()}
    return {name: read_bounded(path, _MOST_COPIED) for name, path in paths.items()}


def _read_modules(path: Path) -> list[_Module]:
    found, name = read_json(path), visible(str(path))
    if not isinstance(found, list) or not 0 < len(found) <= _MOST_MODULES:
        what = f"{len(found):,}" if isinstance(found, list) else type(found).__name__
        raise InputError(f"{name}: a list of 1 to {_MOST_MODULES} modules is needed, found {what}")
    return [_module(f"{name}: module {number}", item) for number, item in enumerate(found)]


def _module(place: str, found: Any) -> _Module:
    if not isinstance(found, dict):
        raise InputError(f"{place} is {shown(found)}, a JSON object is needed")
    kind, path = found.get("type"), found.get("path")
    if not isinstance(kind, str):
        raise InputError(f"{place}: type is {shown(kind)}, the name of a class is needed")
    if not isinstance(path, str) or not _is_inside(path):
        raise InputError(f"{place}: path is {shown(path)}, a folder inside of this one is needed")
    bare = kind.rpartition(".")[2] if kind.startswith(_THEIRS) else kind
    return _Module(bare, "/".join(PurePosixPath(path).parts))


def _is_inside(path: str) -> bool:
    plain = path.isprintable() and "\\" not in path and len(path.encode()) <= 255
    return plain and not path.startswith("/") and ".." not in PurePosixPath(path).parts


def _refusal_of(modules: Sequence[_Module]) -> str:
    wanted = ["Transformer", "Pooling", *["Normalize"] * len(modules)]
    for number, (module, kind) in enumerate(zip(modules, wanted, strict=False)):
        if module.kind != kind:
            return f"module {number} is {shown(module.kind)}, where only {kind} is known here"
    if modules[0].path:
        return f"its Transformer is in the folder {shown(modules[0].path)}, not in this one"
    return "" if len(modules) > 1 else "no Pooling comes after the Transformer"


def _with_length(folder: Path) -> SentenceFolder:
    path = next((folder / name for name in LENGTHS if (folder / name).exists()), None)
    said = read_object(path) if path is not None else {}
    lowercase = _checked(path, said, "do_lower_case", bool) or False
    length = _checked(path, said, "max_seq_length", int)
    if length is not None and length < 1:
        raise InputError(f"{path}: max_seq_length is {shown(length)}, at least 1 is needed")
    if length is None and (folder / "tokenizer_config.json").exists():
        length = read_object(folder / "tokenizer_config.json").get("model_max_length")
    limited = type(length) is int and 0 < length < _MOST_TOKENS
    found = SentenceFolder(lowercase=lowercase, max_length=length if limited else None)
    modality = said.get("modality_config")
    if modality is not None and (not isinstance(modality, dict) or modality.get("text") != _TEXT):
        return replace(found, refusal=f"modality_config of its Transformer is {shown(modality)}")
    for key, allowed in _NEUTRAL.items():
        if said.get(key) not in allowed:
            return replace(found, refusal=f"{key} of its Transformer is {shown(said[key])}")
    return found


def _with_prompts(path: Path, before: SentenceFolder) -> SentenceFolder:
    if not path.exists():
        return before
    said = read_object(path)
    if said.get("model_type") not in (None, "SentenceTransformer"):
        return replace(before, refusal=f"model_type is {shown(said['model_type'])}")
    prompts = {k: v or "" for k, v in (_checked(path, said, "prompts", dict) or {}).items()}
    for name, prompt in prompts.items():
        if not isinstance(prompt, str) or any("\ud800" <= letter <= "\udfff" for letter in prompt):
            raise InputError(f"{path}: prompt {shown(name)} is {shown(prompt)}, a text is needed")
        if len(prompt) > _MOST_PROMPT:
            raise InputError(f"{path}: prompt {shown(name)}: at most {_MOST_PROMPT:,} characters")
    default = _checked(path, said, "default_prompt_name", str)
    if default is not None and default not in prompts:
        raise InputError(f"{path}: default_prompt_name is {shown(default)}, which is no prompt")
    similarity = _checked(path, said, "similarity_fn_name", str) or before.similarity
    return replace(before, prompts=prompts, default_prompt=default, similarity=similarity)


def _with_pooling(path: Path, before: SentenceFolder, width: int) -> SentenceFolder:
    said = read_object(path)
    key = next((k for k in ("embedding_dimension", "word_embedding_dimension") if k in said), None)
    if key is None or said[key] != width:
        has = f"{key} is {shown(said[key])}" if key else "no embedding_dimension"
        raise InputError(f"{path}: {has}, the model's vectors have {width} numbers")
    poolings = _poolings(path, said)
    include = _checked(path, said, "include_prompt", bool)
    if include is False and before.prompt:
        return replace(before, refusal="include_prompt is false: its prompt is left out of pooling")
    return replace(before, poolings=poolings)


def _poolings(path: Path, said: Mapping[str, Any]) -> tuple[str, ...]:
    modes = said.get("pooling_mode")
    if modes is None:
        modes = [mode for flag, mode in FLAGS.items() if _checked(path, said, flag, bool)]
        return tuple(modes or ["mean"])
    modes = modes if isinstance(modes, list) else [modes]
    if not 0 < len(modes) <= len(POOLINGS) or any(mode not in POOLINGS for mode in modes):
        raise InputError(
            f"{path}: pooling_mode is {shown(said['pooling_mode'])}, known are "
            f"{', '.join(POOLINGS)}"
        )
    return tuple(modes)


def _with_normalizer(path: Path, before: SentenceFolder) -> SentenceFolder:
    said = read_object(path) if path.exists() else {}
    for key, value in said.items():
        if key.startswith("module_") and value not in (None, "sentence_embedding"):
            return replace(before, refusal=f"{key} of its Normalize is {shown(value)}")
    return before


def _checked(path: Path | None, said: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return a value of the kind asked for, or None where there is none."""
    value = said.get(key)
    if value is not None and type(value) is not kind:
        names = {bool: "true or false", int: "a whole number", str: "a text", dict: "an object"}
        raise InputError(f"{path}: {key} is {shown(value)}, {names[kind]} is needed")
    return value
