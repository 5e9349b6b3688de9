import pytest

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
