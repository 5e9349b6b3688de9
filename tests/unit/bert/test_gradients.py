"""Every gradient of every variant by finite differences in float64, dropout included."""

import pytest

from tests.unit.bert.models import measured_slopes, random_batch, random_parameters, small_config
from tokpipe.bert.config import HIDDEN_ACTS, POSITIONS
from tokpipe.bert.model import Model

VARIANTS = {
    **{act: {"hidden_act": act} for act in HIDDEN_ACTS},
    **{f"gated {act}": {"hidden_act": act, "ffn": "glu"} for act in HIDDEN_ACTS},
    "gated, shared, pre-norm": {"ffn": "glu", "share_layers": "ffn", "norm_position": "pre"},
    **{place: {"position": place} for place in POSITIONS if place != "learned"},
    "pre-norm": {"norm_position": "pre"},
    "pre-norm, rope, all shared": {
        "norm_position": "pre",
        "position": "rope",
        "share_layers": "all",
    },
    **{f"shared {part}": {"share_layers": part} for part in ("all", "attention", "ffn")},
    "projected embeddings": {"embedding_size": 6, "share_layers": "all"},
    "projected embeddings, sines": {"embedding_size": 6, "position": "sinusoidal"},
    "no segments, no pairs": {"type_vocab_size": 0, "pooler": False, "nsp_head": False},
    "offset positions": {"position_offset": 2, "type_vocab_size": 1},
    "no masks": {"mlm_head": False},
    "no dropout": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_is_the_slope_of_the_loss(variant):
    config = small_config(**VARIANTS[variant])
    parameters, batch = random_parameters(config), random_batch(config)
    for name, slope, expected in measured_slopes(Model(config, parameters), batch, 6):
        assert slope == pytest.approx(expected, rel=1e-6, abs=1e-8), name
        touched = name.startswith(("relative", "embeddings.position", "embeddings.segment"))
        assert expected != 0 or touched, name
