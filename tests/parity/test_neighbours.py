"""Pairs of files beside a vocabulary: the ids that come out against those of transformers."""

import json
import os
from itertools import combinations

import pytest

from tests.unit.tokenizer.test_neighbours import CASES, OWN_ROLES, TEXTS, folder, own_document
from tokpipe.tokenizer.reading import read_tokenizer
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


@pytest.mark.parametrize("tokens", [["Car", "Paris"], ["cár", "é"], ["car", "x"]])
@pytest.mark.parametrize("config", [{}, {"do_lower_case": True}, {"do_lower_case": False}])
def test_where_transformers_would_lower_letters_that_are_kept_it_is_said(tmp_path, tokens, config):
    (tmp_path / "vocab.txt").write_text("\n".join(["[UNK]", *tokens]), "utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    theirs, ours = transformers.BertTokenizer.from_pretrained(tmp_path), Tokenizer.load(tmp_path)
    text, is_said = " ".join(tokens), bool(read_tokenizer(tmp_path).findings)
    same = theirs.tokenize(text) == ours.encode(text, add_special_tokens=False).tokens
    assert is_said != same


@pytest.mark.parametrize("file", ["tokenizer_config.json", "special_tokens_map.json"])
def test_roles_are_those_of_transformers(tmp_path, file):
    (tmp_path / "tokenizer.json").write_text(json.dumps(own_document(None)))
    (tmp_path / file).write_text(json.dumps(OWN_ROLES))
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    ours = Tokenizer.load(tmp_path).roles
    assert {role: ours[role] for role in OWN_ROLES} == {
        role: getattr(theirs, role) for role in OWN_ROLES
    }


@pytest.mark.parametrize("name", ["add_bos_token", "add_eos_token"])
def test_what_is_added_around_texts_is_not_asked_beside_a_whole_tokenizer(tmp_path, name):
    path = folder(tmp_path, "tokenizer.json", {"tokenizer_config.json": {name: True}})
    theirs = transformers.AutoTokenizer.from_pretrained(path)
    assert [Tokenizer.load(path).encode(t).ids for t in TEXTS] == [
        theirs(t)["input_ids"] for t in TEXTS
    ]
