"""Small models of each family, with weights that differ from each other everywhere."""

from dataclasses import replace

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.jobs import config_for_job
from tokpipe.bert.families.registry import FAMILIES
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
    "electra": BertConfig(**SHAPE, embedding_size=4, pooler=False, nsp_head=False),
    "mpnet": BertConfig(
        **SHAPE,
        position="learned-relative",
        position_offset=2,
        pad_token_id=1,
        type_vocab_size=0,
        pooler=False,
        nsp_head=False,
    ),
    "mpnet of distances": BertConfig(
        **SHAPE, position="relative", type_vocab_size=0, pooler=False, nsp_head=False
    ),
    "mpnet of distances and a segment": BertConfig(
        **SHAPE, position="relative", type_vocab_size=1, pooler=False, nsp_head=False
    ),
    "tokpipe": BertConfig(**SHAPE, position="rope", norm_position="pre", share_layers="ffn"),
    "tokpipe with gates": BertConfig(**SHAPE, ffn="glu"),
}
_PLAIN = {
    "bert": replace(CONFIGS["bert"], **BARE),
    "roberta": replace(CONFIGS["roberta"], **BARE),
    "distilbert": replace(CONFIGS["distilbert"], **BARE),
    "albert": replace(CONFIGS["albert"], **BARE),
    "electra": replace(CONFIGS["electra"], **BARE),
    "mpnet": replace(CONFIGS["mpnet"], **BARE),
    "mpnet of distances": replace(CONFIGS["mpnet of distances"], **BARE),
    "tokpipe": replace(CONFIGS["tokpipe"], **BARE),
}
# what each family has in front of the classes, and its dropouts: a text's, a word's, an answer's
_DROPOUTS = {
    "bert": (0.3, None, None),
    "roberta": (None, 0.2, None),
    "distilbert": (0.3, None, 0.4),
    "albert": (0.3, 0.2, None),
    "electra": (0.3, 0.2, None),
    "mpnet": (None, None, None),
    "mpnet of distances": (None, None, None),
    "tokpipe": (0.3, None, 0.2),
}


def family_in(name):
    """Return the name of the family that the name of a model begins with."""
    return name.split(",")[0].split(" ")[0]


def _with_jobs(name):
    """Yield a family's models for each kind of job."""
    family, (text, word, answer) = FAMILIES[family_in(name)], _DROPOUTS[name]

    def made(*job):
        return config_for_job(_PLAIN[name], family, *job)

    yield "classification", made("text", ("no", "yes", "\u2191"), "classification", text)
    yield "regression", made("text", (), "regression", text)
    yield "multilabel", made("text", ("a", "b", "c", "d"), "multilabel", text)
    yield "words", made("token", ("O", "B-PER", "I-PER"), "classification", word)
    yield "answers", made("span", (), "classification", answer)


JOBS = {f"{name}, {job}": config for name in _PLAIN for job, config in _with_jobs(name)}
CONFIGS |= JOBS


def filled(config, seed=0):
    parameters = Parameters(config)
    draw = np.random.default_rng(seed)
    for view in parameters.views.values():
        view[...] = draw.standard_normal(view.shape, np.float32)
    return parameters
