from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.finetuning.rows import (
    BERT,
    ROBERTA,
    TOKENIZERS,
    WORDS,
    ids_of,
    texts_of,
    types_of,
    windows_of,
)
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_texts import encode_texts
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tokenizer.spec import Template
from tokpipe.tokenizer.tokenizer import Tokenizer

TEXT = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)
ALL = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)


@ALL
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), most=st.integers(6, 40))
def test_heads_and_pairs_are_encoded_as_one_by_one(tokenizer, rows, most):
    config = WindowConfig(max_seq_length=most)
    firsts, seconds = map(list, zip(*rows, strict=True))
    one = encode_texts(texts_of(firsts), tokenizer, config, None)
    two = encode_texts(texts_of(firsts, seconds), tokenizer, config, None)
    single = [tokenizer.encode(text, max_length=most) for text in firsts]
    assert windows_of(one) == [encoding.ids for encoding in single]
    pairs = [tokenizer.encode(*row, max_length=most) for row in rows]
    assert windows_of(two) == [encoding.ids for encoding in pairs]
    if two.token_type_ids is not None:
        assert types_of(two) == [encoding.type_ids for encoding in pairs]
    else:
        assert not any(any(encoding.type_ids) for encoding in pairs)
    assert one.cut == sum(len(tokenizer.encode(text).ids) > most for text in firsts)
    assert two.cut == sum(len(tokenizer.encode(*row).ids) > most for row in rows)
    assert one.row.tolist() == two.row.tolist() == list(range(len(rows)))


@pytest.mark.parametrize("threads", [1, 3])
def test_of_a_long_text_a_quarter_is_head_and_the_rest_tail(threads):
    rows = ["a b c e . , ? a b", "the the", ""]
    config = WindowConfig(max_seq_length=10, long_texts="head-tail")
    found = encode_texts(texts_of(rows), BERT, config, None, threads)
    ids = ids_of(BERT, rows[0])
    assert windows_of(found) == [[2, *ids[:2], *ids[-6:], 3], BERT.encode("the the").ids, [2, 3]]
    assert found.cut == 1 and found.windowed == 0


def test_of_a_long_pair_head_and_tail_of_the_text_that_is_cut_are_kept():
    long, short = "a b c e . , ? a b", "the the"
    config = WindowConfig(max_seq_length=12, long_texts="head-tail")
    found = encode_texts(texts_of([long, short, long], [short, long, long]), BERT, config, None)
    ids, other = ids_of(BERT, long), ids_of(BERT, short)
    kept = [ids[0], *ids[-6:]]
    assert windows_of(found) == [
        [2, *kept, 3, *other, 3],
        [2, *other, 3, *kept, 3],
        [2, ids[0], *ids[-3:], 3, ids[0], *ids[-4:], 3],
    ]
    assert found.cut == 3


def test_three_thousand_words_are_read_to_the_last_in_windows():
    words = np.random.default_rng(1).choice(["the", "a", "b", "unseen", "."], 3_000)
    config = WindowConfig(max_seq_length=128, stride=20, long_texts="mean")
    labels = np.array([1, 0], np.int32)
    data = texts_of([" ".join(words), "the"], labels=labels, names=("x", "y"))
    found = encode_texts(data, BERT, config, 512)
    ids = ids_of(BERT, " ".join(words))
    starts = range(0, len(ids) - 126 + 106, 106)
    assert windows_of(found) == [[2, *ids[i : i + 126], 3] for i in starts] + [[2, 5, 3]]
    assert found.row.tolist() == [0] * len(starts) + [1] and found.rows == 2
    assert found.labels.tolist() == [1] * len(starts) + [0]
    assert found.windowed == 1 and found.cut == 0


def test_windows_of_a_pair_run_over_the_text_that_would_be_cut():
    long, short = "a b c e . , ? a", "the the"
    config = WindowConfig(max_seq_length=9, stride=1, long_texts="mean")
    data = texts_of([long, short, long, short], [short, long, long, short])
    found = encode_texts(data, BERT, config, None)
    a, b = ids_of(BERT, long), ids_of(BERT, short)
    over = [a[0:4], a[3:7], a[6:8]]
    both = [a[i : i + 3] for i in (0, 2, 4, 6)]
    assert windows_of(found) == [
        *([2, *part, 3, *b, 3] for part in over),
        *([2, *b, 3, *part, 3] for part in over),
        *([2, *a[:3], 3, *part, 3] for part in both),
        [2, *b, 3, *b, 3],
    ]
    assert found.row.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3]
    assert found.windowed == 3 and found.cut == 1


@ALL
@given(
    rows=st.lists(st.tuples(TEXT, TEXT), max_size=5),
    most=st.integers(6, 20),
    long_texts=st.sampled_from(["head", "head-tail", "mean"]),
    pairs=st.booleans(),
)
def test_no_window_is_too_long_and_every_row_has_one(tokenizer, rows, most, long_texts, pairs):
    columns = [[row[i] for row in rows] for i in range(1 + pairs)]
    config = WindowConfig(max_seq_length=most, long_texts=long_texts)
    found = encode_texts(texts_of(*columns), tokenizer, config, None)
    assert found.lengths.max(initial=0) <= most and len(found.offsets) == len(found.row) + 1
    assert np.unique(found.row).tolist() == list(range(len(rows)))
    assert (np.diff(found.row) >= 0).all()


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (np.array([1, 0], np.int32), np.int32),
        (np.array([1.5, -2.0]), np.float32),
        (np.array([[1, 0, 1], [0, 0, 0]], np.uint8), np.float32),
    ],
)
def test_labels_are_of_the_type_that_a_head_takes(labels, dtype):
    found = encode_texts(texts_of(["a", "b"], labels=labels), BERT, WindowConfig(), None)
    assert found.labels.dtype == dtype and found.labels.tolist() == labels.tolist()


@pytest.mark.parametrize(
    "labels", [np.full(2, -1, np.int32), np.full(2, np.nan), np.zeros((2, 0), np.uint8)]
)
def test_rows_without_labels_ask_for_none(labels):
    assert encode_texts(texts_of(["a", "b"], labels=labels), BERT, WindowConfig(), 9).labels is None


def test_a_text_without_a_token_is_an_error_where_no_special_ones_stand_around_it():
    bare = Tokenizer(replace(ROBERTA.spec, template=Template()))
    with pytest.raises(InputError, match=r"rows\.tsv:2: the text has no token"):
        encode_texts(texts_of(["a", ""]), bare, WindowConfig(), None)


def test_a_model_too_short_for_special_tokens_is_an_error():
    with pytest.raises(ConfigError, match="max_seq_length=4 leaves room for 1 token of text"):
        encode_texts(texts_of(["a"], ["b"]), BERT, WindowConfig(), 4)
