import pytest

from tests.unit.vocab.counted import counted
from tokpipe.foundation.errors import ArtifactError, ConfigError, InputError
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.train import train


class Listener:
    def __init__(self):
        self.notes, self.done, self.total = [], 0, None

    def task(self, label, total, unit):
        from contextlib import nullcontext

        self.total = total
        return nullcontext(self._add)

    def _add(self, units):
        self.done += units

    def note(self, message):
        self.notes.append(message)


def bpe(**settings):
    return VocabConfig(**{"model": "bpe", "special_tokens": (), **settings})


def merged(vocabulary):
    return [(vocabulary.tokens[a], vocabulary.tokens[b]) for a, b, _ in vocabulary.merges.tolist()]


def test_the_textbook_string_gives_z_y_x():
    config = bpe(vocab_size=(7,), tie_break="first-seen")
    vocabulary = train(counted({"aaabdaaabac": 1}), config)
    assert vocabulary.tokens == ("a", "b", "c", "d", "aa", "ab", "aaab")


def test_counts_past_two_to_the_33_do_not_overflow():
    # tokenizers counts pairs in 32 bits: there xy would be 2^32 and vanish
    words = {"xy": 2**33, "yz": 2**33 - 1, "zx": 2_300_000_000, "xx": 2_200_000_000, "zz": 2**30}
    vocabulary = train(counted(words), bpe(vocab_size=(8,)))
    assert merged(vocabulary) == [("x", "y"), ("y", "z"), ("z", "x"), ("x", "x"), ("z", "z")]


def test_sums_of_counts_past_two_to_the_31_and_the_order_they_give():
    words = {f"ab{c}": 2**30 - 1 for c in "cdef"} | {"gh": 2**32 - 5}  # ab: 2^32 - 4
    vocabulary = train(counted(words), bpe(vocab_size=(10,)))
    assert merged(vocabulary) == [("a", "b"), ("g", "h")]


def test_progress_counts_merges_and_a_small_corpus_is_told():
    listener = Listener()
    vocabulary = train(counted({"abab": 1, "x": 7}), bpe(vocab_size=(30,)), listener)
    assert vocabulary.tokens == ("a", "b", "x", "ab")
    assert listener.notes == [
        "asked 30 tokens, reached 4: no other pair is left that occurs 2 times"
    ]
    assert (listener.done, listener.total) == (1, 27)


def test_a_size_below_the_alphabet_is_refused_with_the_numbers():
    with pytest.raises(ConfigError, match="cannot hold 5 special tokens and an alphabet of 256"):
        train(counted({"ab": 1}), VocabConfig(model="byte-bpe", vocab_size=(260, 1000)))
    exact = VocabConfig(model="byte-bpe", vocab_size=(261,))
    assert len(train(counted({"abab": 9}), exact)) == 261


def test_no_words_at_all_is_an_input_error():
    with pytest.raises(InputError, match="no word"):
        train(counted({}), VocabConfig())


@pytest.mark.parametrize("word", [b"\xff\xff\xff\xff", b"ab\xf4\xbf\xbf\xbf", b"\xed\xa0\x80"])
def test_broken_utf8_is_refused_and_never_read_past(word):
    with pytest.raises(ArtifactError, match="not UTF-8"):
        train(counted({word: 1, b"ok": 2}), bpe(vocab_size=(30,)))


@pytest.mark.parametrize("count", [0, -1, -(2**40)])
def test_counts_below_one_are_refused(count):
    with pytest.raises(ArtifactError, match=f"a count of {count}"):
        train(counted({"ab": count, "cd": 5}), bpe(vocab_size=(30,)))


def test_ten_runs_give_one_result():
    words = {"low": 5, "lower": 2, "newest": 6, "widest": 3, "wider": 4, "##est": 3}
    for config in (bpe(vocab_size=(19,)), VocabConfig(vocab_size=(40,), special_tokens=())):
        runs = [train(counted(words), config) for _ in range(10)]
        assert len({(run.tokens, run.steps.tobytes()) for run in runs}) == 1


def test_a_prefix_is_what_a_smaller_run_gives():
    words = {"low": 5, "lower": 2, "newest": 6, "widest": 3, "wider": 4}
    large = train(counted(words), bpe(vocab_size=(14, 19)))
    for size in range(12, 20):
        small = train(counted(words), bpe(vocab_size=(size,)))
        cut = large.prefix(size)
        assert cut.tokens == small.tokens and cut.merges.tolist() == small.merges.tolist()


def test_bytes_that_are_not_utf8_alone_are_symbols_of_a_byte_vocabulary():
    config = VocabConfig(model="byte-bpe", special_tokens=(), vocab_size=(258,))
    vocabulary = train(counted({"åå".encode(): 3, b"\xff\xa5\xff": 1}), config)
    assert [vocabulary.token_bytes(i) for i in (256, 257)] == [b"\xc3\xa5", b"\xc3\xa5\xc3\xa5"]


def test_a_token_that_two_merges_make_has_one_id_and_both_merges():
    # "##b" is the mark's own text, and also what b is called inside a word.
    words = {"##b": 9, "ab": 5, "#": 1}
    vocabulary = train(counted(words), VocabConfig(special_tokens=(), vocab_size=(20,)))
    assert len(set(vocabulary.tokens)) == len(vocabulary.tokens)
    makers = [row for row in merged(vocabulary) if row[0] + row[1].removeprefix("##") == "##b"]
    assert makers and vocabulary.ids["##b"] < vocabulary.base_size


def test_one_long_word_is_merged_like_many_short_ones():
    word = "abc" * 50_000
    vocabulary = train(counted({word: 1}), bpe(vocab_size=(12,)))
    assert vocabulary.tokens[3:6] == ("ab", "abc", "abcabc")
