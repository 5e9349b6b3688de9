import numpy as np
import pytest

from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.training.start_config import NEW_ROWS
from tokpipe.training.token_rows import matched_rows, moved

OLD = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "car", "##d", "##i", "##dio", "b", "i"]


def tokenizer(tokens):
    return Tokenizer(spec_from_bert_vocab(tokens))


def table(rows, width=3, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


@pytest.mark.parametrize(
    ("token", "pieces"),
    [
        ("cardio", ["car", "##dio"]),  # the longest first
        ("##dioi", ["##dio", "##i"]),  # inside a word the first piece, too, is one of the inside
        ("##di", ["##d", "##i"]),
        ("id", ["i", "##d"]),
        ("cars", []),  # one letter is in no piece: nothing is known of it
        ("#", []),
        ("数", []),
    ],
)
def test_a_new_token_is_split_into_the_longest_pieces_there_are(token, pieces):
    rows = matched_rows(tokenizer(OLD), tokenizer([*OLD[:5], token]))
    assert [OLD[piece] for piece in rows.pieces[5]] == pieces
    assert rows.new.tolist() == [5]


def test_rows_follow_their_tokens_wherever_these_stand():
    new = tokenizer([*OLD[:5], *reversed(OLD[5:])])
    rows = matched_rows(tokenizer(OLD), new)
    assert rows.same.tolist() == [0, 1, 2, 3, 4, 10, 9, 8, 7, 6, 5]
    for how in NEW_ROWS:
        old = table(len(OLD))
        np.testing.assert_array_equal(moved(old, rows, how, 0), old[rows.same])


def test_special_tokens_of_other_names_are_matched_by_what_they_are_for():
    new = tokenizer(["b", *OLD[:4], "[MASK]", "car"])
    theirs = [{"[MASK]": "<mask>", "[PAD]": "<pad>"}.get(token, token) for token in OLD]
    rows = matched_rows(tokenizer(theirs), new)
    found = dict(zip(new.tokens, rows.same.tolist(), strict=True))
    assert found["[MASK]"] in (4, -1) and found["[CLS]"] == 2 and found["b"] == 9


@pytest.mark.parametrize("width", [1, 3])
def test_new_rows_are_what_was_asked_for(width):
    old = table(len(OLD), width)
    rows = matched_rows(tokenizer(OLD), tokenizer([*OLD, "cardio", "数"]))
    by_pieces = moved(old, rows, "pieces", 0)
    np.testing.assert_allclose(by_pieces[11], (old[5] + old[8]) / 2, rtol=1e-6)
    np.testing.assert_allclose(by_pieces[12], old.mean(axis=0), rtol=1e-5, atol=1e-7)
    by_mean = moved(old, rows, "mean", 0)
    np.testing.assert_allclose(by_mean[11:], [old.mean(axis=0)] * 2, rtol=1e-5, atol=1e-7)
    drawn, other = moved(old, rows, "normal", 0), moved(old, rows, "normal", 1)
    np.testing.assert_array_equal(drawn, moved(old, rows, "normal", 0))
    assert (drawn[11:] != other[11:]).all()
    np.testing.assert_array_equal(drawn[:11], old)
    assert moved(old[:, 0], rows, "pieces", 0).shape == (13,)


def test_drawn_rows_have_mean_and_covariance_of_the_old_ones():
    names = [*OLD[:5], *(f"w{n}" for n in range(400))]
    mixed = table(len(names), 4) @ table(4, 4, seed=1) + 2
    rows = matched_rows(tokenizer(names), tokenizer([*names, *(f"x{n}" for n in range(9_000))]))
    drawn = moved(mixed, rows, "normal", 5)[len(names) :]
    np.testing.assert_allclose(drawn.mean(axis=0), mixed.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(
        np.cov(drawn, rowvar=False), np.cov(mixed, rowvar=False), rtol=0.1, atol=0.15
    )
