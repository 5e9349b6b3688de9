"""Folders that transformers wrote, of families and wrappings that people have: the same numbers."""

import os

import numpy as np
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

from tests.parity.job_judge import CLASSES, JOBS, job_batch, their_pass  # noqa: E402
from tokpipe.bert.families.registry import FAMILIES  # noqa: E402
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint  # noqa: E402
from tokpipe.bert.model import Model  # noqa: E402
from tokpipe.foundation.batch import Batch  # noqa: E402

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

SETTINGS = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "initializer_range": 0.3,
    "layer_norm_eps": 1e-5,
}
NAMED = {
    "xlm-roberta": {},
    "camembert": {"type_vocab_size": 1},
    "data2vec-text": {"pad_token_id": 3},
    "electra": {"embedding_size": 8},
    "electra of one width": {"embedding_size": 24, "hidden_act": "relu"},
}


def theirs(name, auto, **more):
    """Return a model of transformers, with biases and norms that differ from each other."""
    torch.manual_seed(3)
    kind = name.split()[0]
    config = transformers.AutoConfig.for_model(kind, **SETTINGS | NAMED[name] | more)
    model = getattr(transformers, auto).from_config(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def no_news(auto, folder):
    """Open a folder with transformers; nothing may be missing or left over."""
    model, told = getattr(transformers, auto).from_pretrained(folder, output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"]
    return model.eval()


@pytest.mark.parametrize("name", NAMED)
def test_hidden_states_and_masks_are_theirs(name, tmp_path):
    more = {"hidden_act": "gelu"}
    judge = theirs(name, "AutoModelForMaskedLM", **more)
    judge.save_pretrained(tmp_path / "theirs")
    found = load_checkpoint(tmp_path / "theirs")
    assert found.family is FAMILIES[name.split()[0]] and found.config.mlm_head
    ids = np.array([2, 10, 11, 4, 13, 12], np.int32)
    places = np.arange(6, dtype=np.int32)
    batch = Batch(ids, np.array([0, 6], np.int32), np.zeros(6, np.int32), masked_positions=places)
    with torch.no_grad():
        said = judge(torch.tensor(ids[None].astype(np.int64)), output_hidden_states=True)
    model = Model(found.config, found.parameters)
    hidden = model.hidden_states(batch, (-1,), model.workspace(6, 1, 6))[0]
    np.testing.assert_allclose(hidden, said.hidden_states[-1][0].numpy(), atol=1e-5, rtol=1e-5)
    logits = model.logits("mlm", batch)
    np.testing.assert_allclose(logits, said.logits[0].numpy(), atol=1e-5, rtol=1e-5)
    (tmp_path / "ours").mkdir()
    write_checkpoint(tmp_path / "ours", found.parameters, family=found.family)
    again = no_news("AutoModelForMaskedLM", tmp_path / "ours")
    assert type(again) is type(judge)
    for name_of, tensor in judge.state_dict().items():
        assert torch.equal(again.state_dict()[name_of], tensor), name_of


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("name", NAMED)
def test_heads_of_jobs_are_theirs(name, job, tmp_path):
    task, labels, problem = JOBS[job]
    problems = {"multilabel": "multi_label_classification", "regression": "regression"}
    more = {"num_labels": len(labels) or 1} if task != "span" else {}
    if task == "text":
        more["problem_type"] = problems.get(problem, "single_label_classification")
    judge = theirs(name, CLASSES[task], **more)
    judge.save_pretrained(tmp_path / "theirs")
    found = load_checkpoint(tmp_path / "theirs")
    assert found.family is FAMILIES[name.split()[0]] and found.config.task == task
    batch = job_batch(found.config, (9, 1, 14, 5))
    _, said = their_pass(judge, found.config, batch)
    logits = Model(found.config, found.parameters).logits(task, batch)
    np.testing.assert_allclose(logits, said, atol=1e-5, rtol=1e-5)
    (tmp_path / "ours").mkdir()
    write_checkpoint(tmp_path / "ours", found.parameters, family=found.family)
    _, again = their_pass(no_news(CLASSES[task], tmp_path / "ours"), found.config, batch)
    np.testing.assert_array_equal(again, said)


@pytest.mark.parametrize("name", ["electra", "electra of one width"])
def test_a_discriminator_is_an_encoder_without_a_head(name, tmp_path):
    theirs(name, "AutoModelForPreTraining").save_pretrained(tmp_path / "theirs")
    found = load_checkpoint(tmp_path / "theirs")
    assert len(found.left_out) == 4
    assert all(one.startswith("discriminator_predictions.") for one in found.left_out)
    (tmp_path / "ours").mkdir()
    write_checkpoint(tmp_path / "ours", found.parameters, family=found.family)
    no_news("AutoModel", tmp_path / "ours")
