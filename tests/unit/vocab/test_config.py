import pytest

from tokpipe.foundation.errors import ConfigError
from tokpipe.vocab.config import BERT_SPECIAL_TOKENS, ROBERTA_SPECIAL_TOKENS, VocabConfig


def test_defaults_follow_the_model():
    wordpiece, byte = VocabConfig(), VocabConfig(model="byte-bpe")
    assert (wordpiece.sizes, wordpiece.prefix, wordpiece.unknown) == ((30_522,), "##", "[UNK]")
    assert wordpiece.specials == BERT_SPECIAL_TOKENS
    assert (byte.sizes, byte.prefix, byte.unknown) == ((30_000,), "", "")
    assert byte.specials == ROBERTA_SPECIAL_TOKENS


def test_sizes_are_sorted_and_unique():
    assert VocabConfig(vocab_size=(16, 8, 16)).sizes == (8, 16)


def test_config_survives_json():
    config = VocabConfig(vocab_size=(8000,), special_tokens=("<s>",), model="bpe")
    assert VocabConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"vocab_size": (0,)}, "vocab_size=0"),
        ({"special_tokens": ("a", "a")}, "'a' is empty or given twice"),
        ({"special_tokens": ("",)}, "'' is empty"),
        ({"unk_token": "<none>"}, "not one of the special tokens"),
        ({"model": "byte-bpe", "end_of_word_suffix": "</w>"}, "byte-bpe takes no"),
        ({"model": "wordpiece", "continuing_subword_prefix": ""}, "wordpiece needs"),
        ({"model": "unigram"}, "not one of"),
        ({"max_input_chars_per_word": 0}, "below the least"),
        ({"model": "bpe", "max_input_chars_per_word": 200}, "belongs to wordpiece"),
    ],
)
def test_contradictions_are_refused(settings, problem):
    with pytest.raises(ConfigError, match=problem):
        VocabConfig(**settings)
