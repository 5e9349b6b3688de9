import pytest

from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.errors import ConfigError


def test_recipes_stand_for_settings():
    bert, roberta = ExampleConfig(), ExampleConfig(recipe="roberta")
    assert (bert.task, bert.pairs, bert.short_share) == ("nsp", True, 0.1)
    assert (roberta.task, roberta.pairs, roberta.short_share) == ("none", False, 0.0)


def test_a_setting_beats_its_recipe():
    assert ExampleConfig(objective="none").pairs is False
    assert ExampleConfig(recipe="roberta", objective="sop").task == "sop"
    assert ExampleConfig(short_seq_prob=0).short_share == 0
    assert ExampleConfig(objective="none", short_seq_prob=0.1).short_share == 0.1


def test_copies_belong_to_static_masks():
    assert MaskConfig(masking="static").copies == 5
    assert MaskConfig(masking="dynamic", dupe_factor=9).copies == 1


def test_settings_survive_a_manifest():
    for config in (ExampleConfig(objective="sop"), MaskConfig(span="geometric", compat="google")):
        assert type(config).from_dict(config.to_dict()) == config


def test_a_window_without_room_for_two_segments_is_refused():
    with pytest.raises(ConfigError, match="max_seq_length=7 is below"):
        ExampleConfig(max_seq_length=7)
