"""Sizes that others have published, one block, and initial weights."""

import numpy as np
import pytest

from tokpipe.bert.config import PRESETS, BertConfig
from tokpipe.bert.parameters import (
    ALIGNMENT,
    Parameters,
    count_encoder_parameters,
    layer_names,
    parameter_table,
)
from tokpipe.foundation.errors import ConfigError

# What transformers counts: the encoder with its pooler, no heads.
PUBLISHED = {
    "tiny": (BertConfig.preset("tiny"), 4_385_920),
    "mini": (BertConfig.preset("mini"), 11_170_560),
    "small": (BertConfig.preset("small"), 28_763_648),
    "medium": (BertConfig.preset("medium"), 41_373_184),
    "base": (BertConfig.preset("base"), 109_482_240),
    "large": (
        BertConfig(
            num_hidden_layers=24,
            hidden_size=1024,
            num_attention_heads=16,
            intermediate_size=4096,
        ),
        335_141_888,
    ),
    "ALBERT-base": (
        BertConfig(vocab_size=30_000, embedding_size=128, share_layers="all"),
        11_683_584,
    ),
    "DistilBERT": (
        BertConfig(num_hidden_layers=6, type_vocab_size=0, pooler=False, nsp_head=False),
        66_362_880,
    ),
    "RoBERTa-base": (
        BertConfig(
            vocab_size=50_265,
            max_position_embeddings=514,
            position_offset=2,
            type_vocab_size=1,
        ),
        124_645_632,
    ),
}
SMALL = {"vocab_size": 100, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones(name):
    config, count = PUBLISHED[name]
    assert count_encoder_parameters(config) == count


def test_the_default_is_base():
    assert BertConfig() == BertConfig.preset("base")
    assert set(PRESETS) == {"tiny", "mini", "small", "medium", "base"}


def test_views_share_the_block_and_never_overlap():
    parameters = Parameters(BertConfig(**SMALL, num_hidden_layers=2))
    assert parameters.block.ctypes.data % 64 == 0
    for name, slot in parameters.table.items():
        assert slot.offset % ALIGNMENT == 0
        assert parameters.views[name].shape == slot.shape
        parameters.views[name] += 1
    assert parameters.block.sum() == parameters.count
    assert set(np.unique(parameters.block)) <= {0, 1}


def test_names_follow_the_order_of_the_flow():
    names = list(parameter_table(BertConfig(**SMALL, num_hidden_layers=1)))
    assert names == [
        "embeddings.token",
        "embeddings.position",
        "embeddings.segment",
        "embeddings.norm.weight",
        "embeddings.norm.bias",
        "layers.0.attention.qkv.weight",
        "layers.0.attention.qkv.bias",
        "layers.0.attention.output.weight",
        "layers.0.attention.output.bias",
        "layers.0.attention.norm.weight",
        "layers.0.attention.norm.bias",
        "layers.0.ffn.input.weight",
        "layers.0.ffn.input.bias",
        "layers.0.ffn.output.weight",
        "layers.0.ffn.output.bias",
        "layers.0.ffn.norm.weight",
        "layers.0.ffn.norm.bias",
        "pooler.weight",
        "pooler.bias",
        "mlm.transform.weight",
        "mlm.transform.bias",
        "mlm.norm.weight",
        "mlm.norm.bias",
        "mlm.bias",
        "nsp.weight",
        "nsp.bias",
    ]


@pytest.mark.parametrize(
    ("shared", "attentions", "ffns"),
    [("none", 3, 3), ("all", 1, 1), ("attention", 1, 3), ("ffn", 3, 1)],
)
def test_shared_layers_are_stored_once(shared, attentions, ffns):
    config = BertConfig(**SMALL, num_hidden_layers=3, share_layers=shared)
    names = parameter_table(config)
    assert sum(name.endswith("qkv.weight") for name in names) == attentions
    assert sum(name.endswith("ffn.input.weight") for name in names) == ffns
    for layer in range(3):
        attention, ffn = layer_names(config, layer)
        assert f"{attention}qkv.weight" in names
        assert f"{ffn}input.weight" in names


def test_initial_weights_are_normal_and_a_function_of_the_seed():
    config = BertConfig(vocab_size=3000, hidden_size=64, num_attention_heads=2, pad_token_id=7)
    one = Parameters.initialised(config, 1)
    token = one.views["embeddings.token"]
    assert not token[7].any()
    rest = np.delete(token, 7, axis=0).astype(np.float64) / config.initializer_range
    assert abs(rest.mean()) < 0.01
    assert abs(rest.std() - 1) < 0.01
    assert abs((rest**4).mean() - 3) < 0.1
    assert abs(np.corrcoef(rest.reshape(2, -1))[0, 1]) < 0.01
    np.testing.assert_array_equal(one.block, Parameters.initialised(config, 1).block)
    assert not np.array_equal(token, Parameters.initialised(config, 2).views["embeddings.token"])
    assert (one.views["mlm.norm.weight"] == 1).all()
    assert not one.views["mlm.bias"].any()


def test_precision_and_zeros():
    one = Parameters.initialised(BertConfig(**SMALL, num_hidden_layers=1), 3)
    double = one.astype(np.float64)
    assert double.block.dtype == np.float64
    np.testing.assert_array_equal(double.views["pooler.weight"], one.views["pooler.weight"])
    assert not double.zeros_like().block.any()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"hidden_size": 100, "num_attention_heads": 12}, "num_attention_heads"),
        ({"hidden_size": 36, "num_attention_heads": 12, "position": "rope"}, "rope"),
        ({"pooler": False}, "pooler"),
        ({"hidden_act": "swish"}, "hidden_act"),
        ({"position_offset": 512}, "position_offset"),
    ],
)
def test_contradictions_are_refused(settings, named):
    with pytest.raises(ConfigError, match=named):
        BertConfig(**settings)


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigError, match="small"):
        BertConfig.preset("smal")
