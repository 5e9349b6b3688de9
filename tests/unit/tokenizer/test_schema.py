import copy
import json
import lzma

import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.folder import open_file
from tokpipe.tokenizer.guarded_json import parse_json
from tokpipe.tokenizer.regex_safety import unsafe_reason
from tokpipe.tokenizer.spec import Spec

GOOD = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [{"id": 0, "content": "<unk>", "special": True}],
    "normalizer": None,
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": None,
    "decoder": None,
    "model": {
        "type": "BPE",
        "unk_token": "<unk>",
        "vocab": {"<unk>": 0, "a": 1, "b": 2, "ab": 3},
        "merges": [["a", "b"]],
    },
}


def load(tmp_path, change=None, text=None):
    document = copy.deepcopy(GOOD)
    if change:
        change(document)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document) if text is None else text)
    return open_file(path).opened()


def test_a_plain_file_passes(tmp_path):
    spec = load(tmp_path)
    assert isinstance(spec, Spec)
    assert spec.tokens == ["<unk>", "a", "b", "ab"] and spec.merges.tolist() == [[1, 2, 3]]


def doubling(depth):
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    return {"type": "Sequence", "normalizers": [step] * depth}


def nested(depth):
    part = {"type": "NFC"}
    for _ in range(depth):
        part = {"type": "Sequence", "normalizers": [part]}
    return part


def put(*keys, value):
    def change(document):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


def no_tokens(document):
    document["added_tokens"], document["model"] = [], {"type": "BPE", "vocab": {}, "merges": []}


A, B = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
CLS = {"cls": ["a", 1]}


def special(name):
    return {"SpecialToken": {"id": name, "type_id": 0}}


def template(single, pair, *ids):
    table = {"<unk>": {"id": "<unk>", "ids": list(ids), "tokens": ["<unk>"]}}
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": table}


def in_sequence(processor):
    return {"type": "Sequence", "processors": [processor]}


FIXED = {"direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0}
EXPONENTIAL = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}
HOSTILE = {
    "id beyond all use": (put("model", "vocab", "b", value=1 << 21), "from 0 to 2,097,151 are"),
    "double id": (put("model", "vocab", "b", value=1), "the id 1 belongs to 2 tokens: 'a', 'b'"),
    "negative id": (put("model", "vocab", "b", value=-1), "has the id -1"),
    "huge id": (put("model", "vocab", "b", value=10**300), "a number of 997 bits"),
    "id that is true": (put("model", "vocab", "b", value=True), "has the id True"),
    "no tokens": (no_tokens, "0 tokens"),
    "unresolved merge": (put("model", "merges", value=[["a", "z"]]), "'z' is not in the voc"),
    "merge without its result": (put("model", "merges", value=["b a"]), "'ba' is not in"),
    "merge of three": (put("model", "merges", value=["a b c"]), "two tokens are needed"),
    "merge of numbers": (put("model", "merges", value=[[1, 2]]), "two tokens are needed"),
    "merges that are text": (put("model", "merges", value="a b"), "a list is needed"),
    "dropout": (put("model", "dropout", value=0.1), "not be a matter of chance"),
    "unknown model": (put("model", "type", value="Quantum"), "'Quantum' is not one of"),
    "unknown key": (put("exec", value="rm"), "unknown key 'exec'"),
    "unknown normalizer": (put("normalizer", value={"type": "Evil"}), "'Evil' is not one of"),
    "nested sequences": (put("normalizer", value=nested(9)), "nested more than 4 deep"),
    "replacement blow-up": (put("normalizer", value=doubling(40)), "1.1e+12 times as long"),
    "exponential expression": (put("pre_tokenizer", value=EXPONENTIAL), "unbounded repeat"),
    "padding to 2^31": (
        put("padding", value={"strategy": {"Fixed": 2**31}, **FIXED}),
        "allowed are 0 to 1,048,576",
    ),
    "multiple of 2^31": (
        put("padding", value={"strategy": "BatchLongest", **FIXED, "pad_to_multiple_of": 2**31}),
        "allowed are 0 to 1,048,576",
    ),
    "padding with an id of no token": (
        put("padding", value={"strategy": {"Fixed": 9}, **FIXED, "pad_id": 4}),
        "padding.pad_id: 4, allowed are 0 to 3",
    ),
    "stride above length": (
        put("truncation", value={"max_length": 3, "stride": 3, "strategy": "LongestFirst"}),
        "stride 3 must be below max_length 3",
    ),
    "added token with another id in the vocabulary": (
        put("added_tokens", value=[{"id": 1_000_000, "content": "a"}]),
        "added_tokens[0]: 'a' has the id 1000000, in the vocabulary it has 1",
    ),
    "added token with the id of another": (
        put("added_tokens", value=[{"id": 2, "content": "new"}]),
        "added_tokens[0]: 'new' has the id 2, which is that of 'b'",
    ),
    "added token with two ids": (
        put("added_tokens", value=[{"id": 4, "content": "new"}, {"id": 5, "content": "new"}]),
        "'new' has the id 5, before it has 4",
    ),
    "lone surrogate": (put("added_tokens", 0, "content", value="\ud800"), "lone surrogate"),
    "template with an id of no token": (
        put("post_processor", value=template([special("<unk>"), A], [A, B], 4)),
        "the number 4, an id from 0 to 3 is needed",
    ),
    "template with more ids than tokens": (
        put("post_processor", value=template([special("<unk>"), A], [A, B], 0, 1)),
        "2 ids for 1 tokens",
    ),
    "template without the text": (
        put("post_processor", value=template([special("<unk>")], [A, B], 0)),
        "single: the sequences must be A, each once",
    ),
    "template with the text twice": (
        put("post_processor", value=template([A, A], [A, B], 0)),
        "single: the sequences must be A, each once",
    ),
    "template of a pair without its second": (
        put("post_processor", value=template([A], [A], 0)),
        "pair: the sequences must be A and B, each once",
    ),
    "special id in a sequence": (
        put(
            "post_processor", value=in_sequence({"type": "BertProcessing", **CLS, "sep": ["b", 9]})
        ),
        "sep[1]: the number 9, an id from 0 to 3 is needed",
    ),
    "special token without an id": (
        put("post_processor", value={"type": "RobertaProcessing", **CLS, "sep": ["b"]}),
        "a token and its id are needed",
    ),
    "template of unknown token": (
        put(
            "post_processor",
            value={
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "[X]", "type_id": 0}}],
                "pair": [],
                "special_tokens": {},
            },
        ),
        "an object is needed",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_place_and_reason(tmp_path, name):
    change, message = HOSTILE[name]
    with pytest.raises(InputError) as error:
        load(tmp_path, change)
    assert message in error.value.problem and "tokenizer.json" in error.value.problem
    assert error.value.exit_code == 3 and len(error.value.problem) < 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested 100,000 deep"),
        ('{"a":' * 50 + "1" + "}" * 50, "nested 50 deep"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('{"a": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"a": \n tru}', "tokenizer.json:2:2: not valid JSON"),
        ("", "tokenizer.json:1:1: not valid JSON"),
        ("[" + "1," * 1_500_001 + "1]", "1,500,001 JSON values"),
        ("[" + '"",' * 1_400_000 + '"", "x', "ends inside a string"),
        ("[" + "[]," * 700_000 + "1]", "700,001 JSON lists"),
        ("[1, 2]", "a list without a model"),
        ("[" + "[]," * 200_000 + "1]", "a list without a model"),  # hours, if looked at in pairs
        ('"model"', "a string without a model"),
        ('{"version": "1.0"}', "an object without a model"),
    ],
)
def test_hostile_json_is_refused_before_it_is_parsed(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        load(tmp_path, text=text)
    assert message in error.value.problem


def test_brackets_inside_strings_are_no_depth():
    assert parse_json(json.dumps(["[" * 1000, '"]' * 1000, "\\"]).encode(), "x")


def test_json_that_is_not_utf8_names_the_offset():
    with pytest.raises(InputError, match="byte at offset 3 is not UTF-8"):
        parse_json(b'{" \xe9": 1}', "x")


@pytest.mark.parametrize(
    "pattern",
    [
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+",
        r"\s{2,}",
        r"(?:\p{L}\p{M}*)+",
        r"\w+(?:-\w+)*",
        r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))",
        r"\d+\.\d+\.\d+\.\d+\.\d+\.\d+",
        r"(?:(?:a|b)c)*d",
        r"(?:https?://)?\w+(?:\.\w+)+",
        r"(?:x{2,3}y)+",
    ],
)
def test_expressions_in_use_are_allowed(pattern):
    assert unsafe_reason(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a|a)*b",
        "(?:a*)*",
        "((a{2,}))+",
        "(a|b|ab)+c",
        "(x+x+)+y",
        "(.*a){30,}",
        "(.*a){30}",
        r"\s*\s*\s*\s*\s*\s*b",
        r"(?:\w|\d)*!",
        r"(a?a?)*b",
        r"(a{1,3})+b",
        r"(?:\p{L}+\p{M}*)+",
        r"(?i:a|A)+b",
        r"(?=(a+)+b)",
        r"(\1a)+",
        r"((((((a{8}){8}){8}){8}){8}){8})*",
        "(" * 60 + "a" + ")*" * 60,
        "(?:" + "|".join(map(chr, range(0x4E00, 0x4E00 + 900))) + ")*",
    ],
)
def test_expressions_of_exponential_time_are_refused(pattern):
    assert unsafe_reason(pattern)


def test_a_compressed_file_is_no_json():
    with pytest.raises(InputError, match=r"x\.xz: not JSON: it begins with the byte 0xFD"):
        parse_json(lzma.compress(b"{}"), "x.xz")
