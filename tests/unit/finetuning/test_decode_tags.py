import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.finetuning.rows import BERT, TOKENIZERS, WORDS, ids_of, tagged_of
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.decode_tags import decode_tags
from tokpipe.finetuning.encode_tags import encode_tags

SENTENCES = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=15), max_size=6)
NAMES = ("O", "B-X", "I-X")


def nearest(examples):
    """Return which positions are those of a word's best window, one by one."""
    best = {}
    for at, (word, context) in enumerate(zip(examples.word, examples.context, strict=True)):
        if word not in best or context > examples.context[best[word]]:
            best[word] = at
    return np.isin(np.arange(examples.logit_count), list(best.values()))


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
@given(sentences=SENTENCES, most=st.integers(3, 20), data=st.data())
def test_every_word_has_one_tag_from_the_window_that_knows_it_best(
    tokenizer, sentences, most, data
):
    stride = data.draw(st.none() | st.integers(0, most - 3))
    words = sum(map(len, sentences))
    tags = data.draw(st.lists(st.integers(0, 2), min_size=words, max_size=words))
    rows = tagged_of(sentences, tags)
    config = WindowConfig(max_seq_length=most, stride=stride)
    examples = encode_tags(rows, tokenizer, config, None)
    wrong = (examples.tags + ~nearest(examples)) % 3  # all other windows are mistaken
    found = decode_tags(rows, examples, 9 * np.eye(3, dtype=np.float32)[wrong])
    has_piece = np.array([bool(ids_of(tokenizer, w)) for s in sentences for w in s], bool)
    assert found.tags.tolist() == np.where(has_piece, rows.tags, 0).tolist()
    assert found.without_piece == int((~has_piece).sum())
    assert (found.probabilities > 0.9).tolist() == has_piece.tolist()
    assert found.tags.dtype == np.int32 and found.probabilities.dtype == np.float32


def test_three_thousand_words_come_back_as_they_were_tagged():
    words = np.random.default_rng(1).choice(["the", "unseen", "aaaa", "b"], 3_000).tolist()
    rows = tagged_of([["a"], words, ["b"]], names=tuple(f"T{i}" for i in range(17)))
    examples = encode_tags(rows, BERT, WindowConfig(max_seq_length=128), None)
    found = decode_tags(rows, examples, np.eye(17, dtype=np.float32)[examples.tags])
    assert found.tags.tolist() == rows.tags.tolist() and found.without_piece == 0


def test_of_windows_with_as_much_context_the_first_counts():
    rows = tagged_of([["a"] * 6], [0] * 6)
    examples = encode_tags(rows, BERT, WindowConfig(max_seq_length=6, stride=2), None)
    assert examples.word.tolist() == [0, 1, 2, 3, 2, 3, 4, 5]
    assert examples.context.tolist() == [0, 1, 1, 0, 0, 1, 1, 0]
    even = encode_tags(rows, BERT, WindowConfig(max_seq_length=5, stride=1), None)
    assert even.word.tolist() == [0, 1, 2, 2, 3, 4, 4, 5]
    logits = np.eye(8, dtype=np.float32)
    assert decode_tags(rows, even, logits).tags.tolist() == [0, 1, 2, 4, 5, 7]


@pytest.mark.parametrize("word", ["", " ", "\u200b", "\x00", "\u0301"])
def test_a_word_that_vanishes_is_outside_of_entities(word):
    rows = tagged_of([["a", word], [word], [word, "b"]], [1, 0, 0, 0, 2], names=NAMES[::-1])
    examples = encode_tags(rows, BERT, WindowConfig(), None)
    found = decode_tags(rows, examples, np.eye(3, dtype=np.float32)[examples.tags])
    assert found.tags.tolist() == [1, 2, 2, 2, 2] and found.without_piece == 3
    assert found.probabilities[[1, 2, 3]].tolist() == [0, 0, 0]


def test_a_word_that_vanishes_gets_the_tag_beside_it_where_tags_are_no_entities():
    sentences = [["\u200b", "\u200b", "a", "\u200b", "b"], ["\u200b"], ["\u200b", "a"], ["b", ""]]
    rows = tagged_of(sentences, [0, 0, 3, 0, 2, 0, 0, 1, 4, 0], names=tuple("VWXYZ"))
    examples = encode_tags(rows, BERT, WindowConfig(), None)
    found = decode_tags(rows, examples, np.eye(5, dtype=np.float32)[examples.tags])
    assert found.tags.tolist() == [3, 3, 3, 3, 2, 0, 1, 1, 4, 4] and found.without_piece == 6


def test_the_probability_is_that_of_the_tag():
    rows = tagged_of([["a", "b"]])
    examples = encode_tags(rows, BERT, WindowConfig(), None)
    found = decode_tags(rows, examples, np.log(np.array([[1, 3], [9, 1]], np.float32)))
    assert found.tags.tolist() == [1, 0]
    np.testing.assert_allclose(found.probabilities, [0.75, 0.9], 1e-6)


def test_no_word_is_no_prediction():
    rows = tagged_of([])
    examples = encode_tags(rows, BERT, WindowConfig(), None)
    assert len(decode_tags(rows, examples, np.zeros((0, 3), np.float32)).tags) == 0


def test_words_of_which_none_is_asked_are_tagged_whatever_logits_there_are_not():
    rows = tagged_of([["\u200b", "\u0301"], ["\u200b"]])
    examples = encode_tags(rows, BERT, WindowConfig(), None)
    found = decode_tags(rows, examples, np.zeros((0, 0), np.float32))
    assert found.tags.tolist() == [rows.names.index("O")] * 3 and found.without_piece == 3
