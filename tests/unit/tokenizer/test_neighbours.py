"""What stands beside a vocabulary: the ids that come out are those of transformers 5.24."""

import json

import pytest

from tests.unit.inspection.folders import wordpiece
from tokpipe.foundation.errors import InputError
from tokpipe.inspection.check.folder import check_tokenizer
from tokpipe.shards.vocabulary import load_vocabulary
from tokpipe.tokenizer.reading import read_tokenizer
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.words.config import BERT_UNCASED

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "car", "##dio", "x"]
MASK = {"content": "[MASK]", "lstrip": True, "normalized": False, "special": True}
CARDIO = {"content": "cardio", "lstrip": False, "normalized": True, "special": False}
CONFIG, ROLES, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
TEXTS = ("cardio x", "Cardio X [MASK] x  [MASK]", "<a> x <b>")
PLAIN = ([2, 5, 6, 7, 3], [2, 5, 6, 7, 4, 7, 4, 3], [2, 1, 1, 1, 7, 1, 1, 1, 3])
WITH_CARDIO = ([2, 8, 7, 3], [2, 8, 7, 4, 7, 4, 3], PLAIN[2])
WITH_B_A = (*PLAIN[:2], [2, 9, 7, 8, 3])
WITH_B = (*PLAIN[:2], [2, 1, 1, 1, 7, 8, 3])
CASES = {
    "nothing": ({}, PLAIN),
    "an added token": ({ADDED: {"cardio": 8}}, WITH_CARDIO),
    "an added token in capitals": ({ADDED: {"Cardio": 8}}, WITH_CARDIO),
    "a decoder's token": ({CONFIG: {"added_tokens_decoder": {"8": CARDIO}}}, WITH_CARDIO),
    "a decoder before the added tokens": (
        {ADDED: {"<a>": 8}, CONFIG: {"added_tokens_decoder": {"8": CARDIO}}},
        WITH_CARDIO,
    ),
    "a mask as an object": ({CONFIG: {"mask_token": MASK}}, PLAIN),
    "a mask as an object in the map": ({ROLES: {"mask_token": MASK}}, PLAIN),
    "a mask as a decoder's token": ({CONFIG: {"added_tokens_decoder": {"4": MASK}}}, PLAIN),
    "a role that is nowhere": ({CONFIG: {"bos_token": "<b>", "model_max_length": 3}}, WITH_B),
    "extra tokens": ({CONFIG: {"extra_special_tokens": ["<b>", "<a>"]}}, WITH_B_A),
    "extra tokens by name": ({CONFIG: {"extra_special_tokens": {"foo_token": "<b>"}}}, WITH_B),
    "additional tokens": ({CONFIG: {"additional_special_tokens": ["<b>", "<a>"]}}, WITH_B_A),
    "additional tokens in the map": (
        {ROLES: {"additional_special_tokens": ["<b>", "<a>"]}},
        WITH_B_A,
    ),
    "an extra token with its id": (
        {ADDED: {"<b>": 8}, ROLES: {"extra_special_tokens": ["<b>"]}},
        WITH_B,
    ),
    "words as they are": ({CONFIG: {"do_basic_tokenize": False}}, PLAIN),
}


def folder(tmp_path, main, files):
    if main == "vocab.txt":
        (tmp_path / main).write_text("\n".join(TOKENS) + "\n")
    else:
        (tmp_path / main).write_text(json.dumps(wordpiece(TOKENS)))
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path


@pytest.mark.parametrize("main", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize("name", CASES)
def test_neighbours_change_ids_as_in_transformers(tmp_path, main, name):
    files, expected = CASES[name]
    tokenizer = Tokenizer.load(folder(tmp_path, main, files))
    assert tuple(tokenizer.encode(text).ids for text in TEXTS) == expected
    tokenizer.save(tmp_path / "again")
    again = Tokenizer.load(tmp_path / "again")
    assert tuple(again.encode(text).ids for text in TEXTS) == expected
    assert again.spec.added_tokens == tuple(sorted(tokenizer.spec.added_tokens, key=lambda t: t.id))


def test_the_vocabulary_alone_has_the_same_neighbours_as_its_folder(tmp_path):
    folder(tmp_path, "vocab.txt", {ADDED: {"cardio": 8}})
    assert Tokenizer.load(tmp_path / "vocab.txt").encode("cardio x").ids == [2, 8, 7, 3]


@pytest.mark.parametrize(
    ("config", "text", "ids"),
    [
        ({"do_lower_case": False}, "Car x", [2, 1, 7, 3]),
        ({"do_lower_case": True}, "Cár x", [2, 5, 7, 3]),
        ({"do_lower_case": True, "strip_accents": False}, "Cár x", [2, 1, 7, 3]),
        ({"tokenize_chinese_chars": False}, "x東", [2, 1, 3]),
        ({"tokenize_chinese_chars": True}, "x東", [2, 7, 1, 3]),
        ({"unk_token": "x"}, "car 東", [2, 5, 7, 3]),
        ({"cls_token": "car", "sep_token": "x"}, "", [5, 7]),
    ],
)
def test_a_configuration_says_what_a_bare_vocabulary_does_not(tmp_path, config, text, ids):
    assert Tokenizer.load(folder(tmp_path, "vocab.txt", {CONFIG: config})).encode(text).ids == ids


def test_a_prefix_space_beside_a_byte_level_vocabulary(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "Ġ": 1, "Ġa": 2}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nĠ a\n")
    assert Tokenizer.load(tmp_path).encode("a a").ids == [0, 2]
    (tmp_path / CONFIG).write_text('{"add_prefix_space": true}')
    assert Tokenizer.load(tmp_path).encode("a a").ids == [2, 2]


@pytest.mark.parametrize("main", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({ADDED: {"x": 12}}, "'x' has the id 12, in the vocabulary it has 7"),
        ({ADDED: {"new": 7}}, "'new' has the id 7, which is that of 'x'"),
        ({ADDED: {"new": -1}}, "allowed are 0 to"),
        ({ADDED: {"new": True}}, "a whole number is needed"),
        ({ADDED: ["new"]}, "a list, an object is needed"),
        ({CONFIG: {"added_tokens_decoder": {"a": MASK}}}, "the key 'a' is no id"),
        ({CONFIG: {"added_tokens_decoder": {"3": MASK}}}, "'[MASK]' has the id 3"),
        ({CONFIG: {"mask_token": 3}}, "a string is needed"),
        ({CONFIG: {"extra_special_tokens": 3}}, "a list is needed"),
        ({ROLES: {"mask_token": {"content": None}}}, "a string is needed"),
    ],
)
def test_what_contradicts_the_vocabulary_or_is_no_token_is_refused(tmp_path, main, files, problem):
    path = folder(tmp_path, main, files)
    with pytest.raises(InputError) as error:
        Tokenizer.load(path)
    assert problem in error.value.problem and next(iter(files)) in error.value.problem
    errors = [found for found in check_tokenizer(path)[1] if found.level == "error"]
    assert any(problem in found.problem for found in errors)


BARE = {
    "word counts": ("vocab.txt", "the\t123\nof\t33\n", "words and counts"),
    "word counts with spaces": ("vocab.txt", "the 123\nof 33\n", "words and counts"),
    "words and counts of a table": ("vocab.txt", "the,123\nof,33\n", "words and counts"),
    "counts and words": ("vocab.txt", "123\tthe\n33\tof\n", "words and counts"),
    "counts and words of uniq": ("vocab.txt", "    123 the\n     33 of\n", "words and counts"),
    "pieces and scores": ("vocab.txt", "<s>\t0\n▁the\t-3.2\n▁a\t-4\n", "sentencepiece"),
    "pieces": ("vocab.txt", "<s>\n▁the\n▁a\n", "sentencepiece"),
    "byte-level tokens": ("vocab.txt", "<s>\nĠthe\nĠa\n", "byte-level BPE"),
    "ends of words": ("vocab.txt", "the</w>\na</w>\n", "ends of words"),
    "merges": ("vocab.txt", "#version: 0.2\na b\n", "merges, not tokens"),
    "a text": ("vocab.txt", "The ferry left.\nNobody saw it.\n", "text"),
    "CLIP's tokens": ("vocab.json", '{"a</w>": 0, "b": 1, "ba</w>": 2}', "ends of words"),
    "pieces with ids": ("vocab.json", '{"▁a": 0, "b": 1}', "sentencepiece"),
    "WordPiece's tokens": ("vocab.json", '{"##a": 0, "b": 1}', "WordPiece"),
    "a sentencepiece model": ("spm.model", "\x0a\x0e", "a sentencepiece model"),
    "sentencepiece's list": ("spm.vocab", "<s>\t0\n", "pieces and scores"),
    "a tiktoken vocabulary": ("cl100k.tiktoken", "IQ== 0\n", "a tiktoken vocabulary"),
}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", BARE)
def test_a_bare_file_of_another_family_is_refused_as_what_it_is(tmp_path, name, whole):
    file, text, what = BARE[name]
    (tmp_path / file).write_text(text)
    (tmp_path / "merges.txt").write_text("b a</w>\n")
    with pytest.raises(InputError, match=what) as error:
        Tokenizer.load(tmp_path if whole else tmp_path / file)
    assert error.value.hint


@pytest.mark.parametrize("name", ["words.tsv", "words.csv"])
def test_a_table_is_no_tokenizer(tmp_path, name):
    (tmp_path / name).write_text("the\t3\n")
    with pytest.raises(InputError, match=f"{name}: a table, not a tokenizer"):
        Tokenizer.load(tmp_path / name)


def test_a_name_of_the_hub_says_how_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("bert-base-uncased", "google/bert_uncased"):
        with pytest.raises(InputError, match="no such file") as error:
            Tokenizer.load(name)
        assert f"Write hub:{name}, which fetches it" in error.value.hint
    with pytest.raises(InputError) as error:
        Tokenizer.load("vocab.txt")
    assert not error.value.hint


def test_shards_of_a_tokenizer_of_another_kind_keep_the_tokens_that_were_added(tmp_path):
    content = wordpiece(TOKENS)
    content["model"]["type"] = "WordLevel"
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert load_vocabulary(tmp_path).document == (tmp_path / "tokenizer.json").read_bytes()
    (tmp_path / ADDED).write_text('{"cardio": 8}')
    document = json.loads(load_vocabulary(tmp_path).document)
    assert [t["content"] for t in document["added_tokens"]] == [*TOKENS[:5], "cardio"]


@pytest.mark.parametrize(
    ("tokens", "config", "said"),
    [
        (["Car", "Paris", "x"], {}, "letters are kept as they are"),
        (["cár", "é", "x"], {}, "accents are kept"),
        (["car", "x"], {}, ""),
        (["Car", "Paris", "x"], {"do_lower_case": False}, ""),
        (["Car", "Paris", "x"], {"do_lower_case": True}, ""),
    ],
)
def test_what_the_tokens_alone_tell_of_letters_is_said(tmp_path, tokens, config, said):
    (tmp_path / "vocab.txt").write_text("\n".join(["[UNK]", *tokens]), "utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    problems = [found.problem for found in read_tokenizer(tmp_path).findings]
    assert (said in problems[0] and "do_lower_case" in problems[0]) if said else problems == []
    assert read_tokenizer(tmp_path, BERT_UNCASED).findings == []


OWN = ["<pad>", "[UNK]", "<begin>", "<end>", "[BLANK]", "car", "##dio", "x", "[MASK]"]
OWN_ROLES = {
    "pad_token": "<pad>",
    "cls_token": "<begin>",
    "sep_token": "<end>",
    "mask_token": "[BLANK]",
}
UNIGRAM = {"type": "Unigram", "unk_id": 1, "vocab": [[token, -1.0] for token in OWN]}


def own_document(model):
    """Return a tokenizer.json whose special tokens have names of their own."""
    specials = [0, 1, 2, 3, 4, 8]
    entry = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return wordpiece(OWN) | {
        "model": model or wordpiece(OWN)["model"],
        "added_tokens": [{"id": i, "content": OWN[i], "special": True, **entry} for i in specials],
        "post_processor": None,
    }


@pytest.mark.parametrize("model", [None, UNIGRAM], ids=["ours", "the library's"])
@pytest.mark.parametrize("file", [CONFIG, ROLES])
def test_a_role_goes_to_the_token_that_is_named_for_it(tmp_path, model, file):
    (tmp_path / "tokenizer.json").write_text(json.dumps(own_document(model)))
    (tmp_path / file).write_text(json.dumps(OWN_ROLES))
    tokenizer = Tokenizer.load(tmp_path)
    assert tokenizer.is_native == (model is None)
    assert tokenizer.roles == {**OWN_ROLES, "unk_token": "[UNK]"}
    assert Tokenizer.load(tmp_path / "tokenizer.json").roles["mask_token"] == "[MASK]"


def test_roles_are_written_as_they_were_read(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(own_document(None)))
    (tmp_path / CONFIG).write_text(json.dumps(OWN_ROLES))
    tokenizer = Tokenizer.load(tmp_path)
    tokenizer.save(tmp_path / "again")
    assert Tokenizer.load(tmp_path / "again").roles == tokenizer.roles
    written = json.loads((tmp_path / "again" / CONFIG).read_text())
    assert {role: written[role] for role in OWN_ROLES} == OWN_ROLES
    assert tokenizer.encode_batch(["x x", "x"], padding=True)[1].ids == [7, 0]


def test_a_role_of_a_token_that_is_nowhere_stays_unread_without_its_files(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(wordpiece(TOKENS)))
    (tmp_path / CONFIG).write_text(json.dumps({"mask_token": None, "sep_token": "[SEP]"}))
    assert Tokenizer.load(tmp_path).roles["mask_token"] == "[MASK]"


@pytest.mark.parametrize("main", ["vocab.txt", "tokenizer.json"])
def test_special_tokens_that_are_to_be_split_are_refused(tmp_path, main):
    path = folder(tmp_path, main, {CONFIG: {"split_special_tokens": True}})
    with pytest.raises(InputError, match="split_special_tokens: true is not followed here"):
        Tokenizer.load(path)
    folder(tmp_path, main, {CONFIG: {"split_special_tokens": False}})
    assert Tokenizer.load(path).encode("[MASK]").ids == [2, 4, 3]


@pytest.mark.parametrize("name", ["add_bos_token", "add_eos_token"])
def test_tokens_added_around_texts_count_beside_bare_vocabularies_alone(tmp_path, name):
    folder(tmp_path, "tokenizer.json", {CONFIG: {name: True}})
    assert Tokenizer.load(tmp_path).encode("x").ids == [2, 7, 3]
    (tmp_path / "tokenizer.json").unlink()
    folder(tmp_path, "vocab.txt", {})
    with pytest.raises(InputError, match=f"{name}: true is not followed here"):
        Tokenizer.load(tmp_path)
