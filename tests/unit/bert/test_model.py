"""The model as a whole: kernels against twins, shards of a batch, workspaces, what it returns."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tests.unit.bert.test_gradients import VARIANTS
from tokpipe.bert.head import Capacity
from tokpipe.bert.heads import masked_tokens
from tokpipe.bert.heads.masked_tokens import LOGITS
from tokpipe.bert.kernels.attention import BLOCK
from tokpipe.bert.model import Model
from tokpipe.bert.workspace import Workspace, workspace_bytes
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import InputError, MemoryLimitError


def run(model, batch, **options):
    gradients = model.parameters.zeros_like()
    workspace = model.workspace(400, 8, 40)
    losses = model.loss_and_gradients(batch, gradients, workspace, **options)
    return losses, gradients


def assert_close(ours, theirs, tolerance):
    for name, gradient in theirs.views.items():
        largest = np.abs(gradient).max(initial=0)
        np.testing.assert_allclose(
            ours.views[name], gradient, rtol=0, atol=tolerance * largest + 1e-7, err_msg=name
        )


@pytest.mark.parametrize("variant", VARIANTS)
def test_kernels_and_twins_agree_on_every_gradient(variant):
    config = small_config(**VARIANTS[variant])
    parameters, batch = random_parameters(config), random_batch(config)
    theirs, slopes = run(Model(config, parameters), batch, dropout_key=5)
    ours, gradients = run(Model(config, parameters.astype(np.float32)), batch, dropout_key=5)
    assert ours.total == pytest.approx(theirs.total, rel=1e-5)
    right = [{name: tally.correct for name, tally in found.items()} for found in (ours, theirs)]
    assert right[0] == right[1]
    assert_close(gradients, slopes, 2e-5)


@pytest.mark.parametrize("position", ["learned", "relative", "rope"])
def test_kernels_and_twins_agree_on_sequences_longer_than_a_block(position):
    config = small_config(position=position, max_position_embeddings=512)
    parameters = random_parameters(config)
    batch = random_batch(config, (BLOCK + 9, 2, 2 * BLOCK), masks=30)
    theirs, slopes = run(Model(config, parameters), batch, dropout_key=5)
    ours, gradients = run(Model(config, parameters.astype(np.float32)), batch, dropout_key=5)
    assert ours.total == pytest.approx(theirs.total, rel=1e-5)
    assert_close(gradients, slopes, 1e-4)


@pytest.fixture(scope="module")
def model():
    config = small_config()
    return Model(config, random_parameters(config, dtype=np.float32))


def test_shards_add_up_to_the_batch(model):
    batch = random_batch(model.config, (5, 3, 7, 4), masks=9)
    losses, gradients = run(model, batch)
    cut = int(batch.offsets[2])
    is_first = batch.masked_positions < cut
    parts = (
        Batch(
            batch.input_ids[:cut],
            batch.offsets[:3],
            batch.token_type_ids[:cut],
            batch.masked_positions[is_first],
            batch.masked_ids[is_first],
            batch.next_sentence_label[:2],
        ),
        Batch(
            batch.input_ids[cut:],
            batch.offsets[2:] - cut,
            batch.token_type_ids[cut:],
            batch.masked_positions[~is_first] - cut,
            batch.masked_ids[~is_first],
            batch.next_sentence_label[2:],
        ),
    )
    results = [run(model, part, totals={"mlm": 9, "nsp": 4}) for part in parts]
    both = results[0][0] + results[1][0]
    assert both["mlm"].asked == 9
    assert both["nsp"].asked == 4
    assert both.total == pytest.approx(losses.total, rel=1e-6)
    results[0][1].block += results[1][1].block
    assert_close(results[0][1], gradients, 1e-5)


def test_a_call_repeats_its_bits_and_adds_to_what_is_there(model):
    batch = random_batch(model.config)
    _, once = run(model, batch, dropout_key=3)
    _, again = run(model, batch, dropout_key=3)
    _, other = run(model, batch, dropout_key=4)
    np.testing.assert_array_equal(once.block, again.block)
    assert not np.array_equal(once.block, other.block)
    model.loss_and_gradients(batch, once, model.workspace(50, 8, 8), dropout_key=3)
    again.block *= 2
    assert_close(once, again, 1e-5)


def test_a_workspace_serves_smaller_batches_without_a_trace(model):
    workspace = model.workspace(100, 8, 20)
    large = random_batch(model.config, (9, 16, 12), seed=1, masks=15)
    model.loss_and_gradients(large, model.parameters.zeros_like(), workspace, dropout_key=1)
    small = random_batch(model.config)
    _, alone = run(model, small, dropout_key=2)
    gradients = model.parameters.zeros_like()
    model.loss_and_gradients(small, gradients, workspace, dropout_key=2)
    np.testing.assert_array_equal(gradients.block, alone.block)


def test_a_step_allocates_next_to_nothing():
    config = small_config(hidden_size=64, vocab_size=3000, intermediate_size=256)
    model = Model(config, random_parameters(config, dtype=np.float32, deviation=0.05))
    batch = random_batch(config, (16,) * 20, masks=48)
    workspace, gradients = model.workspace(320, 20, 48), model.parameters.zeros_like()
    model.loss_and_gradients(batch, gradients, workspace, dropout_key=1)
    tracemalloc.start()
    try:
        model.loss_and_gradients(batch, gradients, workspace, dropout_key=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000  # one [T, H] array would be 81,920 bytes, one of logits 576,000


def test_evaluation_gives_the_losses_of_training_without_dropout(model):
    batch = random_batch(model.config)
    losses, _ = run(model, batch)
    for training in (True, False):
        workspace = model.workspace(20, 4, 6, training=training)
        assert model.losses(batch, workspace) == losses


def test_logits_in_pieces_are_the_logits(monkeypatch, model):
    batch = random_batch(model.config, masks=7)
    losses, gradients = run(model, batch)
    monkeypatch.setattr("tokpipe.bert.heads.masked_tokens.LOGITS", 3 * model.config.vocab_size)
    in_pieces, slopes = run(model, batch)
    assert in_pieces["mlm"].sum == pytest.approx(losses["mlm"].sum, rel=1e-6)
    assert in_pieces["mlm"].correct == losses["mlm"].correct
    assert_close(slopes, gradients, 1e-5)
    assert LOGITS > 0


def test_pieces_of_the_logits_have_as_many_places(monkeypatch, model):
    asked, decode = [], masked_tokens._decode
    monkeypatch.setattr(masked_tokens, "LOGITS", 4 * model.config.vocab_size)
    monkeypatch.setattr(
        masked_tokens,
        "_decode",
        lambda weights, made, logits: asked.append(len(made)) or decode(weights, made, logits),
    )
    run(model, random_batch(model.config, masks=6))
    assert asked == [3, 3]


def test_losses_are_those_of_the_logits(model):
    batch = random_batch(model.config)
    losses, _ = run(model, batch)
    logits = model.logits("mlm", batch).astype(np.float64)
    rows = np.arange(len(logits))
    expected = np.log(np.exp(logits).sum(1)) - logits[rows, batch.masked_ids]
    assert losses["mlm"].sum == pytest.approx(expected.sum(), rel=1e-5)
    assert losses["mlm"].correct == (logits.argmax(1) == batch.masked_ids).sum()
    pairs = model.logits("nsp", batch).astype(np.float64)
    expected = np.log(np.exp(pairs).sum(1)) - pairs[np.arange(3), batch.next_sentence_label]
    assert losses["nsp"].sum == pytest.approx(expected.sum(), rel=1e-5)
    assert losses["nsp"].correct == (pairs.argmax(1) == batch.next_sentence_label).sum()


@pytest.mark.parametrize("norm_position", ["post", "pre"])
def test_hidden_states_by_number_from_the_front_and_the_back(norm_position):
    config = small_config(norm_position=norm_position)
    model = Model(config, random_parameters(config, dtype=np.float32))
    batch = random_batch(config)
    first, middle, last = model.hidden_states(batch, [0, 1, 2])
    assert first.shape == (13, 8)
    again = model.hidden_states(batch, [-1, 0, -2], model.workspace(99, 9, 6))
    for one, other in zip((last, first, middle), again, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.hidden_states(batch, [-3])[0], first)
    assert model.hidden_states(batch, []) == []
    with pytest.raises(ValueError, match="3"):
        model.hidden_states(batch, [3])


def test_sequences_do_not_see_each_other(model):
    batch = random_batch(model.config)
    (together,) = model.hidden_states(batch)
    for a, b in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        segments = batch.token_type_ids[a:b]
        alone = Batch(batch.input_ids[a:b], np.array([0, b - a], np.int32), segments)
        np.testing.assert_allclose(model.hidden_states(alone)[0], together[a:b], atol=1e-5)


def test_no_dropout_key_means_no_dropout_and_rates_of_zero_likewise():
    config = small_config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    parameters = random_parameters(config, dtype=np.float32)
    batch = random_batch(config)
    _, without = run(Model(config, parameters), batch, dropout_key=9)
    _, plain = run(Model(small_config(), parameters), batch)
    np.testing.assert_array_equal(without.block, plain.block)


def test_bad_batches_are_refused_and_large_ones_are_a_callers_mistake(model):
    batch = random_batch(model.config)
    workspace = model.workspace(20, 4, 6)
    gradients = model.parameters.zeros_like()
    with pytest.raises(InputError, match="input_ids"):
        model.loss_and_gradients(
            replace(batch, input_ids=batch.input_ids + 18), gradients, workspace
        )
    with pytest.raises(ValueError, match="workspace"):
        model.losses(batch, model.workspace(12, 4, 6))


def test_no_memory_for_a_workspace_names_the_batch(monkeypatch, model):
    def refuse(*_):
        raise MemoryError

    monkeypatch.setattr(Workspace, "_layer", refuse)
    with pytest.raises(MemoryLimitError, match="4,096 tokens: it takes"):
        model.workspace(4096, 8, 600)


def test_losses_of_nothing_are_zero(model):
    batch = replace(
        random_batch(model.config), masked_positions=None, masked_ids=None, next_sentence_label=None
    )
    losses, gradients = run(model, batch)
    assert not losses
    assert losses.total == 0
    assert not gradients.block.any()


def test_estimated_bytes_of_a_workspace_are_about_right():
    config = small_config(hidden_size=64, vocab_size=3000, intermediate_size=256)

    def arrays(item):
        if isinstance(item, np.ndarray):
            yield item if item.base is None else item.base
        elif isinstance(item, tuple | list | dict):
            for part in item.values() if isinstance(item, dict) else item:
                yield from arrays(part)

    for training in (True, False):
        workspace = Workspace(config, Capacity(2000, 30, 300), training=training)
        held = {id(a): a.nbytes for a in arrays(list(vars(workspace).values()))}
        estimate = workspace_bytes(config, Capacity(2000, 30, 300), training=training)
        assert estimate == pytest.approx(sum(held.values()), rel=0.1)
