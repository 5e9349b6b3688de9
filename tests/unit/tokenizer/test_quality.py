"""A vocabulary that does not fit a text: how much is unknown, why, and what cures it."""

import numpy as np
import pytest
import tokenizers

from tokpipe.foundation.arrays import Strings
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.quality import unknown_warning
from tokpipe.tokenizer.trained import train_sizes
from tokpipe.vocab.config import VocabConfig
from tokpipe.words.counts import WordCounts


def trained(words, **settings):
    counts = WordCounts(words=Strings.from_list(sorted(words)), counts=np.ones(len(words), int))
    [one] = train_sizes(counts, VocabConfig(vocab_size=(400,), min_frequency=1, **settings))
    return one


@pytest.mark.parametrize(
    ("words", "settings", "unknown", "too_long"),
    [
        (["ab" * 50, "ab"], {}, 0, 0),
        (["ab" * 51, "ab"], {}, 50, 50),
        (["ab" * 51, "ab"], {"max_input_chars_per_word": 102}, 0, 0),
        (["ก" * 100, "ข" * 101], {}, 50, 50),  # characters, not bytes
        (["aa", "b", "c", "d"], {"limit_alphabet": 1}, 75, 0),
        (["a" * 101, "a", "b", "c"], {"limit_alphabet": 1}, 75, 25),
        (["aa", "b"], {"limit_alphabet": 1, "model": "bpe"}, 50, 0),
        (["ab" * 51, "ab"], {"model": "bpe"}, 0, 0),
    ],
)
def test_unknown_words_are_told_apart_by_their_cause(words, settings, unknown, too_long):
    quality = trained(words, **settings).quality
    assert (quality.unknown_words, quality.too_long_words) == (unknown, too_long)


def test_a_raised_limit_reaches_file_encoder_and_library():
    one = trained(["ab" * 51, "ab"], max_input_chars_per_word=102)
    library = tokenizers.Tokenizer.from_str(document_bytes(one.tokenizer.spec).decode())
    for word in ("ab" * 51, "ab" * 51 + "a"):
        ours = one.tokenizer.encode(word).tokens
        assert ours == library.encode(word).tokens
        assert ("[UNK]" in ours) == (len(word) > 102)


@pytest.mark.parametrize(
    ("unknown", "too_long", "said", "unsaid"),
    [
        (1, 1, [], []),
        (20, 20, ["20.0 % are longer than 100", "--max-input-chars"], ["alphabet"]),
        (20, 0, ["20.0 % have characters outside", "--limit-alphabet"], ["longer"]),
        (20, 5, ["5.0 % are longer", "15.0 % have characters", "--limit-alphabet"], []),
        (20, None, ["20.0 % of the words", "longer than 100", "outside"], []),
    ],
)
def test_warning_names_cause_and_cure(unknown, too_long, said, unsaid):
    warning = unknown_warning(100, unknown, too_long)
    assert bool(warning) == bool(said) == ("--model byte-bpe" in warning)
    assert all(part in warning for part in said)
    assert not any(part in warning for part in unsaid)
