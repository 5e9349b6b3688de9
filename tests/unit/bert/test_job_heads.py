"""The heads of a job: gradients by finite differences, kernels against twins, what losses mean."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import measured_slopes, random_batch, random_parameters, small_config
from tests.unit.bert.test_model import assert_close, run
from tokpipe.bert.head import Capacity, Objective
from tokpipe.bert.model import Model
from tokpipe.bert.registry import switches
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.training.config import TrainingConfig
from tokpipe.training.parts import select_rows, split_batch
from tokpipe.training.trainer import Trainer

NAMES = ("a", "b", "c")
LENGTHS = (5, 1, 7, 4)
WEIGHED = Objective((0.5, 2.0, 1.25), 0.1)
JOBS = {
    "text": {"task": "text", "labels": NAMES},
    "text, tanh": {"task": "text", "labels": NAMES, "classifier": "tanh", "pooler": False},
    "text, gelu": {"task": "text", "labels": NAMES, "classifier": "gelu", "pooler": False},
    "text, relu": {"task": "text", "labels": NAMES, "classifier": "relu", "pooler": False},
    "regression": {"task": "text", "problem": "regression"},
    "two numbers": {"task": "text", "problem": "regression", "labels": NAMES[:2]},
    "multilabel": {"task": "text", "problem": "multilabel", "labels": NAMES},
    "token": {"task": "token", "labels": NAMES, "pooler": False},
    "span": {"task": "span", "pooler": False, "classifier_dropout": 0.3},
    "text, pre-norm": {"task": "text", "labels": NAMES, "norm_position": "pre"},
    "token beside masks": {"task": "token", "labels": NAMES, "mlm_head": True},
}


def job_config(name, **changes):
    return small_config(**(switches() | JOBS[name] | changes))


def job_batch(config, lengths=LENGTHS, seed=3):
    rng = np.random.default_rng(seed)
    batch, count = random_batch(config, lengths, seed), len(lengths)
    tokens, classes = sum(lengths), config.outputs
    labels = rng.integers(0, classes, count).astype(np.int32)
    if config.problem == "regression":
        labels = rng.standard_normal((count, classes)).astype(np.float32)
        labels = labels[:, 0] if classes == 1 else labels
    if config.problem == "multilabel":
        labels = rng.integers(0, 2, (count, classes)).astype(np.float32)
    positions = np.sort(rng.choice(tokens, tokens // 2, replace=False)).astype(np.int32)
    spans = np.sort(rng.integers(0, np.array(lengths)[:, None], (count, 2)), 1)
    return replace(
        batch,
        labels=labels,
        tag_positions=positions,
        tags=rng.integers(0, max(classes, 1), len(positions)).astype(np.int32),
        answer_spans=spans.astype(np.int32),
    )


def objective_of(config):
    has_classes = config.problem == "classification" and config.task != "span"
    return WEIGHED if has_classes else Objective()


@pytest.mark.parametrize("name", JOBS)
def test_gradient_is_the_slope_of_the_loss(name):
    config = job_config(name)
    parameters, batch = random_parameters(config), job_batch(config)
    model = Model(config, parameters, objective_of(config))
    assert config.task in model.losses(batch, model.workspace(20, 4, 20))
    for tensor, slope, expected in measured_slopes(model, batch, 20):
        assert slope == pytest.approx(expected, rel=1e-6, abs=1e-8), tensor
        unused = tensor.startswith("pooler") and config.task != "text"
        assert unused or expected != 0 or tensor.startswith("embeddings."), tensor


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("key", [5, None])
def test_kernels_and_twins_agree_on_every_gradient(name, key):
    config = job_config(name)
    parameters, batch = random_parameters(config), job_batch(config)
    objective = objective_of(config)
    theirs, slopes = run(Model(config, parameters, objective), batch, dropout_key=key)
    single = Model(config, parameters.astype(np.float32), objective)
    ours, gradients = run(single, batch, dropout_key=key)
    assert ours.total == pytest.approx(theirs.total, rel=1e-5)
    assert ours[config.task].correct == theirs[config.task].correct
    assert_close(gradients, slopes, 2e-5)
    if key is None:
        assert single.losses(batch, single.workspace(20, 4, 20)) == ours


@pytest.mark.parametrize("name", JOBS)
def test_parts_of_a_batch_add_up_to_it(name):
    config = job_config(name)
    model = Model(config, random_parameters(config, dtype=np.float32), objective_of(config))
    batch = job_batch(config)
    losses, gradients = run(model, batch)
    totals = model.totals([batch])
    parts = [run(model, part, totals=totals) for part in split_batch(batch, 3)]
    both = sum((found for found, _ in parts[1:]), parts[0][0])
    assert both.total == pytest.approx(losses.total, rel=1e-6)
    assert both[config.task].asked == losses[config.task].asked
    assert both[config.task].correct == losses[config.task].correct
    for _, slopes in parts[1:]:
        parts[0][1].block += slopes.block
    assert_close(parts[0][1], gradients, 1e-5)


def softmax(logits):
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


@pytest.mark.parametrize("name", ["text", "token"])
def test_losses_are_those_of_the_logits_as_torch_defines_them(name):
    config = job_config(name, pooler=True)
    model = Model(config, random_parameters(config, dtype=np.float32), WEIGHED)
    batch = job_batch(config)
    targets = batch.labels if name == "text" else batch.tags
    logits = model.logits(name, batch).astype(np.float64)
    assert logits.shape == (len(targets), 3)
    logs, weights = np.log(softmax(logits)), np.array(WEIGHED.class_weights)
    weighed = weights[targets].sum()
    hard = -(weights[targets] * logs[np.arange(len(targets)), targets]).sum() / weighed
    soft = -(weights * logs).sum() / weighed
    losses, _ = run(model, batch)
    assert losses.total == pytest.approx(0.9 * hard + 0.1 / 3 * soft, rel=1e-5)
    assert losses[name].correct == (logits.argmax(1) == targets).sum()


def test_the_loss_of_a_span_is_the_mean_of_its_ends_within_its_own_sequence():
    config = job_config("span")
    model = Model(config, random_parameters(config, dtype=np.float32))
    batch = job_batch(config)
    logits = model.logits("span", batch).astype(np.float64)
    assert logits.shape == (17, 2)
    expected = []
    for number, (a, b) in enumerate(zip(batch.offsets[:-1], batch.offsets[1:], strict=True)):
        logs = np.log(softmax(logits[a:b].T))
        expected.append(-logs[[0, 1], batch.answer_spans[number]].mean())
    losses, _ = run(model, batch)
    assert losses.total == pytest.approx(np.mean(expected), rel=1e-5)


def test_an_answer_outside_of_its_sequence_is_not_learned_from():
    config = job_config("span")
    model = Model(config, random_parameters(config, dtype=np.float32))
    batch = job_batch(config)
    for outside in ([9, 9], [2, 99]):
        batch.answer_spans[2] = outside
        losses, gradients = run(model, batch)
        expected, slopes = run(model, select_rows(batch, np.array([0, 1, 3])))
        assert losses["span"].asked == 3
        assert losses.total == pytest.approx(expected.total, rel=1e-6)
        assert_close(gradients, slopes, 1e-5)
    batch.answer_spans[:] = 99
    losses, gradients = run(model, batch)
    assert not losses and not gradients.block.any()


def test_only_what_a_head_looks_at_is_worked_out():
    config = job_config("text")
    model = Model(config, random_parameters(config, dtype=np.float32))
    batch = job_batch(config)
    workspace = model.workspace(17, 4, 20)
    workspace.layers[-1][1].norm.out.fill(np.nan)
    model.loss_and_gradients(batch, model.parameters.zeros_like(), workspace)
    worked = ~np.isnan(workspace.layers[-1][1].norm.out).any(1)
    assert worked.tolist() == [True] * 4 + [False] * 13


def test_nothing_is_asked_of_a_batch_without_labels_but_logits_are_there():
    for name in ("text", "token", "span"):
        config = job_config(name)
        model = Model(config, random_parameters(config, dtype=np.float32))
        batch = replace(job_batch(config), labels=None, tags=None, answer_spans=None)
        losses, _ = run(model, batch)
        assert not losses
        rows = {"text": 4, "token": len(batch.tag_positions), "span": 17}
        assert model.logits(name, batch).shape == (rows[name], config.outputs)


def test_dropout_in_front_of_the_classes_is_a_setting_of_its_own():
    for name in JOBS:
        still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        config = job_config(name, **still, classifier_dropout=0.5)
        model = Model(config, random_parameters(config, dtype=np.float32))
        batch = job_batch(config)
        dropped, plain = (run(model, batch, dropout_key=key)[0].total for key in (1, None))
        assert dropped != plain
        config = job_config(name, **still, classifier_dropout=0.0)
        again = Model(config, random_parameters(config, dtype=np.float32))
        assert run(again, batch, dropout_key=1)[0].total == plain


@pytest.mark.parametrize(
    ("name", "changes", "named"),
    [
        ("text", {"labels": [0, 1, 3, 0]}, r"labels\[2\]=3"),
        ("text", {"labels": [0, -1, 2, 0]}, r"labels\[1\]=-1"),
        ("text", {"labels": [0, 1]}, "4 are needed"),
        ("regression", {"labels": [0.0, 1.0, float("nan"), 2.0]}, "labels hold nan at place 2"),
        ("regression", {"labels": [[0.0, 1.0]] * 4}, r"the shape \(4, 2\), not \(4,\)"),
        ("multilabel", {"labels": [[0.0, 1.0, 2.0]] * 4}, "labels hold 2.0 at place 2"),
        ("multilabel", {"labels": [0.0] * 4}, r"not \(4, 3\)"),
        ("token", {"tags": [0, 3]}, "8 are needed"),
        ("token", {"tags": [0, 0, 0, 3, 0, 0, 0, 0]}, r"tags\[3\]=3"),
        ("token", {"tag_positions": [17] * 8}, r"tag_positions\[0\]=17"),
        ("span", {"answer_spans": [[0, 0]] * 3}, "answer_spans has the shape"),
        ("span", {"answer_spans": [[-1, 0]] * 4}, r"answer_spans\[0\]=-1"),
    ],
)
def test_targets_that_cannot_be_are_named(name, changes, named):
    config = job_config(name)
    model = Model(config, random_parameters(config, dtype=np.float32))
    batch = replace(job_batch(config), **{k: np.array(v) for k, v in changes.items()})
    with pytest.raises(InputError, match=named):
        run(model, batch)


@pytest.mark.parametrize(
    ("name", "objective", "named"),
    [
        ("regression", Objective(label_smoothing=0.1), "one class of several"),
        ("span", Objective((1.0, 2.0)), "one class of several"),
        ("text", Objective((1.0, 2.0)), "are 2 numbers"),
        ("token", Objective((1.0, -2.0, 1.0)), "the least -2"),
        ("text", Objective(label_smoothing=1.0), "label_smoothing=1.0"),
    ],
)
def test_an_objective_that_a_model_has_no_classes_for_is_refused(name, objective, named):
    config = job_config(name)
    with pytest.raises(ConfigError, match=named):
        Model(config, random_parameters(config), objective)


def test_classes_of_no_weight_are_not_learned_from():
    config = job_config("text")
    model = Model(config, random_parameters(config, dtype=np.float32), Objective((0.0, 1.0, 1.0)))
    batch = replace(job_batch(config), labels=np.zeros(4, np.int32))
    losses, gradients = run(model, batch)
    assert not losses and not gradients.block.any()


def test_rows_of_a_batch_take_their_targets_along():
    config = job_config("token")
    batch = job_batch(config)
    part = select_rows(batch, np.array([0, 2]))
    first = batch.tag_positions < 5
    third = (batch.tag_positions >= 6) & (batch.tag_positions < 13)
    assert part.tags.tolist() == [*batch.tags[first], *batch.tags[third]]
    expected = [*batch.tag_positions[first], *(batch.tag_positions[third] - 1)]
    assert part.tag_positions.tolist() == expected
    assert part.labels.tolist() == batch.labels[[0, 2]].tolist()
    assert part.answer_spans.tolist() == batch.answer_spans[[0, 2]].tolist()


@pytest.mark.parametrize("name", JOBS)
def test_steps_repeat_their_bits_on_any_number_of_threads(name):
    config = job_config(name)
    batches = [replace(job_batch(config, seed=s), rows=np.zeros((4, 2), np.int64)) for s in (1, 2)]
    how = TrainingConfig(steps=3, gradient_shards=3, learning_rate=0.01)
    blocks = []
    for threads in (1, 2, 3):
        parameters = random_parameters(config, dtype=np.float32)
        trainer = Trainer(how, parameters, Capacity(20, 4, 20), threads)
        for _ in range(3):
            trainer.optimizer.step(0.01, trainer.gradients(batches).grad_norm)
        blocks.append(parameters.block.tobytes())
    assert blocks[0] == blocks[1] == blocks[2]
    assert blocks[0] != random_parameters(config, dtype=np.float32).block.tobytes()
