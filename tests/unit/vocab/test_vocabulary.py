import numpy as np
import pytest
from tokenizers.pre_tokenizers import ByteLevel

from tokpipe.foundation.errors import ConfigError
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR, CHAR_TO_BYTE, Vocabulary


def small(steps, tokens=("[U]", "a", "b", "ab", "aba")):
    config = VocabConfig(model="bpe", special_tokens=("[U]",), vocab_size=(9,))
    return Vocabulary(config, tokens, np.array(steps, np.int32).reshape(-1, 3), 3)


def test_bytes_print_as_in_gpt2():
    assert set(BYTE_TO_CHAR) == set(ByteLevel.alphabet()) and BYTE_TO_CHAR[0x20] == "Ġ"
    assert [CHAR_TO_BYTE[char] for char in BYTE_TO_CHAR] == list(range(256))


def test_a_prefix_is_what_a_smaller_run_gives():
    vocabulary = small([(1, 2, 3), (3, 1, 4)])
    four = vocabulary.prefix(4)
    assert four.tokens == ("[U]", "a", "b", "ab") and four.merges.tolist() == [[1, 2, 3]]
    assert four.config.sizes == (4,) and four.missing == 0
    assert len(vocabulary.prefix(3).merges) == 0
    whole = vocabulary.prefix(99)
    assert whole.tokens == vocabulary.tokens and len(whole.merges) == 2
    assert (vocabulary.missing, whole.missing) == (4, 94)


def test_a_prefix_below_the_alphabet_is_refused_with_the_numbers():
    with pytest.raises(ConfigError, match=r"vocab_size=2 .* 1 special .* 2: the least is 3"):
        small([]).prefix(2)


def test_a_pair_merged_twice_keeps_its_last_rank():
    vocabulary = small([(1, 2, 3), (3, 1, 4), (1, 2, 3)])
    assert vocabulary.merges.tolist() == [[3, 1, 4], [1, 2, 3]]
    assert vocabulary.prefix(4).merges.tolist() == [[1, 2, 3]]


def test_token_bytes_are_without_marks():
    config = VocabConfig(special_tokens=("[UNK]",))
    vocabulary = Vocabulary(config, ("[UNK]", "å", "##å"), np.zeros((0, 3), np.int32), 3)
    assert [vocabulary.token_bytes(i) for i in range(3)] == [b"[UNK]", "å".encode(), "å".encode()]
    byte = Vocabulary(VocabConfig(model="byte-bpe", special_tokens=()), ("Ġa",), small([]).steps, 1)
    assert byte.token_bytes(0) == b" a"
