"""Plain texts, sentences and questions become the records of labelled data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tokenizer.test_tokenizer import BERT, ROBERTA
from tokpipe.foundation.errors import InputError
from tokpipe.tasks.inputs import questions_data, sentences_data, sentences_of, texts_data

SENTENCE = "  Don't un\u00adseen the 東京 café, b!\t"


def words_of(sentences):
    return [[text[a:b] for a, b in spans] for text, spans in sentences.given]


def test_texts_and_pairs_are_columns():
    one = texts_data(["a b", "", "é"])
    assert [list(column.iter_bytes()) for column in one.texts] == [[b"a b", b"", b"\xc3\xa9"]]
    assert one.lines.tolist() == [1, 2, 3] and one.labels.tolist() == [-1] * 3 and one.names == ()
    two = texts_data([("a", "b"), ["c", "d"]])
    assert [list(column.iter_bytes()) for column in two.texts] == [[b"a", b"c"], [b"b", b"d"]]
    assert len(texts_data([])) == 0 and len(texts_data("one")) == 1


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a", None], "text 2 is None"),
        (["a\ud800"], "lone surrogate"),
        ([("a", "b"), "c"], "text 2 is a str"),
        ([("a", "b"), ("c",)], "pair 2 has 1 texts"),
        ([("a", 3)], "pair 1 is an int"),
    ],
)
def test_what_is_no_text_is_refused(texts, said):
    with pytest.raises(InputError, match=said):
        texts_data(texts)


@pytest.mark.parametrize(
    ("tokenizer", "words"),
    [
        (BERT, ["Don", "'", "t", "un\u00adseen", "the", "東", "京", "café", ",", "b", "!"]),
        (ROBERTA, ["Don", "'t", "un", "\u00ad", "seen", "the", "東京", "café", ",", "b", "!"]),
    ],
    ids=["bert", "roberta"],
)
def test_the_words_of_a_text_are_those_of_its_tokenizer(tokenizer, words):
    found = sentences_data(tokenizer, [SENTENCE, "", " \t", "a"])
    assert words_of(found) == [words, [], [], ["a"]]
    assert found.data.borders.tolist() == [0, len(words), len(words) + 1]
    assert [word.decode() for word in found.data.words.iter_bytes()] == [*words, "a"]


def test_lists_of_words_are_joined_by_spaces():
    found = sentences_data(BERT, [["New", "York"], [], ["is 1"]])
    assert [sentence.text for sentence in found.given] == ["New York", "", "is 1"]
    assert words_of(found) == [["New", "York"], [], ["is 1"]]
    assert sentences_of(found.data) == [found.given[0], found.given[2]]


@pytest.mark.parametrize(
    ("sentences", "said"),
    [
        ([["a"], "b"], "sentence 2 is a str"),
        ([["a", " "]], "sentence 1: word 2 is empty"),
        ([["a", 1]], "sentence 1: word 2 is an int"),
        ([3], "sentence 1 is an int"),
    ],
)
def test_what_is_no_sentence_is_refused(sentences, said):
    with pytest.raises(InputError, match=said):
        sentences_data(BERT, sentences)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=4))
def test_words_stand_in_order_in_their_text_and_hold_no_space_at_their_ends(texts):
    for sentence in sentences_data(BERT, texts).given:
        ends = [0, *(end for _, end in sentence.spans)]
        assert all(a >= before for (a, _), before in zip(sentence.spans, ends, strict=False))
        assert all(w == w.strip() and w for w in words_of_one(sentence))


def words_of_one(sentence):
    return [sentence.text[a:b] for a, b in sentence.spans]


def test_questions_share_a_paragraph_that_is_given_twice():
    found = questions_data([("who?", "p"), ("where?", "q"), ("when?", "p")])
    assert found.context_of.tolist() == [0, 1, 0] and len(found.contexts) == 2
    assert list(found.questions.iter_bytes()) == [b"who?", b"where?", b"when?"]
    assert found.answer_borders.tolist() == [0] * 4 and len(found) == 3
    assert len(questions_data([])) == 0


@pytest.mark.parametrize("pairs", ["ab", [("a",)], [("a", None)], [("a", "b", "c")]])
def test_what_is_no_question_with_a_paragraph_is_refused(pairs):
    with pytest.raises(InputError, match=r"question 1 is|questions: a str \('ab'\)"):
        questions_data(pairs)
