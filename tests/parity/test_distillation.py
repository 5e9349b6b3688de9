"""The losses against what a teacher says beside torch's."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the peers extra is not installed")

from tests.unit.training.folders import MODEL, STEPS, train, write_shards  # noqa: E402
from tokpipe.bert.kernels.losses import soft_cross_entropy  # noqa: E402
from tokpipe.bert.relations import relation_distances  # noqa: E402
from tokpipe.bert.state_distances import DISTANCES  # noqa: E402
from tokpipe.foundation.batch import Batch  # noqa: E402
from tokpipe.tasks.distill_config import DistillConfig  # noqa: E402
from tokpipe.tasks.distill_text import distill_text  # noqa: E402
from tokpipe.tasks.model import BertModel  # noqa: E402
from tokpipe.training.config import TrainingConfig  # noqa: E402

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("temperature", [1.0, 2.0, 8.0])
def test_soft_cross_entropy_is_that_of_torch(temperature):
    rng = np.random.default_rng(0)
    logits, teacher = (3 * rng.standard_normal((9, 5)).astype(np.float32) for _ in range(2))
    theirs = torch.tensor(logits, requires_grad=True)
    loss = temperature**2 * torch.nn.functional.cross_entropy(
        theirs / temperature, torch.tensor(teacher / temperature).softmax(1), reduction="sum"
    )
    (loss / 9).backward()
    d_bias = np.zeros(5, np.float32)
    found = soft_cross_entropy(logits, teacher, temperature, 1 / 9, d_bias)
    assert found == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(logits, theirs.grad.numpy(), atol=1e-6)
    np.testing.assert_allclose(d_bias, theirs.grad.numpy().sum(0), atol=1e-5)


def test_softened_answers_among_a_whole_vocabulary_are_those_of_torch():
    rng = np.random.default_rng(0)
    logits, teacher = (3 * rng.standard_normal((7, 30_522)).astype(np.float32) for _ in range(2))
    theirs = torch.tensor(logits.astype(np.float64), requires_grad=True)
    aim = torch.tensor(teacher.astype(np.float64) / 2).log_softmax(1)
    divergence = torch.nn.functional.kl_div(
        (theirs / 2).log_softmax(1), aim, reduction="sum", log_target=True
    )
    entropy = -(aim.exp() * aim).sum()
    (4 * divergence / 7).backward()
    found = soft_cross_entropy(logits, teacher, 2.0, 1 / 7, np.zeros(30_522, np.float32))
    assert found == pytest.approx(4 * (divergence + entropy).item(), rel=1e-6)
    np.testing.assert_allclose(logits, theirs.grad.numpy(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", DISTANCES)
def test_distances_of_hidden_states_are_those_of_torch(name):
    rng = np.random.default_rng(1)
    states, wanted = (rng.standard_normal((9, 12)).astype(np.float32) for _ in range(2))
    theirs, aim = torch.tensor(states, requires_grad=True), torch.tensor(wanted)
    loss = {
        "hidden_weight": lambda: torch.nn.functional.mse_loss(theirs, aim, reduction="sum") / 12,
        "cosine_weight": lambda: torch.nn.functional.cosine_embedding_loss(
            theirs, aim, torch.ones(9), reduction="sum"
        ),
    }[name]()
    loss.backward()
    distances, slopes = DISTANCES[name](states, wanted)
    assert distances.sum() == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(slopes, theirs.grad.numpy(), atol=1e-6)


def test_relations_of_attention_are_those_of_torch():
    """MiniLMv2's loss, a padded batch of it, between widths of 24 and 48 in four heads."""
    rng, lengths, heads = np.random.default_rng(2), [5, 1, 9], 4
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    qkv, wanted = (rng.standard_normal((15, 3 * w)).astype(np.float32) for w in (24, 48))
    theirs, aims, total = torch.tensor(qkv, requires_grad=True), torch.tensor(wanted), 0
    for start, end in itertools.pairwise(offsets):
        parts = zip(theirs[start:end].chunk(3, 1), aims[start:end].chunk(3, 1), strict=True)
        for part in parts:
            said, aim = (_relation(one, heads) for one in part)
            found = torch.nn.functional.kl_div(said, aim, reduction="sum", log_target=True)
            total = total + found / (3 * heads * int(end - start))
    total.backward()
    distances, slopes = relation_distances(qkv, wanted, offsets, heads)
    assert distances.sum() == pytest.approx(total.item(), rel=1e-5)
    np.testing.assert_allclose(slopes, theirs.grad.numpy(), atol=1e-6)


def _relation(rows, heads):
    cut = rows.view(len(rows), heads, -1).transpose(0, 1)
    return (cut @ cut.transpose(1, 2) / cut.shape[2] ** 0.5).log_softmax(2)


@pytest.mark.parametrize("how", [{}, {"hidden_size": 8}], ids=["fewer layers", "narrower"])
def test_transformers_opens_a_student_on_text_without_a_warning(tmp_path, how, caplog):
    transformers = pytest.importorskip("transformers")
    shards = write_shards(tmp_path / "shards")
    train(shards, tmp_path / "teacher", model=replace(MODEL, num_hidden_layers=2))
    settings = {"config": DistillConfig(**how), "training": TrainingConfig(**STEPS)}
    distill_text(tmp_path / "teacher", shards, tmp_path / "student", **settings)
    folder = tmp_path / "student/masked-lm"
    theirs, said = transformers.AutoModelForMaskedLM.from_pretrained(
        folder, output_loading_info=True
    )
    assert not said["missing_keys"] and not said["unexpected_keys"] and not caplog.records
    ours, ids = BertModel.load(folder), np.array([2, 5, 4, 7, 3], np.int32)
    batch = Batch(ids, np.array([0, 5], np.int32), masked_positions=np.arange(5, dtype=np.int32))
    with torch.no_grad():
        logits = theirs.eval()(torch.tensor(ids[None].astype(np.int64))).logits[0].numpy()
    np.testing.assert_allclose(ours.model.logits("mlm", batch), logits, atol=1e-5)
