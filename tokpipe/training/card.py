"""The model card, ``README.md`` of a model folder."""

from collections.abc import Mapping
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.bert.huggingface.settings import family_of
from tokpipe.bert.parameters import count_encoder_parameters


def model_card(config: BertConfig, state: Mapping[str, Any]) -> str:
    """Return the card of a model in training.

    Parameters
    ----------
    config
        Of the model.
    state
        As `State.to_dict` returns it.
    """
    family = family_of(config).name
    opens = "" if family == "tokpipe" else "`transformers.AutoModel.from_pretrained` opens it too. "
    return f"""---
library_name: tokpipe
pipeline_tag: fill-mask
---

# A BERT of {config.num_hidden_layers} layers, {config.hidden_size} wide

{count_encoder_parameters(config):,} parameters in the encoder, a vocabulary of
{config.vocab_size:,} tokens, trained with tokpipe for {state["step"]:,} steps on
{state["tokens"]:,} tokens.

```python
import tokpipe

model = tokpipe.BertModel.load("this folder")
```

    tokpipe fill-mask "this folder" "text with a [MASK] in it"

{opens}`config.json` holds the shape of the model, `trainer_state.json` all settings of its
training, `log.jsonl` its losses, and `tokpipe.json` what it was made from.

## Limits

What the model knows, it has from the text that it was trained on, with all that is wrong or
one-sided in it. Look at that text before you rely on the model.
"""
