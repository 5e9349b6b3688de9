"""What families say of transformers: its classes, its settings and their defaults."""

import os

import pytest

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.registry import FAMILIES

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

THEIRS = {name: family for name, family in FAMILIES.items() if family.architectures}


@pytest.mark.parametrize("name", THEIRS)
def test_settings_are_theirs_with_their_defaults(name):
    family, config = FAMILIES[name], transformers.AutoConfig.for_model(name)
    assert family.keys
    ours = {**BertConfig().to_dict(), **family.defaults}
    assert {theirs: ours[key] for key, theirs in family.keys.items()} == {
        theirs: getattr(config, theirs) for theirs in family.keys.values()
    }


@pytest.mark.parametrize("name", THEIRS)
def test_dropouts_of_jobs_are_theirs_with_their_defaults(name):
    config = transformers.AutoConfig.for_model(name)
    for key, default in FAMILIES[name].dropouts.values():
        assert getattr(config, key) == default


@pytest.mark.parametrize("name", THEIRS)
def test_classes_are_theirs_and_take_the_settings(name):
    config = type(transformers.AutoConfig.for_model(name))
    for architecture in FAMILIES[name].architectures.values():
        assert getattr(transformers, architecture).config_class is config
