"""What the public functions refuse: what is no text, no id, no setting, by its place."""

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.tokenizer.test_tokenizer import BERT, BERT_TOKENS, ROBERTA
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer

NAN = float("nan")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("abc", r"texts: a str \('abc'\), a list of strings is needed"),
        (b"abc", r"texts: a bytes \(b'abc'\)"),
        (None, "texts: None, a list of strings"),
        (7, r"texts: an int \(7\)"),
        ([NAN], r"text 1 is a float \(nan\): strings are needed"),
        (["a", None], "text 2 is None: strings are needed"),
        (["a", b"b"], r"text 2 is a bytes \(b'b'\)"),
        (["a", ["b", "c"]], r"text 2 is a list \(\['b', 'c'\]\)"),
        ([("a", "b")], r"text 1 is a tuple"),
        (np.array(["a", None], object), "text 2 is None"),
        (["a", "b\ud800"], r"text 2 has a lone surrogate U\+D800 at character 1"),
    ],
)
def test_what_is_no_list_of_texts(texts, said):
    with pytest.raises(InputError, match=said):
        BERT.encode_batch(texts)


def test_pairs_are_looked_at_as_texts_are():
    with pytest.raises(InputError, match="pair 2 is None"):
        BERT.encode_batch(["a", "b"], ["a", None])
    with pytest.raises(InputError, match="pairs: a str"):
        BERT.encode_batch(["a"], "b")
    with pytest.raises(InputError, match="pair 2 has a lone surrogate"):
        BERT.encode_batch(["a", "b"], ["a", "\udfff"])
    with pytest.raises(ConfigError, match="1 texts and 2 pairs"):
        BERT.encode_batch(["a"], ["b", "c"])


@pytest.mark.parametrize("text", [None, 1, NAN, b"a", ["a"]])
def test_what_is_no_text(text):
    with pytest.raises(InputError, match=r"text: .*a string is needed"):
        BERT.encode(text)


def test_any_collection_of_texts_is_a_batch():
    wanted = [encoding.ids for encoding in BERT.encode_batch(["a", "b"])]
    for texts in ((t for t in "ab"), ("a", "b"), np.array(["a", "b"]), {"a": 1, "b": 2}):
        assert [encoding.ids for encoding in BERT.encode_batch(texts)] == wanted
    assert BERT.encode_batch([]) == [] == BERT.encode_batch([], [])


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([1, 999], "id 2 is 999, the vocabulary has the ids 0 to 21"),
        ([-100], "id 1 is -100"),
        ([1.0], r"id 1 is a float \(1.0\): whole numbers are needed"),
        (np.array([1.5]), "id 1 is a float"),
        ([None], "id 1 is None"),
        ([True], r"id 1 is a bool \(True\)"),
        ([[1, 2]], "id 1 is a list"),
        ("12", r"a str \('12'\), a list of ids is needed"),
        (5, r"an int \(5\), a list of ids"),
        (None, "None, a list of ids"),
        ([2**70], "id 1 is 1180591620717411303424"),
    ],
)
def test_what_are_no_ids(ids, said):
    with pytest.raises(InputError, match=said):
        BERT.decode(ids)
    with pytest.raises(InputError, match="list 2: " + said):
        BERT.decode_batch([[1], ids])


def test_ids_of_any_whole_type_are_decoded():
    for kind in (np.uint8, np.int32, np.uint16, np.int64):
        assert BERT.decode(np.array([10, 12], kind)) == "a b"
    assert BERT.decode(list(np.array([10, 12], np.int32))) == "a b" == BERT.decode(iter([10, 12]))


@pytest.mark.parametrize("length", [-1, NAN, 2.0, "5", True, [3]])
def test_what_is_no_length(length):
    with pytest.raises(ConfigError, match=r"max_length=.*a whole number from 0 on"):
        BERT.encode("a", max_length=length)
    with pytest.raises(ConfigError, match=r"stride=.*a whole number from 0 on"):
        BERT.encode("a", max_length=9, stride=length)
    if length is not True:
        with pytest.raises(ConfigError, match="padding="):
            BERT.encode("a", padding=length)


@pytest.mark.parametrize("column", [["a"], "a", None, np.array(["a"])])
def test_what_is_no_column(column):
    with pytest.raises(InputError, match="an Arrow column of strings is needed"):
        BERT.encode_arrow(column)


def test_a_million_threads_are_as_many_as_there_is_work(tmp_path):
    texts = pa.array(["the word a b"] * 1000)
    expected = BERT.encode_arrow(texts, threads=1)
    assert BERT.encode_arrow(texts, threads=1_000_000).equals(expected)
    (tmp_path / "a.txt").write_text("the word a b\n" * 1000)
    found = BERT.encode_files([tmp_path / "a.txt"], ReadConfig(), threads=1_000_000)
    assert found.to_pylist() == expected.to_pylist()
    for threads in (0, -1):
        with pytest.raises(ConfigError, match="allowed are 1 or more"):
            BERT.encode_arrow(texts, threads=threads)


BARE = Tokenizer(spec_from_bert_vocab(["a", "b", "##b"]))


@pytest.mark.parametrize("text", ["a zz", "b!", "é", "a" + "b" * 5000 + "c", "a " * 9 + "東"])
def test_an_unknown_word_without_an_unknown_token_is_named(text, tmp_path):
    (tmp_path / "a.txt").write_text(f"a b\n{text}\n", "utf-8")
    for work in (
        lambda: BARE.encode(text),
        lambda: BARE.encode("a", text),
        lambda: BARE.encode_batch(["a", text]),
        lambda: BARE.encode_arrow(pa.array(["a", None, text])),
        lambda: BARE.encode_arrow(pa.array(["a", text]), dtype="uint16"),
        lambda: BARE.encode_files([tmp_path / "a.txt"]),
    ):
        with pytest.raises(
            InputError, match=r"the word '.*'(...)? is not in the vocabulary, which has"
        ):
            work()
    assert BARE.encode("a b abb").ids == [0, 1, 0, 2, 2]


def test_an_id_that_no_token_has_leaves_no_path():
    spec = spec_from_bert_vocab(BERT_TOKENS)
    made = Tokenizer(spec)
    made.tokens = made.tokens[:10]  # what a contradiction in a file would come to
    with pytest.raises(InputError, match="gives the id 12; those of its tokens are 0 to 9"):
        made.encode_arrow(pa.array(["the b"]))
    assert ROBERTA.encode_arrow(pa.array([""])).to_pylist() == [[]]
