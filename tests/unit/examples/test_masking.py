import numpy as np
import pytest

from tests.unit.examples.blocks import facts_of
from tokpipe.examples.config import MaskConfig
from tokpipe.examples.masking import mask_examples, span_lengths
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.seeds import child_keys, stream_key

CLS, SEP, MASK, UNK = 2, 3, 4, 1
FACTS = facts_of(1_000, continuing=range(800, 1_000))
GEOMETRIC = MaskConfig(span="geometric")


def rows_of(sizes, seed=1, low=5, high=1_000):
    """Make rows of drawn tokens between [CLS] and [SEP], with their borders and keys."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    ids = np.random.default_rng(seed).integers(low, high, offsets[-1]).astype(np.int32)
    ids[offsets[:-1]], ids[offsets[1:] - 1] = CLS, SEP
    keys = np.full(len(sizes), stream_key(seed, "mask"), np.uint64)
    return ids, offsets, child_keys(keys, np.arange(len(sizes)))


def masked(config, sizes, **settings):
    before, offsets, keys = rows_of(sizes, **settings)
    ids = before.copy()
    masks = mask_examples(ids, offsets, keys, FACTS, config)
    places = np.repeat(offsets[:-1], np.diff(masks.offsets)) + masks.positions
    return before, ids, offsets, masks, places


@pytest.mark.parametrize("config", [MaskConfig(), MaskConfig(whole_word=True), GEOMETRIC])
def test_originals_stand_at_their_positions_and_nothing_else_changes(config):
    before, ids, _, masks, places = masked(config, [50, 3, 2, 128, 20])
    assert (before[places] == masks.ids).all()
    assert (np.diff(places) > 0).all()
    untouched = np.setdiff1d(np.arange(len(ids)), places)
    assert (before[untouched] == ids[untouched]).all()
    assert masks.offsets[0] == 0
    assert masks.offsets[-1] == len(masks.ids) == len(masks.positions)


def test_as_many_are_chosen_as_bert_chooses():
    sizes = [2, 3, 9, 10, 64, 128]
    masks = masked(MaskConfig(), sizes)[3]
    # [CLS] [SEP] alone has nothing to choose; 9 * .15 = 1.35, 10 * .15 = 1.5, 128 * .15 = 19.2
    assert np.diff(masks.offsets).tolist() == [0, 1, 1, 2, 10, 19]
    limited = masked(MaskConfig(max_predictions_per_seq=8), sizes)[3]
    assert np.diff(limited.offsets).tolist() == [0, 1, 1, 2, 8, 8]


@pytest.mark.parametrize("config", [MaskConfig(), MaskConfig(whole_word=True), GEOMETRIC])
def test_special_tokens_are_no_targets_and_no_random_tokens(config):
    before, ids, _, _, places = masked(config, [60] * 200, low=0, high=40)
    assert not FACTS.is_special[before[places]].any()
    changed = before != ids
    assert (ids[changed & (ids != MASK)] >= 5).all()


def test_google_compatibility_chooses_unknown_tokens_and_draws_special_ones():
    config = MaskConfig(compat="google", mask_replace_prob=0, random_replace_prob=1)
    before, ids, _, _, places = masked(config, [60] * 500, low=0, high=40)
    assert (before[places] == UNK).any()
    assert not np.isin(before[places], [CLS, SEP]).any()
    assert FACTS.is_special[ids[places]].any()


def words_of(row):
    """Return the places of each whole word of a row: no word holds a special token."""
    words, apart = [], True
    for i, token in enumerate(row.tolist()):
        if FACTS.is_special[token]:
            apart = True
            continue
        if apart or not FACTS.continues_word[token]:
            words.append([])
        words[-1].append(i)
        apart = False
    return words


@pytest.mark.parametrize("config", [MaskConfig(whole_word=True), GEOMETRIC])
def test_no_word_is_split(config):
    before, _, offsets, masks, _ = masked(config, [80] * 100)
    for e in range(100):
        chosen = set(masks.positions[masks.offsets[e] : masks.offsets[e + 1]].tolist())
        assert 0 < len(chosen) <= 12  # 80 * .15
        for word in words_of(before[offsets[e] : offsets[e + 1]]):
            assert chosen.issuperset(word) or chosen.isdisjoint(word)


def test_punctuation_and_its_neighbours_are_words_of_their_own():
    # hello , world ! don ' t: seven words by BERT's rule; by touching offsets they would be three
    row = np.array([CLS, 10, 11, 12, 13, 14, 15, 16, SEP], np.int32)
    config = MaskConfig(whole_word=True, masked_lm_prob=0.1)  # one token
    keys = child_keys(np.full(200, stream_key(1, "mask"), np.uint64), np.arange(200))
    offsets = np.arange(0, 9 * 201, 9)
    masks = mask_examples(np.tile(row, 200), offsets, keys, FACTS, config)
    assert np.diff(masks.offsets).tolist() == [1] * 200
    assert set(masks.positions.tolist()) == {1, 2, 3, 4, 5, 6, 7}


BY_WORDS = [MaskConfig(whole_word=True, masked_lm_prob=0.25), MaskConfig(span="geometric")]


@pytest.mark.parametrize("config", BY_WORDS)
def test_a_word_longer_than_all_that_is_wanted_is_masked_in_part(config):
    row = np.array([CLS, 10, *range(900, 930), SEP], np.int32)  # one word of 31 pieces
    wanted = round(len(row) * config.masked_lm_prob)
    keys = child_keys(np.full(100, stream_key(1, "mask"), np.uint64), np.arange(100))
    offsets = np.arange(0, len(row) * 101, len(row))
    masks = mask_examples(np.tile(row, 100), offsets, keys, FACTS, config)
    assert np.diff(masks.offsets).tolist() == [wanted] * 100
    assert set(masks.positions.tolist()) == set(range(1, 32))  # any of its pieces


def test_whole_words_come_before_parts_of_one_that_is_too_long():
    row = np.array([CLS, 10, 900, 901, 902, 903, 904, 11, 12, SEP], np.int32)
    keys = child_keys(np.full(100, stream_key(1, "mask"), np.uint64), np.arange(100))
    config = MaskConfig(whole_word=True, masked_lm_prob=0.3)  # three tokens, two short words
    masks = mask_examples(np.tile(row, 100), np.arange(0, 1001, 10), keys, FACTS, config)
    for chosen in masks.positions.reshape(100, 3).tolist():
        assert chosen[1:] == [7, 8] and 1 <= chosen[0] <= 6


def test_a_word_that_fits_all_that_is_wanted_but_not_what_is_left_is_passed_over():
    row = np.array([CLS, 10, 900, 11, 901, SEP], np.int32)  # two words of two pieces
    keys = child_keys(np.full(100, stream_key(1, "mask"), np.uint64), np.arange(100))
    config = MaskConfig(whole_word=True, masked_lm_prob=0.5)  # three tokens
    masks = mask_examples(np.tile(row, 100), np.arange(0, 601, 6), keys, FACTS, config)
    assert {tuple(row) for row in masks.positions.reshape(100, 2).tolist()} == {(1, 2), (3, 4)}


def test_pieces_behind_a_separator_are_a_word_of_their_own():
    row = np.array([CLS, 10, SEP, 900, SEP], np.int32)
    config = MaskConfig(whole_word=True, masked_lm_prob=0.2)  # one token
    for seed in range(20):
        keys = np.array([stream_key(seed, "mask")], np.uint64)
        masks = mask_examples(row.copy(), np.array([0, 5]), keys, FACTS, config)
        assert masks.positions.tolist() in ([1], [3])


def test_spans_share_their_fate():
    config = MaskConfig(span="geometric", mask_replace_prob=0.5, random_replace_prob=0)
    _, ids, offsets, masks, _ = masked(config, [400] * 50, high=800)
    runs = []
    for e in range(50):
        row = ids[offsets[e] : offsets[e + 1]]
        places = masks.positions[masks.offsets[e] : masks.offsets[e + 1]]
        for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            runs += [(len(run), len(np.unique(row[run] == MASK)))]
    lengths, kinds = np.array(runs).T
    assert 2.5 < lengths.mean() < 5  # 3.8 before touching runs and the last, cut one
    assert (kinds == 1).mean() > 0.75  # runs that touch may differ


def test_span_lengths_are_geometric_and_cut_at_ten():
    shares = np.diff(span_lengths(GEOMETRIC), prepend=0)
    assert len(shares) == 10
    assert np.allclose(shares[1:] / shares[:-1], 0.8)
    assert (shares * np.arange(1, 11)).sum() == pytest.approx(3.8, abs=0.01)  # as in the paper


def test_masks_depend_on_the_key_and_the_row_alone():
    ids, offsets, keys = rows_of([40, 50, 60, 70])
    whole = mask_examples(ids.copy(), offsets, keys, FACTS, MaskConfig())
    part = ids[offsets[2] :].copy()
    masks = mask_examples(part, offsets[2:] - offsets[2], keys[2:], FACTS, MaskConfig())
    assert whole.positions[whole.offsets[2] :].tolist() == masks.positions.tolist()
    other = mask_examples(ids.copy(), offsets, keys[::-1].copy(), FACTS, MaskConfig())
    assert whole.positions.tolist() != other.positions.tolist()


def test_a_vocabulary_that_cannot_be_masked_is_refused():
    ids, offsets, keys = rows_of([10])
    with pytest.raises(ConfigError, match="no mask token"):
        mask_examples(ids, offsets, keys, FACTS._replace(mask_id=-1), MaskConfig())
    nothing = FACTS._replace(ordinary=np.zeros(0, np.int32))
    with pytest.raises(ConfigError, match="special tokens only"):
        mask_examples(ids, offsets, keys, nothing, MaskConfig())


def test_shares_above_one_are_refused():
    with pytest.raises(ConfigError, match="add up to more than 1"):
        MaskConfig(mask_replace_prob=0.95)
