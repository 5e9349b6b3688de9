from dataclasses import replace

import numpy as np
import pytest

from tests.unit.shards import folders
from tests.unit.tasks.models import CONFIG, small
from tests.unit.training.test_targets import shards_of
from tokpipe.bert.parameters import Parameters
from tokpipe.examples.config import MaskConfig
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.tasks.config import EvaluateConfig
from tokpipe.tasks.evaluate import evaluate_shards
from tokpipe.tasks.model import BertModel

TRAIN = EvaluateConfig(split="train")


def of_their_vocabulary(**changes):
    config = replace(CONFIG, vocab_size=len(folders.TOKENS), **changes)
    return BertModel(Parameters.initialised(config, 2), folders.tokenizer())


def test_losses_are_those_of_the_rows_one_by_one(tmp_path):
    shards = folders.write_folder(tmp_path / "s")
    model = of_their_vocabulary()
    found = evaluate_shards(model, shards, TRAIN)
    assert (found.sequences, found.tokens) == (12, 72)
    mlm = nsp = 0.0
    for first in range(4):  # as `folders.batch` writes them
        for size, label in zip((5, 6, 7), (0, 1, 0), strict=True):
            packed = Batch(
                np.array([2, 4, 5 + first % 3, *[6] * (size - 4), 3], np.int32),
                np.array([0, size], np.int32),
                np.array([0, 0, 0, *[1] * (size - 3)], np.int32),
                np.array([1], np.int32),
                np.array([7], np.int32),
                np.array([label], np.int32),
            )
            workspace = model.model.workspace(size, 1, 1, training=False)
            losses = model.model.losses(packed, workspace)
            mlm, nsp = mlm + losses["mlm"].sum, nsp + losses["nsp"].sum
    content = found.to_dict()
    assert content["mlm_loss"] == pytest.approx(mlm / 12, rel=1e-5)
    assert content["nsp_loss"] == pytest.approx(nsp / 12, rel=1e-5)
    assert content["perplexity"] == pytest.approx(np.exp(mlm / 12), rel=1e-5)
    assert 0 <= content["mlm_accuracy"] <= 1 and 0 <= content["nsp_accuracy"] <= 1


def test_losses_do_not_depend_on_threads_but_on_the_seed_of_drawn_masks(tmp_path):
    shards = folders.write_folder(tmp_path / "s", MaskConfig(masking="dynamic"))
    model = of_their_vocabulary(nsp_head=False)
    one, two = (evaluate_shards(model, shards, TRAIN, threads=n).to_dict() for n in (1, 2))
    assert one == two and "nsp_loss" not in one
    other = evaluate_shards(model, shards, TRAIN, seed=9).to_dict()
    assert other["mlm_loss"] != one["mlm_loss"]


def test_shards_of_another_vocabulary_or_length_are_refused(tmp_path):
    shards = folders.write_folder(tmp_path / "s")
    with pytest.raises(ArtifactError, match="is not the model's"):
        evaluate_shards(small(), shards, TRAIN)
    with pytest.raises(ConfigError, match="sequences of 7 tokens, the model takes 6"):
        evaluate_shards(of_their_vocabulary(max_position_embeddings=6), shards, TRAIN)
    with pytest.raises(ConfigError, match="the validation split is empty"):
        evaluate_shards(of_their_vocabulary(), shards)


def test_what_a_model_has_no_head_for_and_shards_do_not_ask_is_named(tmp_path):
    shards = shards_of(tmp_path / "s", [[2, 3, 3]] * 2)  # no word in them
    with pytest.raises(ConfigError, match="has no masked tokens, which the model has heads for"):
        evaluate_shards(of_their_vocabulary(nsp_head=False), shards, TRAIN)
    bare = of_their_vocabulary(nsp_head=False, mlm_head=False)
    with pytest.raises(ConfigError, match="has no head, and so no loss"):
        evaluate_shards(bare, shards, TRAIN)
