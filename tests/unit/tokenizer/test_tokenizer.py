import copy
import multiprocessing
import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parity.cases_tokenizer import specs
from tests.unit.tokenizer.judge import assert_equal, library_of
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer import engine
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab, spec_from_bpe_files
from tokpipe.tokenizer.spec import AddedToken, Padding
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR
from tokpipe.words.config import BERT_UNCASED, GPT2

_SOME = "[PAD] [UNK] [CLS] [SEP] [MASK] un ##seen word ##s the a ##a b ##b , . ' don t café 東 京"
BERT_TOKENS = _SOME.split()
BERT = Tokenizer(spec_from_bert_vocab(BERT_TOKENS, BERT_UNCASED))


def roberta(**changes):
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *BYTE_TO_CHAR, "he", "Ġt", "Ġthe"]
    ids = {token: i for i, token in enumerate(tokens)}
    pairs = [("h", "e"), ("Ġ", "t"), ("Ġt", "he")]
    merges = np.array([(ids[a], ids[b], ids[a + b]) for a, b in pairs], np.int32)
    return Tokenizer(replace(spec_from_bpe_files(tokens, merges), **changes))


ROBERTA = roberta()
TEXT = st.text(st.sampled_from("abthe word.,'\n Ee\u0301éÅ東京😀<>[]\t"), max_size=40) | st.text(
    max_size=20
)
SPECIAL = st.lists(
    st.sampled_from(["[MASK]", "<mask>", " <mask>", "[SEP]", "the", " ", "a"]), max_size=8
).map("".join)


@pytest.mark.parametrize("tokenizer", [BERT, ROBERTA], ids=["bert", "roberta"])
@given(data=st.data())
def test_texts_and_pairs_are_encoded_as_the_library_does(tokenizer, data):
    theirs = library_of(tokenizer)
    text, pair = data.draw(TEXT | SPECIAL), data.draw(st.none() | TEXT | SPECIAL)
    for special in (True, False):
        ours = tokenizer.encode(text, pair, add_special_tokens=special)
        assert_equal(ours, theirs.encode(text, pair, add_special_tokens=special))
    ids = ours.ids
    assert tokenizer.decode(ids) == theirs.decode(ids)
    assert tokenizer.decode(ids, skip_special_tokens=False) == theirs.decode(
        ids, skip_special_tokens=False
    )


@given(spec=specs(), texts=st.lists(st.text("abcå日AB .,'\n", max_size=99), max_size=4))
def test_any_small_vocabulary_encodes_as_the_library_does(spec, texts):
    tokenizer = Tokenizer(spec)
    theirs = library_of(tokenizer)
    for text in texts:
        assert_equal(tokenizer.encode(text), theirs.encode(text))
    found = tokenizer.encode_arrow(pa.array(texts, pa.string()), threads=1)
    assert found.to_pylist() == [e.ids for e in theirs.encode_batch(texts)]


FLAGS = st.fixed_dictionaries(
    {name: st.booleans() for name in ("normalized", "single_word", "lstrip", "rstrip", "special")}
)


@given(
    contents=st.lists(st.text("ab A[é ", min_size=1, max_size=3), max_size=3, unique=True),
    flags=st.lists(FLAGS, min_size=3, max_size=3),
    texts=st.lists(st.text("ab A[é _\n\u3000", max_size=20), min_size=1, max_size=4),
)
def test_added_tokens_are_found_as_the_library_finds_them(contents, flags, texts):
    for plain in (BERT, ROBERTA):
        known = {token.content for token in plain.spec.added_tokens} | set(plain.tokens)
        new = [c for c in contents if c not in known]
        size = len(plain.tokens)
        added = [
            AddedToken(size + i, c, **f) for i, (c, f) in enumerate(zip(new, flags, strict=False))
        ]
        spec = replace(plain.spec, added_tokens=(*plain.spec.added_tokens, *added))
        tokenizer = Tokenizer(spec)
        theirs = library_of(tokenizer)
        for text in texts:
            assert_equal(tokenizer.encode(text), theirs.encode(text))
        found = tokenizer.encode_arrow(pa.array(texts, pa.large_string()))
        assert found.to_pylist() == [
            e.ids for e in theirs.encode_batch(texts, add_special_tokens=False)
        ]


@given(
    text=TEXT,
    pair=st.none() | TEXT,
    length=st.integers(0, 20),
    strategy=st.sampled_from(["longest_first", "only_first", "only_second"]),
    stride=st.integers(0, 3),
)
def test_truncation_is_the_librarys(text, pair, length, strategy, stride):
    theirs = library_of(BERT)
    added = 2 if pair is None else 3
    if length < added:  # the library subtracts past zero, and cuts nothing
        with pytest.raises(ConfigError, match="cannot hold"):
            BERT.encode(text, pair, max_length=length, truncation=strategy)
        return
    if stride >= max(1, length - added):
        return
    theirs.enable_truncation(length, stride=stride, strategy=strategy)
    try:
        expected = theirs.encode(text, pair)
    except BaseException as error:  # a panic is no Exception
        assert type(error).__name__ in ("Exception", "PanicException")
        with pytest.raises(ConfigError):
            BERT.encode(text, pair, max_length=length, truncation=strategy, stride=stride)
        return
    ours = BERT.encode(text, pair, max_length=length, truncation=strategy, stride=stride)
    assert_equal(ours, expected)


@given(texts=st.lists(TEXT, min_size=1, max_size=4), length=st.integers(1, 30))
def test_padding_is_the_librarys(texts, length):
    theirs = library_of(BERT)
    theirs.enable_padding()
    for ours, other in zip(
        BERT.encode_batch(texts, padding=True), theirs.encode_batch(texts), strict=True
    ):
        assert_equal(ours, other)
    theirs.enable_padding(length=length)
    for ours, other in zip(
        BERT.encode_batch(texts, padding=length), theirs.encode_batch(texts), strict=True
    ):
        assert_equal(ours, other)


def test_the_files_own_padding_and_truncation_apply():
    spec = replace(BERT.spec, padding=Padding(9, multiple_of=8, direction="left"))
    tokenizer = Tokenizer(spec)
    ours = tokenizer.encode("unseen words")
    assert_equal(ours, library_of(tokenizer).encode("unseen words"))
    assert len(ours) == 16 and ours.attention_mask[0] == 0
    assert len(tokenizer.encode("unseen words", padding=False)) == 6
    longer = tokenizer.encode("unseen words", padding=12)
    assert longer.attention_mask == [0] * 10 + [1] * 6  # the file's side and multiple


def test_padding_wants_a_length_and_a_token_to_pad_with():
    tokenizer = Tokenizer(spec_from_bert_vocab(["[UNK]", "[CLS]", "[SEP]", "a"]))
    with pytest.raises(ConfigError, match="no token to pad with"):
        tokenizer.encode_batch(["a"], padding=True)
    with pytest.raises(ConfigError, match="padding=-1: a length from 0 on"):
        BERT.encode("unseen", padding=-1)


def test_a_hand_made_example():
    encoding = BERT.encode("Unseen words, don't!")
    assert encoding.tokens[:5] == ["[CLS]", "un", "##seen", "word", "##s"]
    assert encoding.tokens[5:] == [",", "don", "'", "t", "[UNK]", "[SEP]"]
    assert encoding.offsets[1:5] == [(0, 2), (2, 6), (7, 11), (11, 12)]
    assert encoding.word_ids == [None, 0, 0, 1, 1, 2, 3, 4, 5, 6, None]
    assert BERT.decode(encoding.ids) == "unseen words, don ' t"


def test_byte_level_decode_replaces_half_characters():
    ids = ROBERTA.encode("å", add_special_tokens=False).ids
    assert len(ids) == 2
    assert ROBERTA.decode(ids[:1]) == "\ufffd" and ROBERTA.decode(ids) == "å"


def test_ids_do_not_depend_on_threads_blocks_or_cache(monkeypatch):
    texts = [f"the word {i} unseen, a b é" * (i % 7) for i in range(3000)]
    column = pa.array(texts)
    expected = ROBERTA.encode_arrow(column, threads=1)
    monkeypatch.setattr(engine, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(engine, "_MOST_SLOTS", 1 << 12)
    monkeypatch.setattr(engine, "_FIRST_CALL_BYTES", 50)
    small = roberta()
    assert small.encode_arrow(column, threads=3).equals(expected)
    assert small.encode_arrow(column, threads=1).equals(expected)


def test_fewer_threads_than_one_are_refused_for_short_texts_too():
    with pytest.raises(ConfigError, match="threads: -1; allowed are 1 or more"):
        ROBERTA.encode_arrow(pa.array(["a"]), threads=-1)


@pytest.mark.parametrize("size", [63, 64, 65, 4096, 4097, 70_000])
def test_long_words_are_merged_as_the_library_does(size):
    text = ("the" * size)[:size]
    theirs = library_of(ROBERTA)
    assert ROBERTA.encode(text).ids == theirs.encode(text).ids
    found = ROBERTA.encode_arrow(pa.array([text, "a", text]), add_special_tokens=True)
    assert found.to_pylist() == [e.ids for e in theirs.encode_batch([text, "a", text])]


def test_a_megabyte_without_a_space_is_no_trouble():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("the"), 1_000_000))
    assert ROBERTA.decode(ROBERTA.encode_arrow(pa.array([text]))[0].as_py()) == text
    assert BERT.encode(text).tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_columns_keep_their_shape():
    words = ["the", None, "", "a b"]
    found = BERT.encode_arrow(pa.array(words))
    assert found.type == pa.list_(pa.int32())
    assert found.to_pylist() == [[9], None, [], [10, 12]]
    assert BERT.encode_arrow(pa.array(words, pa.large_string())).type == pa.large_list(pa.int32())
    sliced = pa.array(["x", *words, "y"])[1:5]
    assert BERT.encode_arrow(sliced).to_pylist() == found.to_pylist()
    chunked = pa.chunked_array([words, ["b"]], pa.string())
    assert BERT.encode_arrow(chunked, dtype="uint16").to_pylist() == [*found.to_pylist(), [12]]
    assert BERT.encode_arrow(pa.array(["a"]), add_special_tokens=True).to_pylist() == [[2, 10, 3]]
    assert BERT.encode_arrow(pa.array([], pa.string())).to_pylist() == []
    assert BERT.encode_arrow(pa.array([b"a b"])).to_pylist() == [[10, 12]]


def test_a_column_is_read_where_it_stands():
    texts = [f"the word {i}" for i in range(5000)]
    column = pa.array(texts, pa.large_string())
    expected = [BERT.encode(text, add_special_tokens=False).ids for text in texts[-50:]]
    assert BERT.encode_arrow(column).to_pylist()[-50:] == expected
    assert BERT.encode_arrow(column[4990:]).to_pylist() == expected[-10:]


def test_what_cannot_be_encoded_is_refused():
    with pytest.raises(InputError, match=r"lone surrogate U\+D800 at character 1"):
        BERT.encode("a\ud800")
    with pytest.raises(ConfigError, match="a column of int64"):
        BERT.encode_arrow(pa.array([1, 2]))
    for kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        data = [pa.py_buffer(np.array([0, 3], "q" if "large" in str(kind) else "i"))]
        bad = pa.Array.from_buffers(kind, 1, [None, *data, pa.py_buffer(b"a\xf7\xbf")])
        with pytest.raises(InputError, match="what is no text"):
            BERT.encode_arrow(bad)
    with pytest.raises(ConfigError, match="dtype='int8'"):
        BERT.encode_arrow(pa.array(["a"]), dtype="int8")
    with pytest.raises(ConfigError, match="2 texts and 1 pairs"):
        BERT.encode_batch(["a", "b"], ["c"])
    with pytest.raises(ConfigError, match="cannot hold the 2 special tokens"):
        BERT.encode("a", max_length=1)


def test_ids_of_strings_come_in_order():
    texts = Strings.from_list(["a", "", "b a"])
    [(ids, offsets)] = BERT.encode_strings(texts)
    assert ids.tolist() == [10, 12, 10] and offsets.tolist() == [0, 1, 1, 3]


def test_prefix_space_is_for_the_start_and_for_what_follows_an_added_token():
    tokenizer = roberta(words=replace(GPT2, add_prefix_space=True))
    theirs = library_of(tokenizer)
    for text in ("the", " the", "<mask>the", "the<s>the <mask> a", ""):
        assert_equal(tokenizer.encode(text), theirs.encode(text))
    found = tokenizer.encode_arrow(pa.array(["the<s>the", "", "<s>", "a<mask>"]))
    assert found.to_pylist() == [
        e.ids
        for e in theirs.encode_batch(["the<s>the", "", "<s>", "a<mask>"], add_special_tokens=False)
    ]


@pytest.mark.parametrize("words", [GPT2, replace(GPT2, normalizer="nfc", add_prefix_space=True)])
def test_files_are_encoded_a_line_a_text_without_line_ends(tmp_path, words):
    tokenizer = roberta(words=words)
    lines = ["the a", "", " <mask>the \t", "e\u0301" * 3, "no end"] * 50
    (tmp_path / "a.txt").write_text("\n".join(lines), newline="")
    found = tokenizer.encode_files([tmp_path / "a.txt"], threads=2, add_special_tokens=True)
    assert found.to_pylist() == [tokenizer.encode(line).ids for line in lines]


@pytest.mark.parametrize("made", [BERT, ROBERTA], ids=["wordpiece", "byte-bpe"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_for_another_process_gives_the_same(made, copied):
    made.encode_batch(["un words", "the tab"])  # kernels, caches and locks are there
    again = copied(made)
    assert again.encode("the unseen words").ids == made.encode("the unseen words").ids
    assert again.tokens == made.tokens


def test_processes_share_a_tokenizer():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_count, [(BERT, "the unseen")]) == [len(BERT.encode("the unseen").ids)]


def _count(job):
    tokenizer, text = job
    return len(tokenizer.encode(text).ids)
