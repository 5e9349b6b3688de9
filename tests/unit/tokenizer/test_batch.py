import copy
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parity.cases_tokenizer import specs
from tests.unit.tokenizer.judge import assert_equal, library_of
from tests.unit.tokenizer.test_tokenizer import BERT, ROBERTA, SPECIAL, TEXT, roberta
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer import native
from tokpipe.tokenizer.spec import Template, Truncation
from tokpipe.tokenizer.tokenizer import Tokenizer

TEXTS = st.lists(TEXT | SPECIAL, min_size=4, max_size=12)
LEFT = roberta(truncation=Truncation(4, direction="left"))


@pytest.mark.parametrize("tokenizer", [BERT, ROBERTA, LEFT], ids=["bert", "roberta", "left"])
@given(texts=TEXTS, special=st.booleans())
def test_a_batch_is_encoded_as_the_library_does(tokenizer, texts, special):
    theirs = library_of(tokenizer).encode_batch(texts, add_special_tokens=special)
    ours = tokenizer.encode_batch(texts, add_special_tokens=special)
    for one, other in zip(ours, theirs, strict=True):
        assert_equal(one, replace_overflow(other, tokenizer))


def replace_overflow(theirs, tokenizer):
    """The library keeps what it cuts off even without a stride; ours does where one is asked."""
    return Cut(theirs) if tokenizer.spec.truncation else theirs


class Cut:
    def __init__(self, theirs):
        self._theirs, self.overflowing = theirs, []

    def __getattr__(self, name):
        return getattr(self._theirs, name)


@given(texts=TEXTS, length=st.integers(2, 9), stride=st.none() | st.just(1))
@pytest.mark.parametrize("tokenizer", [BERT, ROBERTA, LEFT], ids=["bert", "roberta", "left"])
def test_a_batch_is_encoded_as_its_texts_are(tokenizer, texts, length, stride):
    if stride is not None and length < 4:
        return
    how = {"max_length": length, "stride": stride}
    for one, text in zip(tokenizer.encode_batch(texts, **how), texts, strict=True):
        assert_equal(one, tokenizer.encode(text, **how))


@given(spec=specs(), texts=st.lists(st.text("abcå日AB .,'\n", max_size=99), min_size=4, max_size=8))
def test_any_small_vocabulary_encodes_batches_as_texts(spec, texts):
    tokenizer = Tokenizer(spec)
    for one, text in zip(tokenizer.encode_batch(texts), texts, strict=True):
        assert_equal(one, tokenizer.encode(text))


def test_chunks_of_texts_and_texts_beyond_a_chunk(monkeypatch):
    monkeypatch.setattr(native, "_CHUNK_BYTES", 20)
    texts = ["unseen words", "", "a [MASK] b", "the cafés, " * 9, "[SEP]", "ab " * 9, "東 京 a"]
    for tokenizer in (BERT, ROBERTA):
        for one, text in zip(tokenizer.encode_batch(texts), texts, strict=True):
            assert_equal(one, tokenizer.encode(text))


def test_encodings_of_a_batch_are_values():
    one, other = (BERT.encode_batch(["unseen words"] * 4)[i] for i in (1, 3))
    assert one == other == BERT.encode("unseen words")
    assert len(BERT.encode_batch(["unseen words"] * 4)[0]) == 6
    for made in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert made == one
    fresh = BERT.encode_batch(["a b"] * 4)[2]
    assert repr(pickle.loads(pickle.dumps(fresh))) == repr(BERT.encode("a b"))
    one.ids.append(7)
    assert other.ids == BERT.encode("unseen words").ids
    with pytest.raises(AttributeError, match="no 'idz'"):
        _ = one.idz


def test_what_a_batch_refuses_is_what_a_text_refuses():
    with pytest.raises(InputError, match="lone surrogate U\\+D800 at character 1"):
        BERT.encode_batch(["a", "b", "c", "d\ud800"])
    with pytest.raises(ConfigError, match="cannot hold the 2 special tokens"):
        BERT.encode_batch(["a"] * 5, max_length=1)
    with pytest.raises(ConfigError, match="only_second needs a second text"):
        BERT.encode_batch(["a b a b"] * 5, max_length=3, truncation="only_second")


def test_a_template_without_the_text_leaves_nothing_of_it():
    bare = Tokenizer(replace(BERT.spec, template=Template(single=())))
    assert [len(one) for one in bare.encode_batch(["a"] * 4)] == [0] * 4
