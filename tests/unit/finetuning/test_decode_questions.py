import json
import lzma
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.finetuning.rows import BERT, TOKENIZERS, WORDS, ids_of, questions_of
from tests.unit.finetuning.test_encode_questions import long_context, placed
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.decode_questions import answer_strings, decode_questions, null_lead
from tokpipe.finetuning.encode_questions import encode_questions
from tokpipe.finetuning.tasks.qa import TASK, gold_answers
from tokpipe.metrics.answers import answer_f1
from tokpipe.tasks.answering import question_answers
from tokpipe.tokenizer.tokenizer import Tokenizer

ALL = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)


def gold_logits(examples):
    """Return logits that say what is to be learned."""
    logits = np.zeros((len(examples.input_ids), 2), np.float32)
    for side in (0, 1):
        logits[examples.offsets[:-1] + examples.answer_spans[:, side], side] = 9
    return logits


def texts(data, found, threshold=None):
    return [text.decode() for text in answer_strings(data, found, threshold).iter_bytes()]


@ALL
@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 5), (1_500, 1_501), (2_999, 2_999)])
def test_answers_come_back_from_three_thousand_words(tokenizer, first, last):
    words = long_context()
    data = questions_of(placed(words, first, last))
    examples = encode_questions(data, tokenizer, WindowConfig(max_seq_length=200), None)
    found = decode_questions(data, examples, gold_logits(examples), 5, 100)
    assert texts(data, found) == [" ".join(words[first : last + 1])]
    assert found.score.tolist() == [18.0]


@ALL
@given(
    contexts=st.lists(st.lists(st.sampled_from(WORDS[5:]), min_size=1, max_size=50), max_size=4),
    most=st.integers(8, 40),
    data=st.data(),
)
def test_answers_that_windows_hold_come_back_byte_for_byte(tokenizer, contexts, most, data):
    rows = []
    for words in contexts:
        first = data.draw(st.integers(0, len(words) - 1))
        last = data.draw(st.integers(first, min(first + 3, len(words) - 1)))
        rows.append(placed(words, first, last))
    asked = questions_of(*rows)
    stride = data.draw(st.none() | st.integers(0, (most - 4) // 2 - 1))
    config = WindowConfig(max_seq_length=most, stride=stride)
    examples = encode_questions(asked, tokenizer, config, None)
    found = decode_questions(asked, examples, gold_logits(examples), 3, 100)
    asks = ~examples.paragraphs.placed & (examples.answer_spans[:, 1] > 0)
    expected = dict.fromkeys(examples.row[asks].tolist())
    shown = texts(asked, found)
    for number in expected:
        assert shown[number] == rows[number][2][0][0]
        assert found.start[number] == asked.answer_starts[number]
    assert len(shown) == len(rows) and found.borders[-1] == len(found.starts)


def every_answer(examples, logits, number, longest):
    """Return all answers to a question with their scores, one by one, the best of equal ones."""
    scores = {}
    windows = examples.paragraphs
    for window in np.flatnonzero((examples.row == number) & ~windows.placed):
        base = examples.offsets[window] + windows.places[window]
        tokens = range(windows.first[window], windows.last[window])
        for i, first in enumerate(tokens):
            for j, last in enumerate(tokens):
                if not i <= j < i + longest:
                    continue
                (start, whole), (other, end) = windows.spans[[first, last]].tolist()
                if start == whole or other == end:
                    continue
                score = np.float32(logits[base + i, 0] + logits[base + j, 1])
                scores[start, end] = max(score, scores.get((start, end), -np.inf))
    return sorted(((score, *place) for place, score in scores.items()), key=lambda s: -s[0])


@ALL
@given(seed=st.integers(0, 99), n_best=st.integers(1, 6), longest=st.integers(1, 9))
def test_the_best_answers_are_those_that_one_by_one_would_find(tokenizer, seed, n_best, longest):
    generator = np.random.default_rng(seed)
    rows = [placed(generator.choice(WORDS[5:], n).tolist(), 0, 0) for n in (1, 4, 30)]
    asked = questions_of(*rows, (rows[2][0], "a b", []))
    config = WindowConfig(max_seq_length=16, stride=3)
    examples = encode_questions(asked, tokenizer, config, None)
    logits = generator.permutation(4 * len(examples.input_ids))[: 2 * len(examples.input_ids)]
    logits = (logits.reshape(-1, 2) / 8).astype(np.float32)
    found = decode_questions(asked, examples, logits, 50, longest)
    few = decode_questions(asked, examples, logits, n_best, longest)
    for number in range(4):
        scores = every_answer(examples, logits, number, longest)
        own = slice(*found.borders[number : number + 2])
        if not scores:
            assert own.start == own.stop and few.score[number] == -np.inf
            continue
        top = few.scores[slice(*few.borders[number : number + 2])].tolist()
        assert len(top) <= n_best and top[0] == scores[0][0] == few.score[number]
        assert (few.start[number], few.end[number]) in [s[1:] for s in scores if s[0] == top[0]]
        assert (found.scores[own] == [s[0] for s in scores[: own.stop - own.start]]).all()
        assert abs(few.probabilities[slice(*few.borders[number : number + 2])].sum() - 1) < 1e-6
    null = logits[examples.offsets[:-1]].sum(axis=1)
    least = [null[examples.row == number].min() for number in range(4)]
    assert found.null_score.tolist() == least


def test_windows_that_were_put_around_an_answer_do_not_answer():
    words = ["a"] * 100
    words[35:60] = ["b"] * 25
    data = questions_of(placed(words, 35, 59))
    examples = encode_questions(data, BERT, WindowConfig(max_seq_length=45, stride=2), None)
    found = decode_questions(data, examples, gold_logits(examples), 1, 100)
    assert examples.paragraphs.placed.sum() == 1 and found.score.tolist() == [0.0]
    plain = replace(examples.paragraphs, placed=np.zeros(len(examples), bool))
    found = decode_questions(
        data, replace(examples, paragraphs=plain), gold_logits(examples), 1, 100
    )
    assert texts(data, found) == [" ".join(["b"] * 25)]


def test_answers_of_all_windows_compete_and_overlaps_count_once():
    words = long_context(100)
    data = questions_of(placed(words, 0, 0))
    examples = encode_questions(data, BERT, WindowConfig(max_seq_length=40), None)
    logits = np.zeros((len(examples.input_ids), 2), np.float32)
    shared = examples.paragraphs.first[1] + 1  # a token of the first two windows
    for window, good in ((0, 2.0), (1, 5.0)):
        place = examples.offsets[window] + examples.paragraphs.places[window]
        logits[place + shared - examples.paragraphs.first[window]] = good
    found = decode_questions(data, examples, logits, 4)
    spans = list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    assert found.scores[0] == 10.0 and len(set(spans)) == len(spans) == 4


def test_no_answer_is_taken_where_it_scores_better_by_more_than_the_threshold():
    data = questions_of(("the words", "b", [("words", 4)]), ("the", "b", []))
    examples = encode_questions(data, BERT, WindowConfig(), None)
    found = decode_questions(data, examples, gold_logits(examples))
    assert found.score.tolist() == [18, 0] and found.null_score.tolist() == [0, 18]
    assert texts(data, found) == ["words", "the"]
    assert texts(data, found, 0.0) == ["words", ""]
    assert texts(data, found, 18.0) == ["words", "the"]
    assert texts(data, found, -19.0) == ["", ""]


@pytest.mark.parametrize("answerable", [True, False])
def test_a_threshold_that_was_searched_says_what_the_search_saw(answerable):
    rows = [("the words it", "b", [("words", 4)] if answerable else [])] * 20
    data = questions_of(*rows, ("", "b", []), ("\u200b", "b", []))
    examples = encode_questions(data, BERT, WindowConfig(), None)
    for seed in range(20):
        logits = np.random.default_rng(seed).normal(size=(len(examples.input_ids), 2))
        found = decode_questions(data, examples, logits.astype(np.float32))
        (threshold,) = TASK.tune(data, found).values()
        said = texts(data, found, threshold)
        best = 1.0 if not answerable else max(
            mean_f1(data, texts(data, found, one)) for one in [*null_lead(found), -np.inf]
        )  # fmt: skip
        assert mean_f1(data, said) == pytest.approx(best)
        answered = [answer.answer for answer in question_answers(data, found, threshold)]
        assert said == [answer.text if answer else "" for answer in answered]


def mean_f1(data, said):
    return np.mean([answer_f1(*one) for one in zip(said, gold_answers(data), strict=True)])


def test_a_paragraph_without_a_token_has_no_answer():
    data = questions_of(("", "b", []), ("\u200b", "b", []), ("a", "b", []))
    examples = encode_questions(data, BERT, WindowConfig(), None)
    found = decode_questions(data, examples, np.ones((len(examples.input_ids), 2), np.float32))
    assert found.score.tolist() == [-np.inf, -np.inf, 2] and texts(data, found) == ["", "", "a"]
    assert np.diff(found.borders).tolist() == [0, 0, 1]
    assert texts(data, found, 5.0) == ["", "", "a"]


def test_spaces_that_tokens_begin_with_are_no_part_of_an_answer():
    data = questions_of(("he the\n the ", "he", [("the", 8)]))
    examples = encode_questions(data, TOKENIZERS["roberta"], WindowConfig(), None)
    found = decode_questions(data, examples, gold_logits(examples), 50)
    assert texts(data, found) == ["the"]
    context = data.contexts.bytes_of(0)
    shown = [context[a:b] for a, b in zip(found.starts, found.ends, strict=True)]
    assert all(text == text.strip() != b"" for text in shown)


def test_answers_are_cut_out_of_a_part_of_a_buffer():
    words = ["é", "東京", "a"]
    whole = questions_of(("日", "b", []), placed(words, 1, 1))
    data = replace(whole, **{
        f.name: value for f in fields(whole)
        if (value := taken(getattr(whole, f.name), f.name)) is not None
    })  # fmt: skip
    examples = encode_questions(data, BERT, WindowConfig(), None)
    found = decode_questions(data, examples, gold_logits(examples))
    assert texts(data, found) == ["東京"] and found.start.tolist() == [3]


def taken(values, name):
    """Leave the first row out of a column, its text in the buffer."""
    if name in ("contexts", "questions", "ids"):
        return type(values)(values.data, values.offsets[1:])
    return {"context_of": np.array([0]), "answer_borders": np.array([0, 1])}.get(name)


@pytest.mark.parametrize("language", ["en", "zh", "ar"])
@pytest.mark.parametrize("most", [384, 128])
def test_real_answers_come_back_but_for_those_that_end_inside_of_a_token(
    shared_data, language, most
):
    tokenizer = Tokenizer.load(shared_data / "vocab" / "bert-base-cased-vocab.txt")
    data = xquad(shared_data, language)
    examples = encode_questions(data, tokenizer, WindowConfig(max_seq_length=most), 512)
    found = decode_questions(data, examples, gold_logits(examples), 2, 200)
    reached = np.zeros(len(data), bool)  # by windows that know nothing of answers
    asks = ~examples.paragraphs.placed & (examples.answer_spans[:, 1] > 0)
    reached[examples.row[asks]] = True
    assert (~reached).sum() == examples.lost + examples.paragraphs.placed.sum()
    assert reached.all() or (most == 128 and language == "ar" and reached.mean() > 0.95)
    gold, shown = list(data.answers.iter_bytes()), texts(data, found)
    pairs = [(gold[i].decode(), shown[i]) for i in np.flatnonzero(reached)]
    assert all(answer in text for answer, text in pairs)
    assert sum(answer != text for answer, text in pairs) <= 3


def xquad(shared_data, language):
    plain = shared_data / "tasks" / "xquad" / f"xquad.{language}.json"
    packed = plain.with_suffix(".json.xz")
    raw = plain.read_bytes() if plain.exists() else lzma.decompress(packed.read_bytes())
    return questions_of(*(
        (paragraph["context"], asked["question"], [(found["text"], found["answer_start"])])
        for article in json.loads(raw)["data"]
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
        for found in asked["answers"][:1]
    ))  # fmt: skip


def test_no_question_is_no_prediction():
    data = questions_of()
    examples = encode_questions(data, BERT, WindowConfig(), None)
    found = decode_questions(data, examples, np.zeros((0, 2), np.float32))
    assert len(found.start) == len(found.null_score) == len(texts(data, found)) == 0


def test_ids_of_a_question_do_not_answer_it():
    data = questions_of(("the words", "the words", []))
    examples = encode_questions(data, BERT, WindowConfig(), None)
    logits = np.zeros((len(examples.input_ids), 2), np.float32)
    logits[: 2 + len(ids_of(BERT, "the words"))] = 50  # all but the paragraph
    assert decode_questions(data, examples, logits).score.tolist() == [0]
