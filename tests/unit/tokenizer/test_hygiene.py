"""Files of others that are odd and have one meaning: opened, and named by `check`."""

import json

import pytest

from tests.unit.inspection.folders import added, bpe, write
from tokpipe.foundation.errors import InputError
from tokpipe.inspection.check.folder import check_tokenizer
from tokpipe.tokenizer.tokenizer import Tokenizer


def document(vocab, more=(), **model):
    content = bpe()
    content["added_tokens"] = [{**token, "id": id} for id, token in more]
    content["model"] = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": vocab, **model}
    return content


def token(content):
    return added([content])[0]


SOME = {"[UNK]": 0, "a": 1, "b": 2}
BPE = {"type": "BPE", "unk_token": None, "merges": []}
CASES = {  # document, text, its ids, tokens, what check says
    "ids with holes": (document({"[UNK]": 0, "a": 1, "b": 9}), "a b z", [1, 9, 0], 10, "7 of them"),
    "an added token behind a gap": (
        document(SOME, [(70, token("new"))]),
        "a new z",
        [1, 70, 0],
        71,
        "67 of them",
    ),
    "an added token in a hole": (
        document({"[UNK]": 0, "a": 1, "b": 3}, [(2, token("new"))]),
        "a new b",
        [1, 2, 3],
        4,
        None,
    ),
    "an added token that stands twice": (
        document(SOME, [(3, token("c")), (3, token("c"))]),
        "a c",
        [1, 3],
        4,
        "'c' stands twice",
    ),
    "an empty added token": (document(SOME, [(3, token(""))]), "a", [1], 3, "is empty"),
    "no unknown token": (document({"a": 0, "b": 1}), "a b", [0, 1], 2, "an unknown word is an"),
    "added tokens alone": (
        document({}, [(0, token("new")), (1, token("<x>"))], **BPE),
        "a new <x>",
        [0, 1],
        2,
        "there is no token in it",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_odd_file_is_opened_and_named(tmp_path, name):
    content, text, ids, size, problem = CASES[name]
    path = write(tmp_path / "t", content)
    tokenizer = Tokenizer.load(path)
    assert tokenizer.encode(text).ids == ids and tokenizer.vocab_size == size
    tokenizer.save(tmp_path / "again")
    again = Tokenizer.load(tmp_path / "again")
    assert again.encode(text).ids == ids and again.vocab_size == size
    assert again.decode(range(size)).split() == tokenizer.decode(range(size)).split()
    problems = [found.problem for found in check_tokenizer(path)[1] if found.level == "warning"]
    assert problem is None or any(problem in found for found in problems), problems


def test_a_token_that_stands_twice_has_its_last_id(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("[UNK]\na\nb\na\n")
    assert Tokenizer.load(path).encode("a b").ids == [3, 2]
    text = json.dumps(document(SOME)).replace('"a": 1', '"a": 1, "a": 4')
    (tmp_path / "tokenizer.json").write_text(text)
    assert Tokenizer.load(tmp_path).encode("a b").ids == [4, 2]


def test_an_unknown_word_without_an_unknown_token_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("a\nb\n")
    with pytest.raises(InputError, match="'z'"):
        Tokenizer.load(path).encode("a z")


def test_added_tokens_that_the_library_would_renumber_are_refused(tmp_path):
    content = document([["<unk>", 0.0], ["a", -1.0]], [(7, token("new"))], type="Unigram", unk_id=0)
    path = write(tmp_path / "t", content)
    with pytest.raises(InputError, match="'new' has the id 7, not 2, the next one"):
        Tokenizer.load(path)


def test_tokens_of_bytes_are_not_out_of_reach(tmp_path):
    content = bpe()
    content["model"] |= {"byte_fallback": True, "vocab": {**content["model"]["vocab"], "<0x0A>": 6}}
    assert check_tokenizer(write(tmp_path / "t", content))[1] == []
