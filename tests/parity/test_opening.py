"""Folders that transformers wrote, of families and wrappings that people have: the same numbers."""

import os

import numpy as np
import pytest
import tokenizers

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

from tests.parity.job_judge import CLASSES, JOBS, job_batch, their_pass  # noqa: E402
from tokpipe.bert.families.registry import FAMILIES  # noqa: E402
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint  # noqa: E402
from tokpipe.bert.model import Model  # noqa: E402
from tokpipe.examples.config import ExampleConfig  # noqa: E402
from tokpipe.foundation.batch import Batch  # noqa: E402
from tokpipe.shards.build import BuildConfig, build_shards  # noqa: E402
from tokpipe.tasks.further import pretrain_from  # noqa: E402
from tokpipe.tokenizer.tokenizer import Tokenizer  # noqa: E402
from tokpipe.training.config import TrainingConfig  # noqa: E402

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
    "mpnet": {"max_position_embeddings": 300},
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


def test_distances_of_mpnet_are_theirs_however_far(tmp_path):
    judge = theirs("mpnet", "AutoModel")
    judge.save_pretrained(tmp_path)
    found = load_checkpoint(tmp_path)
    ids = np.random.default_rng(0).integers(3, 60, 290).astype(np.int32)
    batch = Batch(ids, np.array([0, 290], np.int32), np.zeros(290, np.int32))
    model = Model(found.config, found.parameters)
    hidden = model.hidden_states(batch, (-1,), model.workspace(290, 1))[0]
    with torch.no_grad():
        said = judge(torch.tensor(ids[None].astype(np.int64))).last_hidden_state[0].numpy()
    np.testing.assert_allclose(hidden, said, atol=1e-5, rtol=1e-5)


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


@pytest.mark.parametrize("name", NAMED)
def test_every_class_of_a_family_opens(name, tmp_path):
    start = type(theirs(name, "AutoModel")).__name__.removesuffix("Model")
    classes = [one for one in dir(transformers) if one.startswith((f"{start}For", f"{start}Model"))]
    assert len(classes) >= 6
    for one in classes:
        config = transformers.AutoConfig.for_model(name.split()[0], **SETTINGS | NAMED[name])
        config.hidden_act = "gelu"
        judge = getattr(transformers, one)(config)
        judge.save_pretrained(tmp_path / one)
        found = load_checkpoint(tmp_path / one)
        ours = found.parameters.views["layers.1.ffn.output.weight"]
        there = next(v for n, v in judge.named_parameters() if n.endswith("1.output.dense.weight"))
        np.testing.assert_array_equal(ours, there.detach().numpy())


@pytest.mark.parametrize("name", ["electra", "electra of one width"])
def test_a_discriminator_is_an_encoder_without_a_head(name, tmp_path):
    theirs(name, "AutoModelForPreTraining").save_pretrained(tmp_path / "theirs")
    found = load_checkpoint(tmp_path / "theirs")
    assert len(found.left_out) == 4
    assert all(one.startswith("discriminator_predictions.") for one in found.left_out)
    (tmp_path / "ours").mkdir()
    write_checkpoint(tmp_path / "ours", found.parameters, family=found.family)
    no_news("AutoModel", tmp_path / "ours")


TEXTS = [f"the ferry number {i} leaves at noon, said {n}" for i in range(30) for n in ("Bo", "Ann")]


def sentencepiece_like():
    """Return a tokenizer of XLM-RoBERTa's kind: Unigram and Metaspace."""
    made = tokenizers.Tokenizer(tokenizers.models.Unigram())
    made.normalizer = tokenizers.normalizers.NFKC()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    made.decoder = tokenizers.decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=60, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(TEXTS, trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        **{f"{role}_token": f"<{role}>" for role in ("pad", "unk", "mask")},
        **{f"{role}_token": "<s>" for role in ("bos", "cls")},
        **{f"{role}_token": "</s>" for role in ("eos", "sep")},
    )


@pytest.mark.parametrize("name", ["xlm-roberta", "camembert"])
def test_a_model_that_is_trained_further_keeps_its_tokenizer_and_its_name(name, tmp_path):
    model = theirs(name, "AutoModelForMaskedLM", layer_norm_eps=1e-12, type_vocab_size=1)
    tokenizer = sentencepiece_like()
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "source")
    (tmp_path / "text.txt").write_text("\n".join(TEXTS) + "\n")
    examples = ExampleConfig(recipe="roberta", max_seq_length=32)
    build_shards(
        [tmp_path / "text.txt"],
        tmp_path / "source",
        tmp_path / "shards",
        BuildConfig(examples=examples),
    )
    training = TrainingConfig(steps=2, batch_tokens=200, warmup_steps=0)
    pretrain_from(tmp_path / "source", tmp_path / "shards", tmp_path / "run", training=training)
    for folder, auto in (("masked-lm", "AutoModelForMaskedLM"), ("encoder", "AutoModel")):
        assert no_news(auto, tmp_path / "run" / folder).config.model_type == name
        again = transformers.AutoTokenizer.from_pretrained(tmp_path / "run" / folder)
        ours = Tokenizer.load(tmp_path / "run" / folder)
        assert (again.mask_token, again.pad_token) == ("<mask>", "<pad>")
        for text in TEXTS[:5]:
            assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
            assert ours.encode(text).ids == tokenizer(text)["input_ids"]
