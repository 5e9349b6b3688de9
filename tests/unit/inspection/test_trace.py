"""Both traces, followed by hand, and held against the `tokenizers` library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.models import BPE, WordPiece

from tests.unit.inspection.printing import shown
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.terminal.trace import trace_renderable
from tokpipe.inspection.trace import MatchStep, trace_bpe, trace_wordpiece

VOCABULARY = {"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3, "a": 4, "##a": 5, "u": 6}


def test_longest_match_tries_the_longest_first():
    # "una" is not in the vocabulary, "un" is; then ##able does not fit behind "un" (aff...),
    # the longest that does is ##aff; then ##able fits whole.
    trace = trace_wordpiece("unaffable", VOCABULARY, prefix="##", unk_token="[UNK]")
    assert trace.tokens == ("un", "##aff", "##able") and trace.ids == (1, 2, 3)
    assert trace.steps[2] == MatchStep(5, ("##able",), "##able", 3)
    assert trace.steps[1].tried == ("##affable", "##affabl", "##affab", "##affa", "##aff")


def test_a_word_with_one_gap_is_unknown_as_a_whole():
    trace = trace_wordpiece("una?", VOCABULARY, prefix="##", unk_token="[UNK]")
    assert trace.tokens == ("[UNK]",) and "character 3" in trace.note


def test_a_word_that_is_too_long_is_not_looked_up():
    trace = trace_wordpiece("a" * 101, VOCABULARY, prefix="##", unk_token="[UNK]")
    assert trace.tokens == ("[UNK]",) and trace.steps == ()


@given(st.text("ab", min_size=1, max_size=9), st.sets(st.text("ab", min_size=1, max_size=3)))
def test_longest_match_equals_the_tokenizers_library(word, pieces):
    tokens = ["[UNK]", *sorted(pieces), *(f"##{piece}" for piece in sorted(pieces))]
    vocabulary = {token: id for id, token in enumerate(tokens)}
    theirs = WordPiece(vocabulary, unk_token="[UNK]").tokenize(word)
    ours = trace_wordpiece(word, vocabulary, prefix="##", unk_token="[UNK]")
    assert [token.id for token in theirs] == list(ours.ids)


@given(st.text("abc", min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_merging_by_rank_equals_the_tokenizers_library(word, random):
    tokens, merges = ["a", "b", "c"], []
    for _ in range(8):
        pair = random.choice(tokens), random.choice(tokens)
        if "".join(pair) not in tokens:
            merges.append(pair)
            tokens.append("".join(pair))
    vocabulary = {token: id for id, token in enumerate(tokens)}
    table = {pair: (rank, "".join(pair)) for rank, pair in enumerate(merges)}
    theirs = BPE(vocabulary, merges).tokenize(word)
    assert [token.id for token in theirs] == list(trace_bpe(word, table, vocabulary).ids)


def test_one_merge_at_a_time_where_a_lower_rank_comes_of_it():
    merges = {("ab", "a"): (0, "aba"), ("a", "b"): (1, "ab")}
    trace = trace_bpe("abab", merges, {})
    assert trace.tokens == ("aba", "b") and [step.rank for step in trace.steps] == [1, 0]
    theirs = BPE({"a": 0, "b": 1, "ab": 2, "aba": 3}, list(merges)).tokenize("abab")
    assert [token.value for token in theirs] == ["aba", "b"]


def test_merges_of_one_pair_in_a_row_are_one_step():
    trace = trace_bpe("ababc", {("a", "b"): (0, "ab"), ("b", "c"): (1, "bc")}, {})
    assert [step.symbols for step in trace.steps] == [("ab", "ab", "c")]


def test_merge_trace_names_what_waits():
    merges = {("a", "b"): (0, "ab"), ("b", "c"): (1, "bc"), ("ab", "c"): (2, "abc")}
    trace = trace_bpe("abc", merges, {"abc": 7})
    assert [step.others for step in trace.steps] == [((("b", "c"), 1),), ()]
    assert shown(trace_renderable(trace, TokenForm(), "merges by rank")) == (
        "abc  merges by rank\n"
        "  start         a┊b┊c\n"
        "  rank 0        ab┊c\n"
        "                waiting: (b, c) 1\n"
        "  rank 2        abc\n"
        "  → 1 token\n"
        "    abc 7\n"
    )


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_of_a_trace_is_wider_than_the_terminal(width):
    trace = trace_wordpiece("una" * 9, VOCABULARY, prefix="##", unk_token="[UNK]")
    drawn = shown(trace_renderable(trace, TokenForm(prefix="##"), "longest match"), width=width)
    if width >= 40:
        assert max(map(len, drawn.splitlines())) <= width
