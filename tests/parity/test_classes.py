"""Folders without a tokenizer.json, of each class that is read: ids are those of transformers."""

import os

import pytest

from tests.unit.tokenizer.test_classes import FOLDERS, MODEL, TEXTS, folder
from tokpipe.tokenizer.tokenizer import Tokenizer

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("name", FOLDERS)
def test_ids_and_types_are_those_of_transformers(tmp_path, name):
    vocabulary, files = FOLDERS[name]
    kind = "bert" if vocabulary == "vocab.txt" else "roberta"
    path = folder(tmp_path, vocabulary, {MODEL: {"model_type": kind}, **files})
    theirs, ours = transformers.AutoTokenizer.from_pretrained(path), Tokenizer.load(path)
    for text in TEXTS:
        for pair in ((text,), (text, "the a")):
            expected, found = theirs(*pair), ours.encode(*pair)
            assert found.ids == expected["input_ids"], pair
            assert found.type_ids == expected.get("token_type_ids", found.type_ids), pair
