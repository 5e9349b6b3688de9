import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.finetuning.rows import (
    BERT,
    TOKENIZERS,
    WORDS,
    ids_of,
    questions_of,
    types_of,
    windows_of,
)
from tests.unit.tokenizer.test_foreign import unigram
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_offsets import encode_located
from tokpipe.finetuning.encode_questions import encode_questions
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError

__all__ = ["unigram"]
ALL = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
FILLER = ("the", "unseen", "words", "a", "b.b", "é", "東")


def long_context(words=3_000, seed=1):
    return np.random.default_rng(seed).choice(FILLER, words).tolist()


def placed(words, first, last):
    """Return a question on words, answered by those from `first` to `last`."""
    context, answer = " ".join(words), " ".join(words[first : last + 1])
    at = len(" ".join(words[:first])) + (first > 0)
    return context, "who ?", [(answer, at)]


def targets(found, data):
    """Return, of each window, the text of its target, or None."""
    texts = []
    for window, (first, last) in enumerate(found.answer_spans.tolist()):
        if first == last == 0:
            texts.append(None)
            continue
        base = found.paragraphs.first[window] - found.paragraphs.places[window]
        spans = found.paragraphs.spans[base + np.array([first, last])]
        context = data.contexts.bytes_of(data.context_of[found.row[window]])
        texts.append(context[spans[0, 0] : spans[1, 1]].decode().strip())
    return texts


@ALL
def test_short_questions_are_encoded_as_pairs(tokenizer):
    rows = [("the words. a", "b ?", [("words", 4)]), ("é 東京", "the ?", []), ("", "a", [])]
    data = questions_of(*rows)
    found = encode_questions(data, tokenizer, WindowConfig(), None)
    pairs = [tokenizer.encode(question, context) for context, question, _ in rows]
    assert windows_of(found) == [pair.ids for pair in pairs]
    if found.token_type_ids is not None:
        assert types_of(found) == [pair.type_ids for pair in pairs]
    assert targets(found, data) == ["words", None, None]
    assert found.windowed == found.cut == found.lost == 0


@ALL
@pytest.mark.parametrize(("first", "last"), [
    (0, 0), (0, 5), (1_500, 1_501), (2_990, 2_995), (2_999, 2_999), (2_000, 2_012),
])  # fmt: skip
def test_answers_are_found_wherever_they_stand_in_three_thousand_words(tokenizer, first, last):
    words = long_context()
    data = questions_of(placed(words, first, last))
    config = WindowConfig(max_seq_length=200, stride=64)
    found = encode_questions(data, tokenizer, config, None)
    shown = targets(found, data)
    assert set(shown) == {None, " ".join(words[first : last + 1])}
    assert found.windowed == 1 and found.lost == 0 and not found.paragraphs.placed.any()
    assert found.lengths.max() == 200
    whole = len(ids_of(tokenizer, " ".join(words)))
    assert found.paragraphs.first[0] == 0 and found.paragraphs.last[-1] == whole
    if first == 0:
        assert shown[0] and not shown[-1]
    if last == 2_999:
        assert shown[-1] and not shown[0]


def test_an_answer_across_a_border_of_windows_is_whole_in_the_next():
    words = ["the"] * 100
    data = questions_of(placed(words, 38, 43))
    config = WindowConfig(max_seq_length=45, stride=10)  # 40 words a window
    found = encode_questions(data, BERT, config, None)
    assert found.paragraphs.first.tolist() == [0, 30, 60]
    assert found.answer_spans.tolist() == [[0, 0], [12, 17], [0, 0]]


def test_an_answer_longer_than_windows_share_gets_one_of_its_own_to_learn_from():
    words = ["a"] * 100
    words[35:60] = ["b"] * 25
    data = questions_of(placed(words, 35, 59), placed(words, 0, 0))
    config = WindowConfig(max_seq_length=45, stride=2)
    found = encode_questions(data, BERT, config, None)
    own = found.paragraphs.placed
    assert own.tolist() == [False, False, False, True, False, False, False]
    assert found.row.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert targets(found, data) == [None, None, None, " ".join(["b"] * 25), "a", None, None]
    assert (found.paragraphs.first[3], found.paragraphs.last[3]) == (27, 67)
    assert found.windowed == 2 and found.lost == 0


@pytest.mark.parametrize(("first", "last"), [(60, 99), (0, 39), (50, 80)])
def test_a_window_around_an_answer_stays_in_the_paragraph(first, last):
    words = [*"ab" * 50]
    data = questions_of(placed(words, first, last))
    found = encode_questions(data, BERT, WindowConfig(max_seq_length=45, stride=3), None)
    assert " ".join(words[first : last + 1]) in targets(found, data)
    assert found.lengths.max() <= 45 and found.lost == 0


def test_an_answer_longer_than_a_window_is_lost_and_counted():
    words = ["a"] * 100
    data = questions_of(placed(words, 5, 60), placed(words, 5, 6))
    found = encode_questions(data, BERT, WindowConfig(max_seq_length=45), None)
    assert found.lost == 1 and set(targets(found, data)[:3]) == {None}


def test_an_answer_without_a_token_is_lost_and_counted():
    data = questions_of(("a \u200b b", "b", [("\u200b", 2)]), ("", "b", [("", 0)]))
    found = encode_questions(data, BERT, WindowConfig(), None)
    assert found.lost == 2 and found.answer_spans.tolist() == [[0, 0], [0, 0]]


def test_a_window_learns_the_first_answer_that_it_holds():
    words = ["the"] * 100
    words[5], words[90], words[91] = "a", "b", "c"
    context, question, one = placed(words, 5, 5)
    two, three = placed(words, 90, 91)[2], placed(words, 90, 90)[2]
    data = questions_of((context, question, [*two, *one, *three]))
    found = encode_questions(data, BERT, WindowConfig(max_seq_length=45, stride=10), None)
    assert targets(found, data) == ["a", None, "b c"]


def test_a_long_question_is_cut_and_counted_but_leaves_half_the_room():
    data = questions_of(("the words", "a " * 70, [("words", 4)]), ("the words", "b", []))
    found = encode_questions(data, BERT, WindowConfig(), None)
    assert found.cut == 1 and found.lengths[0] == 64 + 3 + len(ids_of(BERT, "the words"))
    short = encode_questions(data, BERT, WindowConfig(max_seq_length=9), None)
    assert short.lengths.max() == 9 and short.paragraphs.places[0] == 5


def test_answers_begin_and_end_inside_of_tokens_and_beside_spaces():
    data = questions_of(
        ("the unseen words", "b", [("seen word", 6)]),
        ("the unseen words", "b", [(" unseen ", 3)]),
        ("東京 é", "b", [("京 é", 1)]),
        ("😀a\u0301\u0302b e\u0301", "b", [("a\u0301\u0302b", 1)]),
        ("😀a e\u0301", "b", [("e\u0301", 3)]),
    )
    found = encode_questions(data, BERT, WindowConfig(), None)
    assert targets(found, data) == ["seen word", "unseen", "京 é", "a\u0301\u0302b", "e\u0301"]


def test_a_tokenizer_of_the_library_does_it_too(unigram):
    tokenizer, _ = unigram
    data = questions_of(("low löw lower w", "low", [("lower", 8)]), ("日 low", "w", [("low", 2)]))
    found = encode_questions(data, tokenizer, WindowConfig(), None)
    assert targets(found, data) == ["lower", "low"]
    expected = [
        tokenizer.encode(*pair).ids for pair in (("low", "low löw lower w"), ("w", "日 low"))
    ]
    assert windows_of(found) == expected


@ALL
@given(
    contexts=st.lists(st.lists(st.sampled_from(WORDS), max_size=60), max_size=4),
    most=st.integers(8, 40),
    data=st.data(),
)
def test_every_answer_that_fits_is_whole_in_a_window(tokenizer, contexts, most, data):
    rows = []
    for words in contexts:
        answers = []
        for _ in range(data.draw(st.integers(0, 3)) if words else 0):
            first = data.draw(st.integers(0, len(words) - 1))
            last = data.draw(st.integers(first, len(words) - 1))
            answers += placed(words, first, last)[2]
        rows.append((" ".join(words), "a b", answers))
    asked = questions_of(*rows)
    stride = data.draw(st.none() | st.integers(0, (most - 4) // 2 - 1))
    config = WindowConfig(max_seq_length=most, stride=stride)
    found = encode_questions(asked, tokenizer, config, None)
    assert found.lengths.max(initial=0) <= most
    assert np.unique(found.row).tolist() == list(range(len(rows))) and len(found) == len(found.row)
    lost = sum(check_targets(tokenizer, found, asked, number) for number in range(len(rows)))
    assert lost == found.lost


def check_targets(tokenizer, found, asked, number):
    """Hold the targets of a question against its answers one by one; return how many are lost."""
    spans = encode_located(tokenizer, take_context(asked, number)).spans.tolist()
    ranges, lost = [], 0
    for answer in range(*asked.answer_borders[number : number + 2]):
        start = asked.answer_starts[answer]
        end = start + np.diff(asked.answers.offsets)[answer]
        tokens = [i for i, (a, b) in enumerate(spans) if b > start and a < end]
        ranges += [(tokens[0], tokens[-1])] if tokens else []
        lost += not tokens
    windows = np.flatnonzero(found.row == number)
    base = found.paragraphs.first[windows[0]]
    held = set()
    for window in windows:
        first, last = found.paragraphs.first[window] - base, found.paragraphs.last[window] - base
        inside = [(a, b) for a, b in ranges if first <= a and b < last]
        held.update(inside)
        place = found.paragraphs.places[window]
        expected = [t - first + place for t in inside[0]] if inside else [0, 0]
        if found.paragraphs.placed[window]:
            target = (found.answer_spans[window] - place + first).tolist()
            assert tuple(target) in inside
        else:
            assert found.answer_spans[window].tolist() == expected
    room = max(found.paragraphs.last[windows] - found.paragraphs.first[windows])
    assert all(span in held for span in ranges if span[1] - span[0] < room)
    return lost + sum(span not in held for span in ranges)


def take_context(asked, number):
    return Strings.from_list([asked.contexts.bytes_of(asked.context_of[number])])


def test_a_stride_that_no_window_can_share_is_an_error():
    data = questions_of(placed(["a"] * 50, 0, 0))
    with pytest.raises(ConfigError, match="stride=40: windows of 40 tokens of text share fewer"):
        encode_questions(data, BERT, WindowConfig(max_seq_length=45, stride=40), None)


def test_no_question_is_no_window():
    found = encode_questions(questions_of(), BERT, WindowConfig(), None)
    assert len(found) == found.logit_count == 0 and found.answer_spans.shape == (0, 2)


def test_threads_change_nothing():
    data = questions_of(*(placed(long_context(300, seed), seed, seed + 3) for seed in range(9)))
    one, two = (
        encode_questions(data, BERT, WindowConfig(max_seq_length=90), 80, n) for n in (1, 3)
    )
    assert np.array_equal(one.input_ids, two.input_ids)
    assert np.array_equal(one.answer_spans, two.answer_spans)
