import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.errors import ConfigError
from tokpipe.training.config import TrainingConfig, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("90s", 90), ("90", 90), ("1h30m", 5400), ("1.5h", 5400)]
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0s", "-3m", "30 min", "1e3", "m"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="is no time"):
        TrainingConfig(budget=text)


def test_only_one_setting_may_say_how_long():
    with pytest.raises(ConfigError, match="steps and budget both say how long"):
        TrainingConfig(steps=3, budget="30m")
    with pytest.raises(ConfigError, match="a budget follows the clock"):
        TrainingConfig(warmup_steps=3, budget="30m")


def test_without_any_length_it_is_ten_thousand_steps():
    assert TrainingConfig().most_steps == 10_000
    assert TrainingConfig(epochs=2).most_steps is None


RAMP = {"gradient_accumulation_steps": 4, "batch_ramp_tokens": 1000}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gradient_accumulation_steps": 1}, "no effect with gradient_accumulation_steps=1"),
        ({"epochs": 2}, "batch_ramp_tokens=1000 with epochs=2"),
        ({"batch_ramp_tokens": -1}, "below the least allowed value"),
    ],
)
def test_a_ramp_that_cannot_be_is_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        TrainingConfig(**{**RAMP, **changes})


@given(st.integers(2, 64), st.integers(1, 10**6), st.lists(st.integers(0, 2 * 10**6)))
def test_batches_grow_in_a_line_from_one_to_all(most, ramp, seen):
    config = TrainingConfig(gradient_accumulation_steps=most, batch_ramp_tokens=ramp)
    assert config.batches_at(0) == 1 and config.batches_at(ramp) == most
    for tokens in seen:
        line = 1 + (most - 1) * min(1.0, tokens / ramp)
        assert line - 1 < config.batches_at(tokens) <= line + 1e-6
    found = [config.batches_at(tokens) for tokens in sorted(seen)]
    assert found == sorted(found)


def test_a_ramp_makes_the_most_tokens_fewer():
    ramp, plain = TrainingConfig(**RAMP, batch_tokens=100), TrainingConfig(batch_tokens=100)
    # 1 batch at 0, 100, 200 and 300 tokens, 2 at 400 and 600, 3 at 800, and then 4
    assert [ramp.most_tokens(steps) for steps in (3, 4, 6, 7, 8)] == [300, 400, 800, 1100, 1500]
    assert plain.most_tokens(7) == 700


def test_settings_that_came_later_are_written_where_they_act():
    written = set(TrainingConfig().to_dict())
    later = {"batch_ramp_tokens", "phase_shares"}
    assert not written & later
    config = TrainingConfig(**RAMP, phase_shares=(0.5, 0.5))
    assert set(config.to_dict()) == written | later
    for one in (config, TrainingConfig()):
        assert TrainingConfig.from_dict(one.to_dict()) == one
