"""The model card, ``README.md`` of a model folder."""

import json
from collections.abc import Mapping
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.huggingface.jobs import AUTO_CLASSES, PIPELINES
from tokpipe.bert.huggingface.parts import ENCODER, MASKED_LM
from tokpipe.bert.parameters import count_encoder_parameters
from tokpipe.bert.registry import entry_of, heads_of
from tokpipe.foundation.visible import visible

_ENCODER = f"""`{ENCODER}` holds the model without its heads:

```python
transformers.AutoModel.from_pretrained("this folder/{ENCODER}")
```
"""
_MASKED_LM = f"""`{MASKED_LM}` holds the encoder and the head that fills masks:

```python
transformers.pipeline("fill-mask", "this folder/{MASKED_LM}")
transformers.AutoModelForMaskedLM.from_pretrained("this folder/{MASKED_LM}")
```
"""
_ALL = """This folder itself holds all that was trained, the head for {heads} too:

```python
transformers.AutoModelForPreTraining.from_pretrained("this folder")
```
"""
_SAYING = {ENCODER: _ENCODER, MASKED_LM: _MASKED_LM}
_CHECKPOINT = """`transformers.AutoModel.from_pretrained` opens it too, and lists the heads that it
does not take; `tokpipe export --no-heads` leaves them out.
"""


def model_card(
    config: BertConfig,
    state: Mapping[str, Any],
    tokenizer: Mapping[str, bytes],
    family: Family,
    parts: Mapping[str, BertConfig] | None = None,
) -> str:
    """Return the card of a model in training, or of what came of it.

    Parameters
    ----------
    state
        As `State.to_dict` returns it.
    tokenizer
        Name and content of the tokenizer's files; they say what a mask is.
    family
        What it is written as.
    parts
        Folders below it, for transformers, and the settings of the model in each.
    """
    mask = json.loads(tokenizer.get("special_tokens_map.json", b"{}")).get("mask_token", "")
    fills = config.mlm_head and mask
    text = f"text with a {visible(mask)} in it"
    example = f'    tokpipe fill-mask "this folder" "{text}"\n\n' if fills else ""
    return f"""---
library_name: tokpipe
pipeline_tag: {PIPELINES.get(config.task, "fill-mask" if fills else "feature-extraction")}
---

# A{_shape(config, family)[1:]}

{count_encoder_parameters(config):,} parameters in the encoder, a vocabulary of
{config.vocab_size:,} tokens, {_trained(state)} with tokpipe for {state["step"]:,} steps on
{state["tokens"]:,} tokens.

```python
import tokpipe

model = tokpipe.BertModel.load("this folder")
```

{example}{_phases(state)}{_transformers(config, family, parts or {})}
## Files

`config.json` holds the shape of the model, `trainer_state.json` all settings of its training,
`log.jsonl` its losses, and `tokpipe.json` what it was made from.

## Limits

What the model knows, it has from the text that it was trained on, with all that is wrong or
one-sided in it. Look at that text before you rely on the model.
"""


def part_card(name: str, config: BertConfig, family: Family) -> str:
    """Return the card of a part of a model, by its folder's name and the whole model's settings."""
    pooler = (
        "\nIts pooler is the identity, as none was trained: `pooler_output` is the tanh of the\n"
        "first token's hidden state.\n"
        if name == ENCODER and not config.pooler
        else ""
    )
    about = _SAYING[name].replace(f"this folder/{name}", "this folder")
    about = about.replace(f"`{name}`", "This folder")
    return f"""---
library_name: transformers
---

# Part of {_shape(config, family)}

{about}{pooler}
tokpipe opens it, too. The folder that it was made in holds the whole model and its card.
"""


def _trained(state: Mapping[str, Any]) -> str:
    settings = state.get("settings", {})
    if taught := settings.get("distillation"):
        return f"distilled from `{visible(taught['teacher'])}`"
    begun = settings.get("start")
    return f"trained further from `{visible(begun['model'])}`" if begun else "trained"


def _phases(state: Mapping[str, Any]) -> str:
    """Return what a training in phases went through."""
    settings = state.get("settings", {})
    shares = settings.get("training", {}).get("phase_shares")
    if not shares:
        return ""
    rows = [
        f"{number}. {share:.4g} of the training: {one['tokens']:,} tokens of text in sequences of "
        f"up to {one['max_seq_length']}, sha256 `{one['sha256']}`"
        for share, (number, one) in zip(shares, settings["shards"].items(), strict=True)
    ]
    return "\n".join(["## Data, one after the other\n", *rows, "\n"])


def _shape(config: BertConfig, family: Family) -> str:
    return f"{family.called} of {config.num_hidden_layers} layers, {config.hidden_size} wide"


def _transformers(config: BertConfig, family: Family, parts: Mapping[str, BertConfig]) -> str:
    if family.architectures is None:
        return "transformers has no such model; tokpipe opens it.\n"
    if config.task in AUTO_CLASSES:
        return f"`transformers.{AUTO_CLASSES[config.task]}.from_pretrained` opens it too.\n"
    if not parts:
        return _CHECKPOINT
    chosen = [_SAYING[name] for name in parts]
    in_parts = {head for part in parts.values() for head in heads_of(part)}
    if left := [entry_of(head).asked for head in heads_of(config) if head not in in_parts]:
        chosen.append(_ALL.replace("{heads}", " and ".join(left)))
    return "\n".join(["## With transformers\n", *chosen])
