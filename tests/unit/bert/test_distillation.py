"""What a teacher adds to a loss: gradients by finite differences, shapes, first weights."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import measured_slopes, random_batch, random_parameters, small_config
from tests.unit.bert.test_job_heads import JOBS, LENGTHS, job_batch, job_config
from tokpipe.bert.head import Distillation, Objective
from tokpipe.bert.heads.masked_tokens import decoder_of
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters, kept_layers
from tokpipe.bert.state_distances import DISTANCES
from tokpipe.bert.weights import weights_of
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.training.parts import select_rows, split_batch

TAUGHT = Objective(distillation=Distillation(3.0, 0.7, 0.4))
WIDE = 12  # a teacher's hidden states, in two heads
PROJECTION = np.random.default_rng(6).standard_normal((WIDE, 8))
OBJECTIVES = {
    "logits": Distillation(3.0, 0.7),
    "squares": Distillation(3.0, 0.7, 0.4),
    "angles": Distillation(3.0, 0.7, cosine_weight=0.6),
    "relations": Distillation(3.0, 0.7, relation_weight=2.0, relation_heads=2),
    "all of a wider teacher": Distillation(2.0, 0.5, 0.4, 0.3, 0.8, 2, PROJECTION),
}
ASKED = {"text": ("labels",), "token": ("tag_positions", "tags"), "span": ("answer_spans",)}
ALONE = [name for name in JOBS if name != "token beside masks"]


def taught_batch(config, width=8):
    """A batch of one job only, with what a teacher says of its places."""
    rng = np.random.default_rng(5)
    batch = random_batch(config, LENGTHS) if config.task == "none" else job_batch(config)
    others = {f for task, fields in ASKED.items() if task != config.task for f in fields}
    batch = replace(batch, **dict.fromkeys(others))
    counts = {"text": len(LENGTHS), "token": sum(LENGTHS) // 2, "span": sum(LENGTHS)}
    count = counts.get(config.task, len(batch.masked_positions))
    soft, states, qkv = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((count, config.outputs), (count, width), (sum(LENGTHS), 3 * width))
    )
    if config.task == "none":
        return replace(batch, hidden_targets=states, relation_targets=qkv)
    return replace(batch, soft_targets=soft, hidden_targets=states, relation_targets=qkv)


def objective_for(name):
    """An objective, and how wide the teacher is that it listens to."""
    how = OBJECTIVES[name]
    return Objective(distillation=how), 8 if how.projection is None else WIDE


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", ALONE)
def test_gradient_of_a_taught_model_is_the_slope_of_its_loss(name, objective):
    config = job_config(name)
    objective, width = objective_for(objective)
    assert_slopes(config, objective, taught_batch(config, width))


@pytest.mark.parametrize("name", ["text", "regression", "two numbers", "multilabel"])
def test_gradient_with_texts_of_which_the_teacher_alone_speaks_is_the_slope(name):
    config = job_config(name)
    batch = taught_batch(config)
    labels = batch.labels.copy()
    labels[[0, 2]] = -1 if labels.dtype.kind == "i" else np.nan
    batch = replace(batch, labels=labels)
    assert_slopes(config, TAUGHT, batch)
    with pytest.raises(InputError, match="labels"):
        Model(config, random_parameters(config)).losses(
            replace(batch, soft_targets=None),
            Model(config, random_parameters(config)).workspace(20, 4, 20),
        )


def test_a_text_without_a_label_adds_what_the_teacher_says_and_no_more():
    config = job_config("text")
    parameters, batch = random_parameters(config), taught_batch(config)
    model = Model(config, parameters, Objective(distillation=Distillation(2.0, 0.25)))
    workspace = model.workspace(20, 4, 20)
    whole = model.losses(batch, workspace)["text"]
    plain = Model(config, parameters).losses(replace(batch, soft_targets=None), workspace)["text"]
    labels = np.where(np.arange(4) == 1, batch.labels, -1)
    some = model.losses(replace(batch, labels=labels), workspace)["text"]
    none = model.losses(replace(batch, labels=0 * labels - 1), workspace)["text"]
    one = select_rows(replace(batch, soft_targets=None, hidden_targets=None), np.array([1]))
    gold = Model(config, parameters).losses(one, workspace)["text"]
    assert whole.sum == pytest.approx(none.sum + 0.75 * plain.sum)
    assert some.sum == pytest.approx(none.sum + 0.75 * gold.sum)
    assert (some.asked, some.weight, none.asked, none.accuracy) == (1, 4.0, 0, None)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize(
    "changes",
    [{}, {"position": "rope"}, {"norm_position": "pre"}, {"share_layers": "all"}],
    ids=["BERT", "rope", "pre-norm", "shared"],
)
def test_gradient_of_masked_tokens_that_are_taught_is_the_slope_of_their_loss(changes, objective):
    config = small_config(nsp_head=True, **changes)
    objective, width = objective_for(objective)
    teacher = replace(config, hidden_size=width)
    decoder = decoder_of(teacher, weights_of(random_parameters(teacher, 8)))
    how = objective.distillation._replace(decoder=decoder)
    assert_slopes(config, Objective(distillation=how), taught_batch(config, width))


def assert_slopes(config, objective, batch):
    model = Model(config, random_parameters(config), objective)
    for tensor, slope, expected in measured_slopes(model, batch, 20):
        assert slope == pytest.approx(expected, rel=1e-6, abs=1e-7), tensor


@pytest.mark.parametrize("name", [*ALONE, "masks"])
def test_parts_of_a_taught_batch_add_up_to_it(name):
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = small_config(**off) if name == "masks" else job_config(name, **off)
    parameters = random_parameters(config)
    objective, width = objective_for("all of a wider teacher")
    batch = taught_batch(config, width)
    model = Model(config, parameters, objective)
    whole, summed = parameters.zeros_like(), parameters.zeros_like()
    workspace = model.workspace(20, 4, 20)
    model.loss_and_gradients(batch, whole, workspace)
    for part in split_batch(batch, 2):
        model.loss_and_gradients(part, summed, workspace, totals=model.totals([batch]))
    np.testing.assert_allclose(summed.block, whole.block, atol=1e-10)
    assert len(select_rows(batch, np.array([2])).hidden_targets) < len(batch.hidden_targets)


def test_a_model_without_a_teacher_does_not_listen_to_one():
    config = job_config("text")
    parameters, batch = random_parameters(config), taught_batch(config)
    workspace = Model(config, parameters).workspace(20, 4, 20)
    plain = replace(batch, soft_targets=None, hidden_targets=None)
    model = Model(config, parameters)
    assert model.losses(batch, workspace).total == model.losses(plain, workspace).total
    taught = Model(config, parameters, TAUGHT)
    assert taught.losses(batch, workspace).total != model.losses(batch, workspace).total


@pytest.mark.parametrize("field", ["soft_targets", "hidden_targets", "relation_targets"])
def test_a_teacher_of_another_shape_is_refused(field):
    config = job_config("text")
    parameters, batch = random_parameters(config), taught_batch(config)
    how = TAUGHT.distillation._replace(relation_weight=1.0, relation_heads=2)
    model = Model(config, parameters, Objective(distillation=how))
    batch = replace(batch, **{field: getattr(batch, field)[:, :1]})
    with pytest.raises(InputError, match=f"{field} has the shape"):
        model.losses(batch, model.workspace(20, 4, 20))


def test_a_student_that_says_what_its_teacher_says_has_nothing_to_learn():
    config = small_config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    parameters = random_parameters(config, deviation=0.5)
    plain, batch = Model(config, parameters), random_batch(config, LENGTHS)
    workspace = plain.workspace(20, 4, 20)
    logits, states, qkv = plain.lesson("mlm", batch, workspace)
    assert logits.shape[1] == 19 and states.shape == (4, 8) and qkv.shape == (17, 24)
    batch = replace(batch, hidden_targets=states, relation_targets=qkv.copy())
    decoder = decoder_of(config, weights_of(parameters))
    how = Distillation(2.0, 1.0, 1.0, 1.0, 1.0, 2, None, decoder)
    model = Model(config, parameters, Objective(distillation=how))
    batch = replace(batch, next_sentence_label=None)
    gradients = parameters.zeros_like()
    found = model.loss_and_gradients(batch, gradients, workspace)["mlm"]
    shares = np.exp(logits / 2 - np.log(np.exp(logits / 2).sum(1, keepdims=True)))
    entropy = -4 * (shares * np.log(shares)).sum()
    assert found.sum == pytest.approx(entropy, rel=1e-6)
    assert np.abs(gradients.block).max() < 1e-6


@pytest.mark.parametrize("name", DISTANCES)
def test_a_distance_of_zeros_has_no_slope_that_is_no_number(name):
    zeros, ones = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    for pair in ((zeros, ones), (ones, zeros), (zeros, zeros)):
        distance, slopes = DISTANCES[name](*pair)
        assert np.isfinite(distance).all() and np.isfinite(slopes).all()
        assert slopes.dtype == np.float32


def test_class_weights_and_a_teacher_contradict_each_other():
    config = job_config("text")
    with pytest.raises(ConfigError, match="has a teacher"):
        Model(config, random_parameters(config), TAUGHT._replace(class_weights=(1.0, 2.0, 3.0)))


@pytest.mark.parametrize("shared", ["none", "all", "attention", "ffn"])
def test_a_student_has_the_layers_of_its_teacher_bit_for_bit(shared):
    config = job_config("text", num_hidden_layers=5, share_layers=shared)
    teacher = random_parameters(config)
    student = Parameters.from_layers(teacher, replace(config, num_hidden_layers=2))
    assert kept_layers(5, 2) == [0, 2]
    for name, view in student.views.items():
        np.testing.assert_array_equal(
            view, teacher.views[name.replace("layers.1.", "layers.2.")], err_msg=name
        )


@pytest.mark.parametrize(
    ("layers", "count", "kept"),
    [(12, 6, [0, 2, 4, 6, 8, 10]), (12, 4, [0, 3, 6, 9]), (3, 2, [0, 1]), (4, 1, [0])],
)
def test_the_layers_kept_are_about_as_far_apart(layers, count, kept):
    assert kept_layers(layers, count) == kept
