"""Pairs of files beside a vocabulary: the ids that come out against those of transformers."""

import os
from itertools import combinations

import pytest

from tests.unit.tokenizer.test_neighbours import CASES, TEXTS, folder
from tokpipe.tokenizer.tokenizer import Tokenizer

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

# transformers takes no role as an object in tokenizer_config.json any more, and takes the first of
# two tokens with one id for a token and gives the other the next id: here that is refused
_NOT_THERE = {"a mask as an object"}
_ONE_ID = [{"an added token", "an extra token with its id"}]
_ONE_ID += [{"an added token in capitals", "an extra token with its id"}]
_ONE_ID += [{"an added token", "an added token in capitals"}]
PAIRS = [
    pair
    for pair in combinations(CASES, 2)
    if not _NOT_THERE & set(pair) and set(pair) not in _ONE_ID
]


@pytest.mark.parametrize("main", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_two_neighbours_change_ids_as_in_transformers(tmp_path, main, pair):
    files: dict = {}
    for name in pair:
        for file, content in CASES[name][0].items():
            files[file] = {**files.get(file, {}), **content}
    path = folder(tmp_path, main, files)
    kinds = (transformers.BertTokenizer, transformers.PreTrainedTokenizerFast)
    theirs = kinds[main == "tokenizer.json"].from_pretrained(path)
    ours = Tokenizer.load(path)
    assert [ours.encode(text).ids for text in TEXTS] == [theirs(t)["input_ids"] for t in TEXTS]
