"""What 200,000 examples come to, against 99.9 % intervals around what was asked."""

import numpy as np
import pytest

from tests.unit.examples.test_masking import FACTS, MASK, masked
from tokpipe.examples.config import MaskConfig

EXAMPLES = 200_000
# Every remainder of 0.15 * L equally often, so that rounding to whole tokens evens out.
SIZES = np.resize(np.arange(20, 60), EXAMPLES)
NORMAL_999 = 3.2905  # 99.9 % of a normal distribution lie within so many deviations
ASKED = {"mask": 0.8, "random": 0.1, "kept": 0.1}


def measured(config):
    """Return the share of tokens chosen, and what became of the chosen ones, with their number."""
    before, ids, _, _, places = masked(config, SIZES)
    is_mask, is_same = ids[places] == MASK, ids[places] == before[places]
    seen_kept, words = is_same.mean(), len(FACTS.ordinary)
    random = (1 - is_mask.mean() - seen_kept) * words / (words - 1)  # some draw their own token
    shares = {"mask": is_mask.mean(), "random": random, "kept": 1 - is_mask.mean() - random}
    return len(places) / len(ids), shares, len(places)


def outside(shares, asked, draws):
    """Return which shares lie outside the 99.9 % interval of what was asked."""
    widths = {name: NORMAL_999 * np.sqrt(p * (1 - p) / draws) for name, p in asked.items()}
    return {name for name in asked if abs(shares[name] - asked[name]) > widths[name]}


def test_asked_rates_are_hit():
    rate, shares, draws = measured(MaskConfig())
    # the number of targets is no draw: rounding alone parts it from the 15 %
    assert abs(rate - 0.15) < NORMAL_999 * np.sqrt(0.15 * 0.85 / (EXAMPLES * 40))
    assert outside(shares, ASKED, draws) == set()


def test_other_splits_are_told_apart():
    wrong = MaskConfig(mask_replace_prob=0.8, random_replace_prob=0.11)  # 80/11/9
    _, shares, draws = measured(wrong)
    assert outside(shares, ASKED, draws) == {"random", "kept"}
    assert outside(shares, {"mask": 0.8, "random": 0.11, "kept": 0.09}, draws) == set()


@pytest.mark.parametrize("config", [MaskConfig(whole_word=True), MaskConfig(span="geometric")])
def test_words_and_spans_come_close_to_the_rate(config):
    rate, _, _ = measured(config)
    assert 0.13 < rate <= 0.151  # words that do not fit are passed over


def test_every_position_is_chosen_equally_often():
    _, _, _, masks, _ = masked(MaskConfig(), [42] * 50_000)  # 6 of 40 each
    counts = np.bincount(masks.positions, minlength=42)
    assert counts[0] == counts[41] == 0
    expected = 50_000 * 6 / 40
    deviations = (counts[1:41] - expected) / np.sqrt(expected * (1 - 6 / 40))
    assert (deviations**2).sum() * 39 / 40 < 72.1  # 99.9 % point of 39 degrees of freedom


def test_every_ordinary_token_is_drawn_equally_often():
    config = MaskConfig(mask_replace_prob=0, random_replace_prob=1)
    _, ids, _, _, places = masked(config, SIZES)
    counts = np.bincount(ids[places], minlength=1_000)
    assert not counts[:5].any()
    expected = len(places) / 995
    chi_square = ((counts[5:] - expected) ** 2 / expected).sum()
    assert chi_square < 1_139  # 99.9 % point of 994 degrees of freedom
