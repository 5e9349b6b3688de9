"""Model folders: weights, settings, tokenizer and a card, written whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokpipe.bert.families.family import Family
from tokpipe.bert.families.registry import family_of
from tokpipe.bert.huggingface.checkpoint import write_checkpoint
from tokpipe.bert.huggingface.foreign_files import read_object
from tokpipe.bert.huggingface.jobs import AUTO_CLASSES
from tokpipe.bert.huggingface.settings import config_json
from tokpipe.bert.huggingface.stored import CONFIG
from tokpipe.bert.parameters import Parameters, count_encoder_parameters
from tokpipe.bert.registry import beside_encoder
from tokpipe.foundation.files import write_json
from tokpipe.foundation.folders import build_folder
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.visible import visible
from tokpipe.tokenizer.copies import tokenizer_files
from tokpipe.tokenizer.tokenizer import Tokenizer

KIND = "model"  # of the manifest


@dataclass(frozen=True)
class Layout:
    """How a model is written."""

    # whose names the tensors get; by default those of the family that the settings fit, and our own
    # where transformers has no such model
    family: Family | None = None
    dtypes: Mapping[str, str] | str = "F32"  # ``F32``, ``F16`` or ``BF16``, for all or by name
    shard_bytes: int | None = None  # begin another file of weights where one would become larger
    # what sentence-transformers reads beside the model: path inside the folder, and content
    sentence: Mapping[str, bytes] = field(default_factory=dict)
    # what ``config.json`` says beside what is known here
    settings: Mapping[str, Any] = field(default_factory=dict)


_DEFAULT = Layout()


def save_model(
    parameters: Parameters,
    tokenizer: Tokenizer | None,
    target: Path,
    layout: Layout = _DEFAULT,
    *,
    copied_from: Path | None = None,
    force: bool = False,
) -> None:
    """Write a model folder.

    Parameters
    ----------
    copied_from
        A folder whose ``tokenizer.json`` and files beside it are copied as they stand.

    Raises
    ------
    ConfigError
        If the family has no such model.
    StorageError
        If the folder exists and `force` is not set, or the disk does not take it.
    """
    config = parameters.config
    config_json(config, layout.family or family_of(config))  # refused before anything is made
    with build_folder(target, force=force, needed_bytes=4 * parameters.count) as folder:
        segments = config.type_vocab_size > 1
        files = tokenizer_files(tokenizer, copied_from, config.longest, segments=segments)
        write_model_files(folder, parameters, tokenizer, files, layout)


def write_model_files(
    folder: Path,
    parameters: Parameters,
    tokenizer: Tokenizer | None,
    files: Mapping[str, bytes],
    layout: Layout = _DEFAULT,
) -> None:
    """Write the files of a model into a folder that nobody reads yet, the manifest last.

    Parameters
    ----------
    files
        Name and content of the tokenizer's.

    Raises
    ------
    ConfigError
        If the family has no such model.
    """
    config, family = parameters.config, layout.family or family_of(parameters.config)
    written = write_checkpoint(
        folder,
        parameters,
        family=family,
        dtypes=layout.dtypes,
        shard_bytes=layout.shard_bytes,
    )
    if layout.settings:
        write_json(folder / CONFIG, {**layout.settings, **read_object(folder / CONFIG)})
    card = {"README.md": _card(parameters, family, tokenizer).encode()}
    others = {**files, **card, **layout.sentence}
    for name, content in others.items():
        with storage_errors(folder / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    settings = {"model": config.to_dict(), "family": family.name}
    Manifest(kind=KIND, settings=settings).write(folder, [*written, *others])


def _card(parameters: Parameters, family: Family, tokenizer: Tokenizer | None) -> str:
    config = parameters.config
    mask = tokenizer.roles.get("mask_token") if tokenizer and config.mlm_head else None
    text = f"text with a {visible(mask)} in it" if mask else ""
    example = f'\n    tokpipe fill-mask "this folder" "{text}"\n' if mask else ""
    theirs = AUTO_CLASSES.get(config.task, "AutoModel")
    opened = (
        f'`transformers.{theirs}.from_pretrained("this folder")`\nopens it too, as `{family.name}`.'
        if family.architectures
        else "transformers has no such model; tokpipe opens it."
    )
    return f"""# A model of the family {family.name}

{count_encoder_parameters(config):,} parameters in the encoder ({parameters.count:,} with all
heads): {config.num_hidden_layers} layers, {config.hidden_size} wide,
{config.num_attention_heads} heads, {config.vocab_size:,} tokens.

Besides the encoder: {beside_encoder(config)}.

```python
import tokpipe

model = tokpipe.BertModel.load("this folder")
model.encode(["some text"])[0]  # float32[tokens, {config.hidden_size}]
```
{example}
{opened}
"""
