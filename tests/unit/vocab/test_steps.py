from fractions import Fraction

from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.steps import trace_merges

TEXTBOOK = VocabConfig(model="bpe", special_tokens=(), tie_break="first-seen")


def test_the_table_shows_counts_and_the_tie():
    trace = trace_merges({"aaabdaaabac": 1}, TEXTBOOK, 3)
    first, second, third = trace.steps
    assert [(row.left, row.right, row.count) for row in first.table[:2]] == [
        ("a", "a", 4),
        ("a", "b", 2),
    ]
    assert first.ties == [] and not first.table[-1].allowed
    assert [(row.left, row.right) for row in second.ties] == [("aa", "a")]
    assert (third.left, third.right, third.token, third.id) == ("aa", "ab", "aaab", 6)
    assert trace.words == [(["aaab", "d", "aaab", "a", "c"], 1)]
    assert trace.alphabet == ["a", "b", "c", "d"] and trace.tokens[4:] == ["aa", "ab", "aaab"]


def test_it_stops_where_no_pair_is_left():
    trace = trace_merges({"abab": 1}, TEXTBOOK, 99)
    assert [step.token for step in trace.steps] == ["ab"]
    assert trace.words == [(["ab", "ab"], 1)]


def test_wordpiece_scores_are_exact():
    words = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
    config = VocabConfig(special_tokens=(), score="likelihood")
    (step,) = trace_merges(words, config, 1).steps
    assert step.token == "##gs" and step.chosen.score == Fraction(1, 20)
    assert (step.chosen.left_count, step.chosen.right_count) == (20, 5)
