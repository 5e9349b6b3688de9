"""Small models of each family give the numbers of transformers, as the golden file holds them."""

import json

import numpy as np
import pytest

from tests.golden.families import CONFIGS, FILE, SEQUENCES, drawn, segments
from tokpipe.bert.model import Model
from tokpipe.foundation.batch import Batch

GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CONFIGS)
def test_hidden_states_and_logits_are_those_of_transformers(name):
    config = CONFIGS[name]
    model = Model(config, drawn(config))
    ids = np.concatenate(SEQUENCES).astype(np.int32)
    offsets = np.cumsum([0, *map(len, SEQUENCES)]).astype(np.int32)
    kinds = np.concatenate([segments(config, s) for s in SEQUENCES]).astype(np.int32)
    everywhere = np.arange(len(ids), dtype=np.int32)
    packed = Batch(ids, offsets, kinds, masked_positions=everywhere)
    hidden, logits = model.hidden_states(packed)[0], model.logits("mlm", packed)
    for found, key, width in ((hidden, "hidden", 4), (logits, "logits", 6)):
        expected = np.concatenate([case[key] for case in GOLDEN[name]])
        np.testing.assert_allclose(found[:, :width], expected, atol=1e-5, rtol=1e-5)
