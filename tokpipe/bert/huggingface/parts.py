"""Parts of a model that a class of transformers takes whole, so that it has nothing to report.

transformers logs each tensor that a class does not know, or misses. No class takes all that a
pretrained model has, so no one file suits all: ``AutoModel`` takes the encoder and wants a pooler,
``AutoModelForMaskedLM`` takes the encoder and the MLM head and wants none. Only where the NSP head
was trained, ``AutoModelForPreTraining`` takes everything.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.registry import switches

ENCODER, MASKED_LM = "encoder", "masked-lm"
PARTS = (ENCODER, MASKED_LM)  # folders below a run


def parts_of(config: BertConfig, family: Family) -> dict[str, BertConfig]:
    """Return the settings of each part of a model, by its name; none where transformers has none.

    Examples
    --------
    >>> from tokpipe.bert.families.bert import BERT
    >>> {name: part.pooler for name, part in parts_of(BertConfig(), BERT).items()}
    {'encoder': True, 'masked-lm': False}
    """
    if family.architectures is None:
        return {}
    parts = {ENCODER: encoder_of(config, family)}
    if config.mlm_head:
        parts[MASKED_LM] = replace(config, pooler=False, **switches("mlm"))
    return parts


def encoder_of(config: BertConfig, family: Family) -> BertConfig:
    """Return the settings of a model without heads, with the pooler that its class wants."""
    pooler = config.pooler or "pooler" in family.always
    return replace(config, pooler=pooler, **switches())


def views_of(parameters: Parameters, part: BertConfig) -> Mapping[str, NDArray[np.float32]]:
    """Return the tensors of a part.

    A pooler that the model has not is the identity: its output is the tanh of the first token's
    hidden state. transformers would draw one at random, another at each load.
    """
    if parameters.config.pooler or not part.pooler:
        return parameters.views
    hidden = part.hidden_size
    pooler = {"pooler.weight": np.eye(hidden), "pooler.bias": np.zeros(hidden)}
    return {**parameters.views, **{name: v.astype(np.float32) for name, v in pooler.items()}}
