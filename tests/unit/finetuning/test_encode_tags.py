import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.finetuning.rows import BERT, TOKENIZERS, WORDS, ids_of, tagged_of, windows_of
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_tags import encode_tags
from tokpipe.finetuning.windows import grid

SENTENCES = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), max_size=6)


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
@given(sentences=SENTENCES, most=st.integers(3, 20), data=st.data())
def test_windows_hold_every_word_that_has_a_piece(tokenizer, sentences, most, data):
    stride = data.draw(st.integers(0, most - 3))
    rows = tagged_of(sentences)
    found = encode_tags(rows, tokenizer, WindowConfig(max_seq_length=most, stride=stride), None)
    around = tokenizer.encode("").ids
    seen, position, first_word = [], 0, 0
    for number, sentence in enumerate(sentences):
        pieces = [ids_of(tokenizer, word) for word in sentence]
        tokens = [id for word in pieces for id in word]
        owners = [i for i, word in enumerate(pieces) for _ in word]
        windows = grid(np.array([len(tokens)]), np.array([most - 2]), stride)
        for start, end in zip(windows.starts, windows.ends, strict=True):
            firsts = [t for t in range(start, end) if t == 0 or owners[t] != owners[t - 1]]
            if not firsts:
                continue
            seen.append((number, [around[0], *tokens[start:end], around[1]]))
            for t in firsts:
                word = first_word + owners[t]
                at = found.offsets[len(seen) - 1] + 1 + t - start
                assert found.tag_positions[position] == at and found.word[position] == word
                assert found.tags[position] == rows.tags[word]
                assert found.context[position] == min(t - start, end - 1 - t)
                position += 1
        first_word += len(sentence)
    assert position == found.logit_count
    assert list(zip(found.row.tolist(), windows_of(found), strict=True)) == seen
    has_piece = [bool(ids_of(tokenizer, word)) for s in sentences for word in s]
    assert np.unique(found.word).tolist() == np.flatnonzero(has_piece).tolist()
    assert len(found) == len(seen) and found.rows == len(sentences)


def test_three_thousand_words_are_asked_once_a_window_at_least():
    words = np.random.default_rng(1).choice(["the", "unseen", "aaaa", "\u200b"], 3_000).tolist()
    found = encode_tags(tagged_of([["a"], words]), BERT, WindowConfig(max_seq_length=64), 512)
    assert found.windowed == 1 and found.lengths.max() == 64
    asked = np.bincount(found.word, minlength=3_001)
    assert ((asked > 0) == [True, *(word != "\u200b" for word in words)]).all()
    assert 1.3 < asked[asked > 0].mean() < 1.7  # a third of each window is shared
    assert found.tags.tolist() == (found.word % 3).tolist()


def test_a_word_of_a_thousand_pieces_is_asked_at_its_first():
    rows = tagged_of([["the", "a" * 90, "b"]])
    config = WindowConfig(max_seq_length=12, stride=2)
    found = encode_tags(rows, BERT, config, None)
    assert found.word.tolist().count(1) == 1 and set(found.word.tolist()) == {0, 1, 2}
    assert len(found) == 2 and found.windowed == 1  # those in the middle of the word ask nothing
    long = encode_tags(tagged_of([["?" * 1_000, "b"]]), TOKENIZERS["roberta"], config, None)
    assert set(long.word.tolist()) == {0, 1} and long.lengths.max() == 12


@pytest.mark.parametrize("word", ["", " ", "\u200b", "\x00", "\u0301"])
def test_sentences_without_a_piece_have_no_window(word):
    found = encode_tags(tagged_of([[word], ["the"], [word, word]]), BERT, WindowConfig(), None)
    assert found.row.tolist() == [1] and found.word.tolist() == [1] and found.rows == 3


def test_no_sentence_is_no_window():
    found = encode_tags(tagged_of([]), BERT, WindowConfig(), None)
    assert len(found) == found.logit_count == 0


def test_words_without_tags_are_asked_but_have_none_to_learn():
    rows = tagged_of([["the", "a"]], tags=[-1, -1])
    found = encode_tags(rows, BERT, WindowConfig(), None)
    assert found.tags is None and found.word.tolist() == [0, 1]
    mixed = encode_tags(tagged_of([["the", "a"]], tags=[-1, 2]), BERT, WindowConfig(), None)
    assert mixed.tags.tolist() == [-1, 2]
