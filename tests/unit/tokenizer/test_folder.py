import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer

from tokpipe.foundation.errors import InputError, StorageError
from tokpipe.foundation.manifest import Manifest
from tokpipe.tokenizer.folder import folder_files, open_file, save_spec
from tokpipe.tokenizer.from_vocabulary import spec_from_vocabulary
from tokpipe.tokenizer.spec import ModelKind, Spec, Template
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR, Vocabulary
from tokpipe.words.config import BERT_CASED, GPT2, WordsConfig

FILES = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "README.md"}
PLAIN = WordsConfig(normalizer="nfc", lowercase=False, pre_tokenizer="whitespace")


def vocabulary(model, *tokens, steps=()):
    config = VocabConfig(model=model)
    all_tokens = (*config.specials, *tokens)
    return Vocabulary(config, all_tokens, np.array(steps, np.int32).reshape(-1, 3), 7)


def example(model):
    if model == "wordpiece":
        return spec_from_vocabulary(vocabulary(model, "a", "##b", "å"), BERT_CASED)
    if model == "byte-bpe":
        tokens = vocabulary(model, *BYTE_TO_CHAR, "Ġa", steps=[(37, 102, 261)])
        return spec_from_vocabulary(tokens, GPT2)
    return spec_from_vocabulary(vocabulary(model, "a", "b", "ab", steps=[(5, 6, 7)]), PLAIN)


@pytest.mark.parametrize("model", ["wordpiece", "bpe", "byte-bpe"])
def test_folder_reads_back_to_the_same_bytes(tmp_path, model):
    save_spec(example(model), tmp_path / "one")
    loaded = open_file(tmp_path / "one").opened()
    assert isinstance(loaded, Spec)
    save_spec(loaded, tmp_path / "two")
    names = {path.name for path in (tmp_path / "one").iterdir()}
    plain = {"vocab.txt"} if model == "wordpiece" else {"vocab.json", "merges.txt"}
    assert names == FILES | plain | {"tokpipe.json"}
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("model", ["wordpiece", "bpe", "byte-bpe"])
def test_tokenizers_library_saves_what_we_wrote(model):
    ours = folder_files(example(model))["tokenizer.json"].decode()
    theirs = Tokenizer.from_str(ours).to_str(pretty=True)
    assert json.loads(theirs) == json.loads(ours)
    assert list(json.loads(theirs)) == list(json.loads(ours))
    assert theirs.split() == ours.split()


def test_manifest_knows_every_file(tmp_path):
    save_spec(example("bpe"), tmp_path / "tok")
    manifest = Manifest.read(tmp_path / "tok", "tokenizer")
    manifest.check_files(tmp_path / "tok")
    text = (tmp_path / "tok" / "merges.txt").read_bytes()
    assert manifest.files["merges.txt"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert text == b"#version: 0.2\na b\n"


def test_byte_level_tokens_stay_readable_in_the_files():
    files = folder_files(example("byte-bpe"))
    assert '"Ġa"' in files["vocab.json"].decode() and "Ġ a" in files["merges.txt"].decode()


def test_folder_that_is_there_is_not_replaced_unless_forced(tmp_path):
    save_spec(example("bpe"), tmp_path / "tok")
    with pytest.raises(StorageError, match="exists"):
        save_spec(example("wordpiece"), tmp_path / "tok")
    save_spec(example("wordpiece"), tmp_path / "tok", force=True)
    assert not (tmp_path / "tok" / "merges.txt").exists()


def test_plain_files_that_cannot_say_a_token_are_left_out():
    spec = replace(example("wordpiece"), tokens=["[UNK]", "a\nb"], added_tokens=())
    assert "vocab.txt" not in folder_files(spec)
    merges = np.array([[1, 2, 3]], np.int32)
    words = replace(PLAIN, pre_tokenizer="none")
    spec = Spec(ModelKind.BPE, ["<unk>", "a", " ", "a "], merges, words)
    files = folder_files(spec)
    assert "merges.txt" not in files
    assert json.loads(files["tokenizer.json"])["model"]["merges"] == [["a", " "]]


def test_vocab_txt_is_cased_by_its_tokens_or_as_its_config_says(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("[UNK]\nthe\n##s\n")
    assert open_file(path).opened().words == WordsConfig(lowercase=True, strip_accents=True)
    path.write_text("[UNK]\nThe\n##s\n")
    assert open_file(path).opened().words == WordsConfig(lowercase=False, strip_accents=False)
    path.write_text("[UNK]\nzoé\nå\n")
    assert open_file(path).opened().words == WordsConfig(lowercase=True, strip_accents=False)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert open_file(path).opened().words == WordsConfig(lowercase=False, strip_accents=False)


def test_vocab_json_needs_merges(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 0, "model": 1}')
    with pytest.raises(InputError, match=r"no merges.txt beside it"):
        open_file(tmp_path).opened()
    (tmp_path / "merges.txt").write_text("#version: 0.2\na model\n")
    with pytest.raises(InputError, match=r"'amodel' is not in the vocabulary"):
        open_file(tmp_path).opened()


def test_empty_folder_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"no tokenizer.json, vocab.txt or vocab.json"):
        open_file(tmp_path).opened()


def test_a_folder_of_tokenizers_names_some_of_them(tmp_path):
    for name in ("8000", "4000", "notes"):
        (tmp_path / name).mkdir()
        if name != "notes":
            (tmp_path / name / "vocab.txt").write_text("[UNK]\n")
    with pytest.raises(InputError) as raised:
        open_file(tmp_path).opened()
    places = " or ".join(str(tmp_path / name) for name in ("4000", "8000"))
    assert raised.value.hint == f"Name one that is in it: {places}."


def test_real_vocabularies_load(shared_data):
    cased = open_file(shared_data / "vocab" / "bert-base-cased-vocab.txt").opened()
    gpt2 = open_file(shared_data / "vocab" / "gpt2-encoder.json").opened()
    mini = open_file(shared_data / "checkpoints" / "minilm-2l-8k").opened()
    assert not cased.words.lowercase and len(cased.tokens) == 28_996
    assert len(gpt2.merges) == 50_000 and gpt2.added_tokens[0].id == 50_256
    assert [token.content for token in mini.added_tokens][2] == "[CLS]"


@pytest.mark.parametrize(
    ("model", "segments", "listed"),
    [
        ("wordpiece", True, True),
        ("wordpiece", False, False),
        ("byte-bpe", True, False),  # RoBERTa's pairs have one type
        ("bpe", True, False),
    ],
)
def test_types_are_asked_for_where_pairs_have_them_and_the_model_knows_them(
    model, segments, listed
):
    config = folder_files(example(model), segments=segments)["tokenizer_config.json"]
    assert ("token_type_ids" in json.loads(config)["model_input_names"]) == listed


def test_a_tokenizer_that_puts_nothing_around_a_pair_asks_for_no_types():
    bare = replace(example("byte-bpe"), template=Template())
    config = json.loads(folder_files(bare)["tokenizer_config.json"])
    assert config["model_input_names"] == ["input_ids", "attention_mask"]
