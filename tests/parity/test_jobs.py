"""Heads of a job beside transformers' own: losses, logits, gradients, steps, folders, pipelines."""

import json
import os
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

from tests.parity.job_judge import (  # noqa: E402
    CLASSES,
    JOBS,
    SHAPES,
    STILL,
    job_batch,
    job_config,
    their_gradients,
    their_model,
    their_pass,
    weights,
)
from tests.parity.test_bert import relative  # noqa: E402
from tests.parity.test_huggingface import opened_silently, stored  # noqa: E402
from tests.unit.tasks.models import CONFIG, tokenizer  # noqa: E402
from tokpipe.bert.families.jobs import config_for_job  # noqa: E402
from tokpipe.bert.families.registry import FAMILIES  # noqa: E402
from tokpipe.bert.head import Capacity, Objective  # noqa: E402
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint  # noqa: E402
from tokpipe.bert.kernels.losses import weighted_cross_entropy  # noqa: E402
from tokpipe.bert.model import Model  # noqa: E402
from tokpipe.bert.parameters import Parameters  # noqa: E402
from tokpipe.foundation.batch import Batch  # noqa: E402
from tokpipe.tasks.folder import Layout, save_model  # noqa: E402
from tokpipe.training.config import TrainingConfig  # noqa: E402
from tokpipe.training.schedule import Schedule  # noqa: E402
from tokpipe.training.trainer import Trainer  # noqa: E402

transformers.utils.logging.enable_propagation()  # else its warnings pass the tests by

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

each_model = pytest.mark.parametrize(
    ("family", "job"), [(family, job) for family in SHAPES for job in JOBS]
)


def assert_equal_gradients(ours, theirs):
    """Compare tensor by tensor; return how many.

    What adds the same to all tokens changes no answer: its gradient is zero but for rounding.
    """
    config = ours.config
    levels = ["span.output.bias"] if config.task == "span" else []
    if levels and config.share_layers == "none":
        levels.append(f"layers.{config.num_hidden_layers - 1}.ffn.norm.bias")
    errors = {name: relative(view, theirs.views[name]) for name, view in ours.views.items()}
    for name in levels:
        del errors[name]
        for gradients in (ours, theirs):
            assert np.linalg.norm(gradients.views[name]) < 1e-6 * np.linalg.norm(gradients.block)
    worst = max(errors, key=errors.__getitem__)
    print(f"worst gradient: {worst} {errors[worst]:.1e}")
    assert errors[worst] < 1e-4, worst
    return len(errors)


@each_model
@pytest.mark.parametrize("size", ["tiny", "small"])
def test_loss_logits_and_every_gradient_are_theirs(family, job, size, tmp_path, compared):
    config = job_config(family, job, size)
    parameters, batch = weights(config), job_batch(config)
    model, gradients = Model(config, parameters), parameters.zeros_like()
    losses = model.loss_and_gradients(batch, gradients, model.workspace(120, 5, 60))
    judge = their_model(parameters, tmp_path, family)
    loss, logits = their_pass(judge, config, batch)
    loss.backward()
    assert losses.total == pytest.approx(loss.item(), rel=1e-5)
    assert relative(model.logits(config.task, batch), logits) < 1e-5
    count = assert_equal_gradients(gradients, their_gradients(judge, config, family))
    compared("heads of a job", gradients=count, values=parameters.count)


def test_answers_outside_are_passed_over_as_theirs(tmp_path):
    config = job_config("bert", "answers")
    parameters, batch = weights(config), job_batch(config, (20, 20, 20))
    batch.answer_spans[1] = 500, 500
    judge = their_model(parameters, tmp_path, "bert")
    ids, kinds = (
        torch.tensor(a.reshape(3, 20), dtype=torch.long)
        for a in (
            batch.input_ids,
            batch.token_type_ids,
        )
    )
    ends = torch.tensor(batch.answer_spans, dtype=torch.long)
    out = judge(ids, token_type_ids=kinds, start_positions=ends[:, 0], end_positions=ends[:, 1])
    out.loss.backward()
    model, gradients = Model(config, parameters), parameters.zeros_like()
    losses = model.loss_and_gradients(batch, gradients, model.workspace(60, 3))
    assert losses.total == pytest.approx(out.loss.item(), rel=1e-5)
    assert_equal_gradients(gradients, their_gradients(judge, config, "bert"))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("weighed", [None, (0.2, 3.0, 1.0, 0.0)])
def test_weights_of_classes_and_smoothing_are_those_of_torch(smoothing, weighed):
    rng = np.random.default_rng(4)
    logits = rng.standard_normal((50, 4)).astype(np.float32) * 3
    targets = rng.integers(0, 4, 50).astype(np.int32)
    theirs = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    given = None if weighed is None else torch.tensor(weighed, dtype=torch.float64)
    loss = torch.nn.functional.cross_entropy(
        theirs, torch.tensor(targets, dtype=torch.long), given, label_smoothing=smoothing
    )
    loss.backward()
    objective, config = Objective(weighed, smoothing), job_config("bert", "multilabel")
    counts = objective.weights(config)
    total = counts[targets].sum(dtype=np.float64)
    ours, d_bias = logits.copy(), np.zeros(4, np.float32)
    found, _ = weighted_cross_entropy(ours, targets, counts, smoothing, 1 / total, d_bias)
    assert found / total == pytest.approx(loss.item(), rel=1e-6)
    np.testing.assert_allclose(ours, theirs.grad.numpy(), atol=1e-7)
    np.testing.assert_allclose(d_bias, theirs.grad.numpy().sum(0), atol=1e-6)


STEPS = 20
TRAINING = TrainingConfig(
    steps=STEPS, learning_rate=2e-4, warmup_steps=2, weight_decay=0.1, gradient_shards=2
)


@each_model
def test_twenty_steps_are_those_of_torch(family, job, tmp_path, compared):
    config = job_config(family, job, **STILL)
    parameters = weights(config)
    judge = their_model(parameters, tmp_path, family)
    batches = [job_batch(config, seed=step) for step in range(4)]
    named = list(judge.named_parameters())
    is_plain = {name: name.endswith("bias") or "norm" in name.lower() for name, _ in named}
    groups = [
        {"params": [p for name, p in named if is_plain[name] == plain], "weight_decay": decay}
        for plain, decay in ((False, TRAINING.weight_decay), (True, 0.0))
    ]
    betas = TRAINING.adam_beta1, TRAINING.adam_beta2
    optimizer = torch.optim.AdamW(groups, betas=betas, eps=TRAINING.adam_epsilon)
    trainer = Trainer(TRAINING, parameters, Capacity(120, 5, 60), 2)
    schedule, ours, theirs = Schedule(TRAINING, STEPS), [], []
    for step in range(STEPS):
        batch, rate = batches[step % 4], schedule.learning_rate(step, 0)
        losses, norm = trainer.gradients([batch])
        trainer.optimizer.step(rate, norm)
        ours.append(losses.total)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss, _ = their_pass(judge, config, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(judge.parameters(), TRAINING.max_grad_norm)
        optimizer.step()
        theirs.append(loss.item())
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert sum(ours[-4:]) < sum(ours[:4])  # of the same batches
    compared("steps of fine-tuning", steps=STEPS)


def fine_tuned(family, job, folder):
    """Let transformers make a model at random, train it a little with dropout, and save it."""
    torch.manual_seed(3)
    config = job_config(family, job)
    (folder / "config").mkdir(parents=True)
    write_checkpoint(folder / "config", Parameters(config), family=FAMILIES[family])
    settings = transformers.AutoConfig.from_pretrained(folder / "config")
    settings.initializer_range = 0.1
    model = getattr(transformers, CLASSES[config.task]).from_config(settings).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(5):
        loss, _ = their_pass(model, config, job_batch(config, seed=step))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder / "theirs")
    return model.eval(), config


@each_model
def test_what_they_fine_tuned_says_the_same_here_and_goes_back(family, job, tmp_path, caplog):
    theirs, config = fine_tuned(family, job, tmp_path)
    found = load_checkpoint(tmp_path / "theirs")
    assert not found.left_out
    expected = config.labels, config.problem, config.task, config.classifier, config.outputs
    ours = found.config
    assert (ours.labels, ours.problem, ours.task, ours.classifier, ours.outputs) == expected
    batch = job_batch(config, (30, 9, 50, 2, 17, 3), seed=9)
    loss, logits = their_pass(theirs, config, batch)
    model = Model(ours, found.parameters)
    said = model.logits(config.task, batch)
    assert relative(said, logits) < 1e-5
    if config.task != "span":
        assert (said.argmax(-1) == logits.argmax(-1)).all()
    assert model.losses(batch, model.workspace(120, 6, 60)).total == pytest.approx(
        loss.item(), rel=1e-5
    )
    again = tmp_path / "again"
    again.mkdir()
    write_checkpoint(again, found.parameters, family=found.family, dtypes=found.dtypes)
    assert stored(again) == stored(tmp_path / "theirs")
    opened = opened_silently(CLASSES[config.task], again, caplog).eval()
    repeated = their_pass(opened, config, batch)[1]
    np.testing.assert_allclose(repeated, logits, rtol=1e-6, atol=1e-7)
    files = [tmp_path / name / "config.json" for name in ("theirs", "again")]
    before, after = (json.loads(path.read_text()) for path in files)
    for key in before.keys() & after.keys():
        assert after[key] == before[key], key
    if config.task == "text":
        assert {"id2label", "label2id", "problem_type"} <= before.keys() & after.keys()


TEXTS = ["the dog sat on the mat .", "a kitten ran", "old new it was , and puppy ##s cat"]


def small_job(family, job):
    source = replace(CONFIG, **SHAPES[family])
    config = config_for_job(source, FAMILIES[family], *JOBS[job])
    return config, Parameters.from_encoder(Parameters.initialised(source, 4), config, 5)


def packed(texts):
    ids = [tokenizer().encode(text).ids for text in texts]
    offsets = np.cumsum([0, *map(len, ids)]).astype(np.int32)
    places = [t for a, b in pairwise(offsets) for t in range(a + 1, b - 1)]
    tokens = np.concatenate(ids).astype(np.int32)
    return Batch(tokens, offsets, tag_positions=np.array(places, np.int32))


@pytest.mark.parametrize("family", SHAPES)
@pytest.mark.parametrize("job", [job for job in JOBS if job != "answers"])  # it has none for them
def test_their_pipeline_gives_the_labels_and_scores_of_our_logits(family, job, tmp_path, caplog):
    config, parameters = small_job(family, job)
    save_model(parameters, tokenizer(), tmp_path / "m", Layout(FAMILIES[family]))
    opened_silently(CLASSES[config.task], tmp_path / "m", caplog)
    logits = Model(config, parameters).logits(config.task, packed(TEXTS)).astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    scores = {
        "regression": logits,
        "multilabel": 1 / (1 + np.exp(-logits)),
    }.get(config.problem, shares)
    names = config.labels or ("LABEL_0",)
    if config.task == "text":
        pipeline = transformers.pipeline("text-classification", str(tmp_path / "m"), top_k=None)
        for row, found in zip(scores, pipeline(TEXTS), strict=True):
            theirs = {one["label"]: one["score"] for one in found}
            assert set(theirs) == set(names)
            assert [theirs[name] for name in names] == pytest.approx(row.tolist(), rel=1e-4)
        return
    pipeline = transformers.pipeline("token-classification", str(tmp_path / "m"), ignore_labels=[])
    found = [one for text in pipeline(TEXTS) for one in text]
    assert [one["entity"] for one in found] == [names[i] for i in scores.argmax(1)]
    assert [one["score"] for one in found] == pytest.approx(scores.max(1).tolist(), rel=1e-4)
