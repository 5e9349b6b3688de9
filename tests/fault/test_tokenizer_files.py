"""Each field of a tokenizer's files, in each wrong type: our own error, or a tokenizer."""

import copy
import json

import pytest

from tests.unit.inspection.folders import ROLES, bpe, wordpiece
from tests.unit.tokenizer.test_schema import A, B, special, template
from tokpipe.foundation.errors import TokpipeError
from tokpipe.inspection.check.folder import check_path
from tokpipe.tokenizer.tokenizer import Tokenizer

VALUES = {
    "null": None,
    "true": True,
    "negative": -1,
    "huge": 10**400,
    "no number": float("inf"),  # written as 1e400
    "text": "\ud800",
    "bracket": "(?",
    "nested": [[[[1]]]],
    "object": {"a": {"b": 1}},
}
RIGHT = {"direction": "Right"}


def documents():
    words, chars, pieces = wordpiece(), bpe(), bpe()
    padding = {"strategy": {"Fixed": 7}, "pad_to_multiple_of": 8, "pad_id": 0, "pad_type_id": 0}
    words["padding"] = {**RIGHT, **padding, "pad_token": "[PAD]"}
    words["truncation"] = {**RIGHT, "max_length": 5, "strategy": "LongestFirst", "stride": 1}
    replace = {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"}
    chars["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "NFC"}, replace]}
    split = {"type": "Split", "pattern": {"Regex": "\\s+"}, "behavior": "Isolated", "invert": False}
    digits = {"type": "Digits", "individual_digits": True}
    chars["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, digits]}
    chars["post_processor"] = template([special("<unk>"), A], [A, B], 0)
    chars["decoder"] = {"type": "Sequence", "decoders": [replace, {"type": "Fuse"}]}
    scores = [["<unk>", 0.0], ["a", -1.5], ["b", -2.0]]
    pieces["model"] = {"type": "Unigram", "unk_id": 0, "vocab": scores}
    return [words, chars, pieces]


def places(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else items:
        yield from places(inner, (*path, key))


def changed(content, path, value):
    whole = inner = copy.deepcopy(content)
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(whole).replace("Infinity", "1e400")


def assert_no_other_error(folder):
    for look in (Tokenizer.load, check_path):
        try:
            found = look(folder)
            if isinstance(found, Tokenizer):
                found.decode(found.encode("a b hug ab12", "x").ids)
        except TokpipeError:
            pass


@pytest.mark.parametrize("name", VALUES)
def test_a_field_of_a_wrong_type_in_a_tokenizer_json(tmp_path, name):
    for document in documents():
        for path in places(document):
            text = changed(document, path, VALUES[name])
            (tmp_path / "tokenizer.json").write_text(text)
            assert_no_other_error(tmp_path)


CONFIG = {
    **ROLES,
    "added_tokens_decoder": {"19": {"content": "<x>", "lstrip": False, "special": True}},
    "extra_special_tokens": ["<y>"],
    "do_lower_case": True,
    "strip_accents": None,
    "tokenize_chinese_chars": True,
}
BESIDE = {
    "tokenizer_config.json": CONFIG,
    "special_tokens_map.json": ROLES,
    "added_tokens.json": {"<z>": 19, "<q>": 20},
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("file", BESIDE)
def test_a_field_of_a_wrong_type_beside_a_vocabulary(tmp_path, file, name):
    (tmp_path / "vocab.txt").write_text("[UNK]\na\n##b\n")
    for path in places(BESIDE[file]):
        (tmp_path / file).write_text(changed(BESIDE[file], path, VALUES[name]))
        assert_no_other_error(tmp_path)
    (tmp_path / file).write_text(json.dumps(VALUES[name]).replace("Infinity", "1e400"))
    assert_no_other_error(tmp_path)
