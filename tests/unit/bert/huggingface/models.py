"""Small models of each family, with weights that differ from each other everywhere."""

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters

SHAPE = {
    "vocab_size": 23,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 11,
}
BARE = {"mlm_head": False, "nsp_head": False}
CONFIGS = {
    "bert": BertConfig(**SHAPE),
    "bert without heads": BertConfig(**SHAPE, **BARE),
    "bert without segments": BertConfig(**SHAPE, type_vocab_size=0),
    "bert for masks": BertConfig(**SHAPE, pooler=False, nsp_head=False),
    "roberta": BertConfig(
        **SHAPE, position_offset=2, pad_token_id=1, type_vocab_size=1, pooler=False, nsp_head=False
    ),
    "distilbert": BertConfig(**SHAPE, type_vocab_size=0, pooler=False, nsp_head=False),
    "albert": BertConfig(**SHAPE, share_layers="all", embedding_size=4, hidden_act="gelu_new"),
    "albert, wide": BertConfig(**SHAPE, share_layers="all"),
    "tokpipe": BertConfig(**SHAPE, position="rope", norm_position="pre", share_layers="ffn"),
}


def filled(config, seed=0):
    parameters = Parameters(config)
    draw = np.random.default_rng(seed)
    for view in parameters.views.values():
        view[...] = draw.standard_normal(view.shape, np.float32)
    return parameters
