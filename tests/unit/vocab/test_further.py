import numpy as np
import pytest

from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.vocab import further
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.further import Pieces, train_further

TOKENS = ["a", "bc", "ab", "c", "", "d"]


def pieces(*words):
    ids = np.array([id for word, _ in words for id in word], np.int32)
    sizes = np.array([len(word) for word, _ in words], np.int32)
    return Pieces(ids, sizes, np.array([count for _, count in words], np.int64))


def trained(*words, add=9, known=TOKENS, **settings):
    size = len(known) + add
    config = VocabConfig(model="bpe", vocab_size=(size,), special_tokens=(), **settings)
    reported = []
    lengths = [len(token) for token in known]
    tokens, merges = train_further(pieces(*words), known, lengths, config, reported.append)
    assert sum(reported) >= len(tokens)
    return tokens, merges.tolist()


def test_the_commonest_pair_is_joined_first_and_gets_the_next_id():
    tokens, merges = trained(([0, 5, 3], 3), ([5, 3], 4), ([3], 99))
    assert tokens == ["dc", "adc"] and merges == [[5, 3, 6], [0, 6, 7]]


def test_nothing_is_joined_over_what_is_unknown():
    assert trained(([0, -1, 5], 9), ([-1], 9), ([], 9)) == ([], [])


@pytest.mark.parametrize("score", ["frequency", "likelihood"])
def test_a_token_has_one_merge_although_two_pairs_would_make_it(score):
    tokens, merges = trained(([0, 1], 10), ([2, 3], 8), ([5, 0], 6), score=score)
    made = [TOKENS[left] + TOKENS[right] for left, right, _ in merges]
    assert sorted(tokens) == sorted(made) == ["abc", "da"]
    assert [new for *_, new in merges] == [6, 7]


def test_a_pair_that_makes_an_old_token_is_left_as_it_is():
    words = ([0, 5], 5), ([3, 3], 3), ([0, 1], 9)
    assert trained(*words)[0] == ["abc", "ad", "cc"]
    tokens, merges = trained(*words, known=[*TOKENS, "cc"])
    assert tokens == ["abc", "ad"] and merges == [[0, 1, 7], [0, 5, 8]]


def test_settings_bound_what_is_joined():
    words = ([0, 5], 5), ([3, 5], 3), ([0, 1], 2)
    assert trained(*words, min_frequency=3)[0] == ["ad", "cd"]
    assert trained(*words, add=1)[0] == ["ad"]
    assert trained(*words, max_token_length=3)[0] == ["ad", "cd"]


def test_more_pieces_than_there_are_places_are_refused(monkeypatch):
    monkeypatch.setattr(further, "_MOST_CELLS", 4)
    with pytest.raises(MemoryLimitError, match="have 3 pieces"):
        trained(([0, 5, 3], 3))
