from dataclasses import replace

import numpy as np
import pytest

from tests.unit.tasks.models import CONFIG, TOKENS, small
from tests.unit.training.folders import STEPS, train, write_shards
from tokpipe.bert.families.registry import FAMILIES, family_of
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import ConfigError
from tokpipe.shards.reader import open_shards
from tokpipe.tasks.model import BertModel
from tokpipe.training.config import TrainingConfig
from tokpipe.training.start import first_weights, longer, prepare_start
from tokpipe.training.start_config import StartConfig

LONG = replace(CONFIG, max_position_embeddings=128)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return open_shards(write_shards(tmp_path_factory.mktemp("shards") / "s"))


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    train(shards.folder, out)
    return out


def started(source, shards, **settings):
    config = StartConfig(**settings)
    start = prepare_start(source, (shards,), config, TrainingConfig(**STEPS))
    return start, first_weights(start, config)


def test_a_run_of_the_same_vocabulary_goes_on_bit_for_bit(run, shards):
    start, weights = started(run, shards)
    np.testing.assert_array_equal(weights.block, load_checkpoint(run).parameters.block)
    assert start.rows is None and start.new_heads == () and start.grown is None


def test_only_dropouts_may_be_other_ones(run, shards):
    start, _ = started(run, shards, hidden_dropout_prob=0.3)
    model = start.asked.model
    assert (model.hidden_dropout_prob, model.attention_probs_dropout_prob) == (0.3, 0.1)
    assert replace(model, hidden_dropout_prob=0.1) == load_checkpoint(run).config


def test_of_another_vocabulary_rows_are_matched_by_token(shards, tmp_path):
    source = small(LONG)
    source.save(tmp_path / "source")
    start, weights = started(tmp_path / "source", shards)
    ours = shards.tokenizer.tokens
    assert start.rows is not None
    known = [token for token in ours if token in TOKENS]
    assert {"[PAD]", "[MASK]", "a"} <= set(known) < set(ours)
    for name in ("embeddings.token", "mlm.bias"):
        old, new = source.parameters.views[name], weights.views[name]
        assert len(new) == len(ours)
        for number, token in enumerate(ours):
            if token in TOKENS:
                np.testing.assert_array_equal(new[number], old[TOKENS.index(token)])
            else:
                np.testing.assert_allclose(new[number], old.mean(axis=0), rtol=1e-4, atol=1e-6)
    assert (weights.views["layers.2.ffn.input.weight"]
            == source.parameters.views["layers.2.ffn.input.weight"]).all()  # fmt: skip


def test_heads_that_the_model_has_not_are_drawn_and_the_first_bias_is_that_of_a_new_model(
    shards, tmp_path
):
    bare = replace(LONG, mlm_head=False, nsp_head=False)
    source = small(bare)
    source.save(tmp_path / "source")
    start, weights = started(tmp_path / "source", shards)
    assert start.new_heads == ("mlm", "nsp")
    drawn = Parameters.initialised(start.asked.model, 0)
    for name in ("mlm.transform.weight", "nsp.weight"):
        np.testing.assert_array_equal(weights.views[name], drawn.views[name])
    bias = weights.views["mlm.bias"]
    assert bias[shards.tokenizer.ids["a"]] > bias[shards.tokenizer.ids["##d"]]


def test_rows_without_a_token_are_to_a_new_head_as_tokens_that_never_occur(shards, tmp_path):
    size = shards.facts.vocab_size + 5
    bare = replace(LONG, mlm_head=False, vocab_size=size)
    BertModel(Parameters.initialised(bare, 3), shards.tokenizer).save(tmp_path / "source")
    start, weights = started(tmp_path / "source", shards)
    bias = weights.views["mlm.bias"]
    assert start.rows is None and len(bias) == size
    assert bias[-5:].tolist() == [bias.min()] * 5
    assert np.exp(bias, dtype=np.float64).sum() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("missing", [1, 3])
@pytest.mark.parametrize("is_same", [True, False])
@pytest.mark.parametrize("heads", [True, False])
def test_tokens_that_the_tokenizer_alone_has_are_new(missing, is_same, heads, shards, tmp_path):
    ours = shards.tokenizer
    of = ours if is_same else small().tokenizer
    known = ours.vocab_size - missing
    bare = replace(LONG, vocab_size=known, mlm_head=heads, nsp_head=heads)
    source = Parameters.initialised(bare, 3)
    BertModel(source, of).save(tmp_path / "source")
    start, weights = started(tmp_path / "source", shards)
    assert start.rows is not None
    has = [of.ids.get(token, known) for token in ours.tokens]
    old, new = (one.views["embeddings.token"] for one in (source, weights))
    assert len(new) == ours.vocab_size
    for row, there in zip(new, has, strict=True):
        expected = old[there] if there < known else old.mean(axis=0)
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("how", ["refuse", "repeat", "interpolate"])
@pytest.mark.parametrize("pad", [1, 3])
@pytest.mark.parametrize("name", ["roberta", "camembert", "data2vec-text"])
def test_places_of_a_roberta_begin_after_the_new_padding(name, pad, how, shards, tmp_path):
    places = 128 if how == "refuse" else 20
    config = replace(
        LONG, pad_token_id=pad, position_offset=pad + 1, max_position_embeddings=places + pad + 1
    )
    config = replace(config, pooler=False, nsp_head=False)
    source = Parameters.initialised(config, 3)
    BertModel(source, small().tokenizer, family=FAMILIES[name]).save(tmp_path / "source")
    start, weights = started(tmp_path / "source", shards, grow_positions=how)
    model = start.asked.model
    assert (model.pad_token_id, model.position_offset, model.longest) == (0, 1, 128)
    assert not start.reasons and family_of(model, start.asked.own) is FAMILIES[name]
    old, new = (one.views["embeddings.position"] for one in (source, weights))
    np.testing.assert_array_equal(new[1], old[pad + 1])
    if how != "interpolate":
        np.testing.assert_array_equal(new[1 : 1 + places], old[pad + 1 :])


def test_a_model_without_a_pooler_gets_no_head_that_stands_on_it(shards, tmp_path):
    small(replace(LONG, pooler=False, nsp_head=False)).save(tmp_path / "source")
    start, _ = started(tmp_path / "source", shards)
    assert not start.asked.model.nsp_head and start.new_heads == ()


@pytest.mark.parametrize("how", ["repeat", "interpolate"])
def test_a_position_table_grows_as_it_is_asked_to(how, shards, tmp_path):
    source = small()
    source.save(tmp_path / "source")
    with pytest.raises(ConfigError, match=r"takes 24 tokens.*max_seq_length=128") as caught:
        started(tmp_path / "source", shards)
    assert "grow_positions" in caught.value.hint
    start, weights = started(tmp_path / "source", shards, grow_positions=how)
    assert start.grown == (24, 128)
    old, new = (w.views["embeddings.position"] for w in (source.parameters, weights))
    assert new.shape == (128, 16)
    np.testing.assert_array_equal(new[0], old[0])
    if how == "repeat":
        np.testing.assert_array_equal(new[24:48], old)
    else:
        np.testing.assert_allclose(new[127], old[23], rtol=1e-6)


@pytest.mark.parametrize("how", ["repeat", "interpolate"])
@pytest.mark.parametrize(("rows", "length"), [(1, 1), (1, 5), (2, 3), (4, 4), (4, 9)])
def test_a_longer_table_holds_values_of_the_old_one(how, rows, length):
    table = np.random.default_rng(rows).standard_normal((rows, 2)).astype(np.float32)
    found = longer(table, length, how)
    assert found.shape == (length, 2) and found.dtype == np.float32
    assert (found.min(axis=0) >= table.min(axis=0)).all()
    assert (found.max(axis=0) <= table.max(axis=0)).all()
    if rows == length:
        np.testing.assert_allclose(found, table, rtol=1e-6)


def test_what_the_shards_want_and_the_model_cannot_is_refused(shards, tmp_path):
    small(replace(LONG, type_vocab_size=1)).save(tmp_path / "source")
    with pytest.raises(ConfigError, match="pairs of two segments") as caught:
        started(tmp_path / "source", shards)
    assert caught.value.hint == "Build shards with --no-nsp for it."
