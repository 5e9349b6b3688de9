"""What the class that a bare vocabulary was written by says of it, beside what its files say."""

import json

import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.reading import read_tokenizer
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDPIECE = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<pad>", "<mask>"),
    *LETTERS,
    *(f"##{letter}" for letter in LETTERS),
    *("the", "World", "world", "caf\xe9", "cafe", "\u6771", "\u4eac", ".", ",", "!", "'", "-"),
]
MERGES = ["t h", "th e", "\u0120 the", "h e", "\u0120 he", "l l", "he ll", "o r"]
BYTES = [
    *("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>"),
    *(BYTE_TO_CHAR[byte] for byte in range(256)),
    *(merge.replace(" ", "") for merge in MERGES),
]
TEXTS = (
    *("hello World", "the Caf\xe9", "the [MASK] x", "a<mask>b <mask> c", "\u6771\u4eac the", ""),
    *("[CLS] a [SEP]", "<s> a </s>", "don't stop!", "  two   spaces ", "a-b, c.", "newtok a"),
    *("U\u0308ni", "tab\there", "THE", "zz\u200bz", "<pad>x", "x [UNK]", "\U0001f600", "cafe"),
)
MASK = {"content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False}
NEW = {"content": "newtok", "lstrip": False, "rstrip": False, "normalized": True, "special": False}
CONFIG, MODEL, ROLES = "tokenizer_config.json", "config.json", "special_tokens_map.json"


def _of(stem, config=None, **files):
    named = {"tokenizer_class": f"{stem}Tokenizer", **(config or {})}
    return {CONFIG: named, **{f"{name}.json": content for name, content in files.items()}}


_BERT_SETTINGS = {
    "as it is": {},
    "cased": {"do_lower_case": False},
    "accents kept": {"strip_accents": False},
    "accents gone, cased": {"strip_accents": True, "do_lower_case": False},
    "no Chinese": {"tokenize_chinese_chars": False},
    "words never split": {"never_split": ["don't"]},
    "a length": {"model_max_length": 4, "padding_side": "left", "truncation_side": "left"},
    "other names": {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"},
    "a name that is nowhere": {"cls_token": "[NEW]"},
    "no padding": {"pad_token": None},
    "extra tokens": {"additional_special_tokens": ["newtok"]},
    "a decoder": {"added_tokens_decoder": {str(len(WORDPIECE)): NEW}},
}
WORDPIECES = {
    **{f"BERT, {name}": _of("Bert", config) for name, config in _BERT_SETTINGS.items()},
    "BERT, fast": {CONFIG: {"tokenizer_class": "BertTokenizerFast"}},
    "BERT, added tokens": _of("Bert", added_tokens={"newtok": len(WORDPIECE)}),
    "BERT, a map": _of("Bert", special_tokens_map={"cls_token": "<s>", "mask_token": MASK}),
    "BERT by the model": {MODEL: {"model_type": "bert"}},
    "BERT by the model, cased": {MODEL: {"model_type": "bert"}, CONFIG: {"do_lower_case": False}},
    "BERT by the model's class": {
        MODEL: {"model_type": "bert", "tokenizer_class": "BertTokenizer"}
    },
    "ELECTRA": _of("Electra"),
    "DistilBERT": _of("DistilBert", {"do_lower_case": False}),
    "ELECTRA by the model": {MODEL: {"model_type": "electra"}, CONFIG: {}},
    "MPNet": _of("MPNet"),
    "MPNet, cased": _of("MPNet", {"do_lower_case": False, "mask_token": "<mask>"}),
    "MPNet, a map": _of("MPNet", special_tokens_map={"cls_token": "<s>", "mask_token": MASK}),
    "MPNet by the model": {MODEL: {"model_type": "mpnet"}},
}
BYTE_LEVEL = {
    "RoBERTa": _of("Roberta"),
    "RoBERTa, a space before": _of("Roberta", {"add_prefix_space": True, "trim_offsets": False}),
    "RoBERTa, a mask as a string": _of("Roberta", {"mask_token": "<mask>"}),
    "RoBERTa, a map": _of("Roberta", special_tokens_map={"mask_token": MASK}),
    "RoBERTa, other names": _of("Roberta", {"cls_token": "<pad>", "sep_token": "<unk>"}),
    "RoBERTa, a name that is nowhere": _of("Roberta", {"sep_token": "[NEW]"}),
    "RoBERTa, added tokens": _of("Roberta", added_tokens={"newtok": len(BYTES)}),
    "RoBERTa, extra tokens": _of("Roberta", {"extra_special_tokens": ["newtok"]}),
    "RoBERTa by the model": {MODEL: {"model_type": "roberta"}},
    "BART": {CONFIG: {"tokenizer_class": "BartTokenizer"}},
    "GPT-2": _of("GPT2"),
    "GPT-2 by the model": {MODEL: {"model_type": "gpt2"}, CONFIG: {}},
}
FOLDERS = {
    **{f"{name}, vocab.txt": ("vocab.txt", files) for name, files in WORDPIECES.items()},
    **{f"{name}, vocab.json": ("vocab.json", files) for name, files in BYTE_LEVEL.items()},
}


def folder(path, vocabulary, files):
    if vocabulary == "vocab.txt":
        (path / vocabulary).write_text("\n".join(WORDPIECE) + "\n", "utf-8")
    else:
        (path / vocabulary).write_text(json.dumps({token: i for i, token in enumerate(BYTES)}))
        (path / "merges.txt").write_text("\n".join(["#version: 0.2", *MERGES]) + "\n", "utf-8")
    for name, content in files.items():
        (path / name).write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("name", FOLDERS)
def test_what_its_class_says_lasts_when_it_is_written_again(tmp_path, name):
    tokenizer = Tokenizer.load(folder(tmp_path, *FOLDERS[name]))
    tokenizer.save(tmp_path / "again")
    again = Tokenizer.load(tmp_path / "again")
    for text in TEXTS:
        assert again.encode(text, "a b").ids == tokenizer.encode(text, "a b").ids
        assert again.encode(text, "a b").type_ids == tokenizer.encode(text, "a b").type_ids


@pytest.mark.parametrize(
    ("name", "text", "tokens", "types"),
    [
        ("BERT, as it is, vocab.txt", "the Caf\xe9", "[CLS] the cafe [SEP] a [SEP]", "000011"),
        ("BERT, cased, vocab.txt", "the World", "[CLS] the World [SEP] a [SEP]", "000011"),
        ("MPNet, vocab.txt", "the World", "<s> the world </s> </s> a </s>", "0000000"),
        ("RoBERTa, vocab.json", "the", "<s> the </s> </s> a </s>", "000000"),
        ("GPT-2, vocab.json", "the", "the a", "01"),
    ],
)
def test_pairs_of_each_kind_are_put_together_its_way(tmp_path, name, text, tokens, types):
    found = Tokenizer.load(folder(tmp_path, *FOLDERS[name])).encode(text, "a")
    assert (" ".join(found.tokens), "".join(map(str, found.type_ids))) == (tokens, types)


@pytest.mark.parametrize(
    ("name", "takes_space"),
    [
        ("MPNet, vocab.txt", True),
        ("RoBERTa, vocab.json", False),
        ("RoBERTa, a mask as a string, vocab.json", False),
        ("RoBERTa, a map, vocab.json", True),
    ],
)
def test_whether_a_mask_takes_the_space_before_it_is_the_class_to_say(tmp_path, name, takes_space):
    spec = Tokenizer.load(folder(tmp_path, *FOLDERS[name])).spec
    assert [t.lstrip for t in spec.added_tokens if t.content == "<mask>"] == [takes_space]


OTHERS = (
    *("BertJapanese", "Funnel", "Splinter", "Tapas", "Canine", "RoFormer", "Bertweet", "Phobert"),
    *("Herbert", "XLM", "XLMRoberta", "Camembert", "Albert", "Deberta", "CLIP", "Whisper", "Qwen2"),
    *("Blenderbot", "NoSuch"),
)


@pytest.mark.parametrize("vocabulary", ["vocab.txt", "vocab.json"])
@pytest.mark.parametrize("file", [CONFIG, MODEL])
@pytest.mark.parametrize("stem", OTHERS)
def test_a_class_of_another_kind_is_named_and_refused(tmp_path, stem, file, vocabulary):
    folder(tmp_path, vocabulary, {file: {"tokenizer_class": f"{stem}Tokenizer"}})
    with pytest.raises(InputError, match=f"tokenizer_class: '{stem}Tokenizer'") as caught:
        Tokenizer.load(tmp_path)
    way = "in Python" if stem in ("BertJapanese", "Phobert", "XLM", "Canine") else "tokenizer.json"
    assert file in caught.value.problem and way in caught.value.hint


@pytest.mark.parametrize(
    ("vocabulary", "files", "problem"),
    [
        ("vocab.json", _of("Bert"), "'BertTokenizer' goes with a vocab.txt"),
        ("vocab.txt", _of("Roberta"), "'RobertaTokenizer' goes with a vocab.json"),
        ("vocab.txt", {MODEL: {"model_type": "roberta"}}, "'roberta' goes with a vocab.json"),
        ("vocab.txt", {MODEL: {"model_type": "xlm-roberta"}}, "model_type: 'xlm-roberta'"),
        ("vocab.json", {MODEL: {"model_type": "camembert"}}, "model_type: 'camembert'"),
        ("vocab.txt", {CONFIG: {"word_tokenizer_type": "mecab"}}, "'mecab' splits texts"),
        ("vocab.txt", {CONFIG: {"subword_tokenizer_type": "character"}}, "'character' splits"),
        ("vocab.txt", {CONFIG: {"tokenizer_class": 3}}, "tokenizer_class: the number 3"),
        ("vocab.txt", _of("Bert", {"split_special_tokens": True}), "split_special_tokens: true"),
        ("vocab.json", _of("GPT2", {"add_bos_token": True}), "add_bos_token: true"),
    ],
)
def test_what_a_bare_vocabulary_cannot_say_is_refused(tmp_path, vocabulary, files, problem):
    with pytest.raises(InputError) as caught:
        Tokenizer.load(folder(tmp_path, vocabulary, files))
    assert problem in caught.value.problem


@pytest.mark.parametrize("other", ["spiece.model", "sentencepiece.bpe.model", "bpe.codes"])
@pytest.mark.parametrize("vocabulary", ["vocab.txt", "vocab.json", None])
def test_a_file_that_goes_with_a_vocabulary_of_another_kind_is_named(tmp_path, vocabulary, other):
    if vocabulary:
        folder(tmp_path, vocabulary, {})
    (tmp_path / other).write_bytes(b"\x0a\x0e")
    with pytest.raises(InputError, match=other) as caught:
        Tokenizer.load(tmp_path)
    assert "save_pretrained" in caught.value.hint
    if vocabulary:
        folder(tmp_path, vocabulary, _of("Bert" if vocabulary == "vocab.txt" else "Roberta"))
        assert Tokenizer.load(tmp_path).encode("the").tokens[1] == "the"


def test_words_with_ids_and_no_merges_are_no_byte_level_vocabulary(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps({"the": 0, "cat": 1, "|": 2}))
    with pytest.raises(InputError, match=r"no merges\.txt beside it") as caught:
        Tokenizer.load(tmp_path)
    assert "save_pretrained" in caught.value.hint


def test_a_class_that_runs_whatever_there_is_leaves_it_to_the_tokens(tmp_path):
    named = {CONFIG: {"tokenizer_class": "PreTrainedTokenizerFast"}, MODEL: {"model_type": "t5"}}
    found = Tokenizer.load(folder(tmp_path, "vocab.txt", named)).encode("the caf\xe9")
    assert found.tokens == ["[CLS]", "the", "caf\xe9", "[SEP]"]


@pytest.mark.parametrize(("by", "said"), [("bert", "bert"), ("BertTokenizer", "BertTokenizer")])
def test_that_capitals_of_the_vocabulary_are_lowered_is_said(tmp_path, by, said):
    files = {MODEL: {"model_type": by}} if by == "bert" else {CONFIG: {"tokenizer_class": by}}
    path = folder(tmp_path, "vocab.txt", files)
    (path / "vocab.txt").write_text("[UNK]\nCar\nParis\nx\n")
    (finding,) = read_tokenizer(path).findings
    assert f"its tokens have capitals; {said} lowers letters" in finding.problem
