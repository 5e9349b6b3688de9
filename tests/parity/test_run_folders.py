"""A finished run opens with transformers: one folder a class, and nothing to say about any."""

import logging
import os
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.training.folders import MODEL, train, write_shards
from tokpipe.bert.families.mpnet import MPNET
from tokpipe.bert.families.roberta import ROBERTA
from tokpipe.examples.config import ExampleConfig
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.tasks.fill_mask import fill_masks
from tokpipe.tasks.further import pretrain_from
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.build import train_vocabularies
from tokpipe.training.config import TrainingConfig
from tokpipe.vocab.config import VocabConfig

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

transformers.utils.logging.disable_progress_bar()

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

MODELS = {
    "both heads": MODEL,
    "no pooler": replace(MODEL, pooler=False, nsp_head=False),
    "albert": replace(MODEL, share_layers="all", embedding_size=8),
}
TEXTS = ["a b [MASK] a b", "[MASK] b c a"]


@pytest.fixture(
    scope="module",
    params=[
        *(*MODELS, "roberta", "mpnet"),
        *("both heads, further", "roberta, further", "mpnet, further"),
    ],
)
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    name = request.param.removesuffix(", further")
    if name in BUILT:
        BUILT[name](folder)
    else:
        train(write_shards(folder / "shards"), folder / "run", model=MODELS[name], steps=4)
    if name == request.param:
        return folder / "run"
    steps = TrainingConfig(steps=4, batch_tokens=80)
    pretrain_from(folder / "run", folder / "shards", folder / "further", training=steps)
    return folder / "further"


def _roberta(folder):
    """Pretrain on shards of RoBERTa's recipe, as a person would."""
    _shards(folder, "byte-bpe", recipe="roberta")
    train(folder / "shards", folder / "run", model=MODELS["no pooler"], steps=4)
    assert BertModel.load(folder / "run").family is ROBERTA


def _mpnet(folder):
    """Pretrain with places told by distances, on shards without pairs; padding is token 0."""
    _shards(folder, "wordpiece", objective="none")
    model = replace(MODELS["no pooler"], position="relative")
    train(folder / "shards", folder / "run", model=model, steps=4, attention_start="local")
    made = BertModel.load(folder / "run")
    assert (made.family, made.config.position) == (MPNET, "relative")
    assert made.role_id("pad_token") == made.config.pad_token_id == 0


def _shards(folder, kind, **examples):
    text = folder / "t.txt"
    text.write_text("a b c a b c\nc b a\n\nb c a b\n" * 60)
    config = VocabConfig(model=kind, vocab_size=(270,))
    train_vocabularies([str(text)], config, output=folder / "vocabulary")
    wanted = BuildConfig(examples=ExampleConfig(max_seq_length=16, **examples))
    build_shards([str(text)], folder / "vocabulary", folder / "shards", wanted)


BUILT = {"roberta": _roberta, "mpnet": _mpnet}


@pytest.fixture
def silent(caplog, capfd):
    """Return a function that opens a folder, and sees that nothing at all is said."""
    library = logging.getLogger("transformers")

    def opened(how, folder):
        caplog.clear()
        capfd.readouterr()
        library.addHandler(caplog.handler)
        try:
            found = how(str(folder))
        finally:
            library.removeHandler(caplog.handler)
        said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
        assert said == []
        assert capfd.readouterr().err == ""
        return found

    return opened


def test_what_they_say_would_be_seen(run, silent):
    if BertModel.load(run).config.nsp_head:
        with pytest.raises(AssertionError, match="UNEXPECTED"):
            silent(transformers.AutoModel.from_pretrained, run)
    else:
        with pytest.raises(AssertionError):
            silent(lambda _: transformers.logging.get_logger("transformers.x").warning("x"), run)


def test_auto_model_opens_the_encoder(run, silent):
    theirs = silent(transformers.AutoModel.from_pretrained, run / "encoder")
    tokenizer = silent(transformers.AutoTokenizer.from_pretrained, run / "encoder")
    assert_same_states(theirs.eval(), tokenizer, BertModel.load(run / "encoder"))
    again = transformers.AutoModel.from_pretrained(run / "encoder").state_dict()
    assert all(torch.equal(v, again[name]) for name, v in theirs.state_dict().items())


def test_auto_model_for_masked_lm_and_the_pipeline_open_theirs(run, silent):
    silent(transformers.AutoModelForMaskedLM.from_pretrained, run / "masked-lm")
    pipeline = silent(lambda folder: transformers.pipeline("fill-mask", folder), run / "masked-lm")
    ours = BertModel.load(run)
    texts = [text.replace("[MASK]", ours.tokenizer.roles["mask_token"]) for text in TEXTS]
    for text, (mask,) in zip(texts, fill_masks(ours, texts, 5), strict=True):
        theirs = pipeline(text, top_k=5)
        assert [found["token_str"] for found in theirs] == [c.text for c in mask]
        expected = [found["score"] for found in theirs]
        assert [c.score for c in mask] == pytest.approx(expected, rel=1e-4)


def test_the_run_itself_opens_with_the_class_for_all_of_it(run, silent):
    config = BertModel.load(run).config
    whole, bare = config.nsp_head, not config.pooler
    if whole:
        silent(transformers.AutoModelForPreTraining.from_pretrained, run)
    if bare:
        silent(transformers.AutoModelForMaskedLM.from_pretrained, run)
        silent(lambda folder: transformers.pipeline("fill-mask", folder), run)
    assert whole or bare


def assert_same_states(theirs, tokenizer, ours):
    for text in ("a b c a", "c c", "a zz b"):
        inputs = tokenizer(text, return_tensors="pt")
        assert inputs["input_ids"][0].tolist() == ours.tokenizer.encode(text).ids
        with torch.no_grad():
            found = theirs(**inputs).last_hidden_state[0].numpy()
        np.testing.assert_allclose(ours.encode([text])[0], found, atol=2e-5, rtol=1e-4)
