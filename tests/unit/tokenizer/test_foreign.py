import json

import pyarrow as pa
import pytest
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from tests.unit.tokenizer.judge import FIELDS, assert_equal
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer.copies import files_for_model, tokenizer_files
from tokpipe.tokenizer.tokenizer import Tokenizer

SCORES = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("▁", -3.0), ("lo", -2.0), ("w", -2.5)]


@pytest.fixture
def unigram(tmp_path):
    library = tokenizers.Tokenizer(models.Unigram([*SCORES, ("▁low", -1.0), ("e", -4.0)], 0))
    library.normalizer = normalizers.NFKC()
    library.pre_tokenizer = pre_tokenizers.Metaspace()
    library.decoder = tokenizers.decoders.Metaspace()
    library.add_special_tokens(["<s>", "</s>"])
    library.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    path = tmp_path / "tokenizer.json"
    library.save(str(path))
    return Tokenizer.load(path), library


def test_a_unigram_model_runs_on_the_library_behind_our_interface(unigram):
    tokenizer, library = unigram
    assert not tokenizer.is_native and tokenizer.vocab_size == 8
    for text in ("low lower", "", "<s>löw", "e 😀"):
        assert_equal(tokenizer.encode(text), library.encode(text))
        assert_equal(tokenizer.encode(text, "we"), library.encode(text, "we"))
    assert tokenizer.decode([6, 5, 7]) == "lowwe"
    found = tokenizer.encode_arrow(pa.array(["low", "we"]), add_special_tokens=True)
    assert found.to_pylist() == [[1, 6, 2], library.encode("we").ids]


@pytest.mark.parametrize("kind", ["WordLevel", "WordPiece"])
def test_windows_of_a_pair_know_their_texts_where_nothing_is_put_around_them(tmp_path, kind):
    vocab = {"[UNK]": 0, "a": 1, "b": 2, "c": 3}
    document = {"pre_tokenizer": {"type": "Whitespace"}, "model": {"type": kind, "vocab": vocab}}
    document["model"]["unk_token"] = "[UNK]"
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    tokenizer = Tokenizer.load(tmp_path)
    assert tokenizer.is_native == (kind == "WordPiece")
    cut = {"max_length": 3, "truncation": "only_second", "stride": 0}
    first = tokenizer.encode("a", "b c b c", **cut)
    for encoding, words in ((first, [0, 0, 1]), (first.overflowing[0], [0, 2, 3])):
        assert encoding.ids == [1, 2, 3] and encoding.word_ids == words
        assert encoding.type_ids == encoding.sequence_ids == [0, 1, 1]


def template_of(single, pair):
    special = [("<s>", 1), ("</s>", 2)]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)


ENDS = template_of("$A </s>", "$A </s> $B </s>")  # as T5
AROUND = template_of("<s> $A </s>", "<s> $A </s> $B:1 </s>:1")  # as ALBERT
PROCESSORS = {
    "template at the end": ENDS,
    "template in a sequence": processors.Sequence([AROUND]),
    "template behind another processor": processors.Sequence(
        [processors.ByteLevel(trim_offsets=False), AROUND]
    ),
    "a template around another": processors.Sequence(
        [ENDS, processors.RobertaProcessing(("</s>", 2), ("<s>", 1))]
    ),
    "bert": processors.BertProcessing(("</s>", 2), ("<s>", 1)),
    "none": None,
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_columns_get_what_the_library_puts_around_each_text(unigram, tmp_path, name):
    library = unigram[1]
    if PROCESSORS[name]:
        library.post_processor = PROCESSORS[name]
    library.save(str(tmp_path / "t.json"))
    tokenizer, texts = Tokenizer.load(tmp_path / "t.json"), ["low lower", "", "<s>low", None, "we"]
    for special in (True, False):
        wanted = [t if t is None else library.encode(t, None, False, special).ids for t in texts]
        found = tokenizer.encode_arrow(pa.array(texts), add_special_tokens=special)
        assert found.to_pylist() == wanted


def test_a_template_is_learnt_from_any_token_that_a_text_can_give(tmp_path):
    library = tokenizers.Tokenizer(models.BPE({"<s>": 0, "東": 1}, []))
    library.pre_tokenizer = pre_tokenizers.Split("x", "removed")
    library.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
    )
    library.save(str(tmp_path / "t.json"))
    tokenizer = Tokenizer.load(tmp_path / "t.json")
    found = tokenizer.encode_arrow(pa.array(["東x東", "a"]), add_special_tokens=True)
    assert found.to_pylist() == [[0, 1, 1], [0]]


def test_truncation_of_a_foreign_tokenizer_is_the_librarys(unigram):
    tokenizer, library = unigram
    library.enable_truncation(7, stride=1)
    expected = library.encode("low lower low", "we we")
    ours = tokenizer.encode("low lower low", "we we", max_length=7, stride=1)
    assert [w.ids for w in ours.overflowing] == [w.ids for w in expected.overflowing]
    for field in FIELDS:
        assert getattr(ours, field) == getattr(expected, field)
    assert tokenizer.encode("low low", max_length=3).overflowing == []


def test_what_only_kernels_can_do_is_refused(unigram, tmp_path):
    tokenizer, _ = unigram
    with pytest.raises(ConfigError, match="has no kernels"):
        _ = tokenizer.engine
    with pytest.raises(ConfigError, match="not ours to write"):
        tokenizer.save(tmp_path / "out")
    with pytest.raises(ConfigError, match="not ours to write"):
        tokenizer_files(tokenizer, None)


def test_the_files_for_a_model_have_its_document_as_it_stands(unigram, tmp_path):
    tokenizer, _ = unigram
    files = files_for_model(tokenizer, tmp_path, 64)
    assert files["tokenizer.json"] == (tmp_path / "tokenizer.json").read_bytes()
    assert json.loads(files["tokenizer_config.json"])["model_max_length"] == 64
    assert json.loads(files["special_tokens_map.json"])["cls_token"] == "<s>"
    assert set(files) == {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]  # $B:1 of its pairs
    assert json.loads(files["tokenizer_config.json"])["model_input_names"] == inputs


def test_what_the_library_refuses_is_an_input_error(unigram, tmp_path):
    document = json.loads(unigram[1].to_str())
    document["decoder"] = {"type": "Strip", "content": "ab", "start": 0, "stop": 0}
    (tmp_path / "bad.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="the tokenizers library cannot read it"):
        Tokenizer.load(tmp_path / "bad.json")


def test_byte_fallback_and_regular_expressions_run_on_the_library(tmp_path):
    library = tokenizers.Tokenizer(
        models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")], byte_fallback=True)
    )
    library.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(r"\p{L}+"), "isolated")
    library.save(str(tmp_path / "t.json"))
    tokenizer = Tokenizer.load(tmp_path / "t.json")
    assert not tokenizer.is_native
    assert_equal(tokenizer.encode("ab, ba"), library.encode("ab, ba"))


def test_a_foreign_tokenizer_encodes_words_too(unigram):
    tokenizer, library = unigram
    words, pair = ["low", "", "lo we", "<s>"], ["we"]
    assert_equal(tokenizer.encode_words(words), library.encode(words, is_pretokenized=True))
    library.enable_truncation(7, stride=1)
    ours = tokenizer.encode_words([words], [pair], max_length=7, stride=1)[0]
    assert_equal(ours, library.encode(words, pair, is_pretokenized=True))
    ids, borders = tokenizer.encode_word_strings(Strings.from_list(words))
    assert len(borders) == 5 and len(ids) == borders[-1]
    with pytest.raises(InputError, match="the text, word 1, has a lone surrogate"):
        tokenizer.encode_words(["\ud800"])
