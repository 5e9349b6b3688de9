"""What a teacher adds to a loss: gradients by finite differences, shapes, first weights."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.models import measured_slopes, random_parameters
from tests.unit.bert.test_job_heads import JOBS, LENGTHS, job_batch, job_config
from tokpipe.bert.head import Distillation, Objective
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters, kept_layers
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.training.parts import select_rows, split_batch

TAUGHT = Objective(distillation=Distillation(3.0, 0.7, 0.4))
ASKED = {"text": ("labels",), "token": ("tag_positions", "tags"), "span": ("answer_spans",)}
ALONE = [name for name in JOBS if name != "token beside masks"]


def taught_batch(config):
    """A batch of one job only, with what a teacher says of its places."""
    batch, rng = job_batch(config), np.random.default_rng(5)
    others = {f for task, fields in ASKED.items() if task != config.task for f in fields}
    batch = replace(batch, **dict.fromkeys(others))
    count = {"text": len(LENGTHS), "token": sum(LENGTHS) // 2, "span": sum(LENGTHS)}[config.task]
    soft, states = (
        rng.standard_normal((count, width)).astype(np.float32)
        for width in (config.outputs, config.hidden_size)
    )
    return replace(batch, soft_targets=soft, hidden_targets=states)


@pytest.mark.parametrize("name", ALONE)
def test_gradient_of_a_taught_model_is_the_slope_of_its_loss(name):
    config = job_config(name)
    parameters, batch = random_parameters(config), taught_batch(config)
    for tensor, slope, expected in measured_slopes(Model(config, parameters, TAUGHT), batch, 20):
        assert slope == pytest.approx(expected, rel=1e-6, abs=1e-7), tensor


@pytest.mark.parametrize("name", ALONE)
def test_parts_of_a_taught_batch_add_up_to_it(name):
    config = job_config(name, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    parameters, batch = random_parameters(config), taught_batch(config)
    model = Model(config, parameters, TAUGHT)
    whole, summed = parameters.zeros_like(), parameters.zeros_like()
    workspace = model.workspace(20, 4, 20)
    model.loss_and_gradients(batch, whole, workspace)
    for part in split_batch(batch, 2):
        model.loss_and_gradients(part, summed, workspace, totals=model.totals([batch]))
    np.testing.assert_allclose(summed.block, whole.block, atol=1e-10)
    assert len(select_rows(batch, np.array([2])).soft_targets) < len(batch.soft_targets)


def test_a_model_without_a_teacher_does_not_listen_to_one():
    config = job_config("text")
    parameters, batch = random_parameters(config), taught_batch(config)
    workspace = Model(config, parameters).workspace(20, 4, 20)
    plain = replace(batch, soft_targets=None, hidden_targets=None)
    model = Model(config, parameters)
    assert model.losses(batch, workspace).total == model.losses(plain, workspace).total
    taught = Model(config, parameters, TAUGHT)
    assert taught.losses(batch, workspace).total != model.losses(batch, workspace).total


@pytest.mark.parametrize("field", ["soft_targets", "hidden_targets"])
def test_a_teacher_of_another_shape_is_refused(field):
    config = job_config("text")
    parameters, batch = random_parameters(config), taught_batch(config)
    model = Model(config, parameters, TAUGHT)
    batch = replace(batch, **{field: getattr(batch, field)[:, :1]})
    with pytest.raises(InputError, match=f"{field} has the shape"):
        model.losses(batch, model.workspace(20, 4, 20))


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
