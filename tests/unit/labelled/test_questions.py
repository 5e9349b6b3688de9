import gzip
import json

import pytest

from tests.unit.labelled.files import strings
from tokpipe.foundation.errors import InputError
from tokpipe.labelled.questions import read_questions


def question(id="q1", text="Who?", answers=(("Åke", 4),), **more):
    found = [{"text": answer, "answer_start": start} for answer, start in answers]
    return {"id": id, "question": text, "answers": found, **more}


def document(*paragraphs, **more):
    found = [{"context": context, "qas": list(qas)} for context, qas in paragraphs]
    return {"version": "1.1", "data": [{"title": "A", "paragraphs": found}], **more}


def read(folder, content, *, name="a.json", **settings):
    if not isinstance(content, bytes):
        content = json.dumps(content, indent=1, ensure_ascii=False).encode()
    (folder / name).write_bytes(content)
    return read_questions(folder / name, **settings)


CONTEXT = "Då: Åke å Bo"


def test_answers_are_placed_in_bytes(tmp_path):
    asked = question(answers=[("Åke", 4), ("Bo", 10), ("Åke", 4)]), question("q2", "Är?")
    data = read(tmp_path, document((CONTEXT, asked), ("Åke!", [question("3", answers=[("!", 3)])])))
    assert strings(data.contexts) == [CONTEXT, "Åke!"]
    assert data.context_of.tolist() == [0, 0, 1]
    assert strings(data.questions) == ["Who?", "Är?", "Who?"]
    assert strings(data.ids) == ["q1", "q2", "3"]
    assert strings(data.answers) == ["Åke", "Bo", "Åke", "Åke", "!"]
    assert data.answer_starts.tolist() == [5, 13, 5, 5, 4]
    assert data.answer_borders.tolist() == [0, 3, 4, 5]
    assert len(data) == 3


def test_what_cannot_be_answered_has_no_answers(tmp_path):
    never = {
        "id": "q3",
        "question": "Why?",
        "is_impossible": True,
        "plausible_answers": [{"text": "Bo", "answer_start": 10}],
    }
    asked = [
        question("q1", is_impossible=False),
        question("q2", answers=(), is_impossible=True),
        never,
        question("q4", answers=()),
    ]
    data = read(tmp_path, document((CONTEXT, asked), version="v2.0"))
    assert data.answer_borders.tolist() == [0, 1, 1, 1, 1]


def test_a_mark_and_compression_do_not_matter(tmp_path):
    content = b"\xef\xbb\xbf" + json.dumps(document((CONTEXT, [question()]))).encode()
    assert len(read(tmp_path, content)) == 1
    assert len(read(tmp_path, gzip.compress(content), name="a.json.gz")) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (("Åke", 3), "the answer 'Åke' is not at character 3 of its context\nIt is at 4"),
        (("Åsa", 4), "the answer 'Åsa' is not at character 4 of its context\nIt is nowhere"),
        (("Åke", -8), "the answer 'Åke' is not at character -8"),
        (("Bo", 10**30), "the answer 'Bo' is not at character 1000"),
        (("", 4), "an answer is empty\nA question without an answer has an empty list"),
        (("åke", 4), "the answer 'åke' is not at character 4"),
    ],
)
def test_an_answer_that_is_not_in_its_context_names_question_and_line(tmp_path, answer, problem):
    content = document((CONTEXT, [question("good"), question("bad", answers=[answer])]))
    with pytest.raises(InputError, match=rf"a\.json:21: question 'bad': {problem}"):
        read(tmp_path, content)
    data = read(tmp_path, content, wrong_answers="leave-out")
    assert strings(data.ids) == ["good"]
    assert data.left_out == {"answers that are not in their context": 1}


@pytest.mark.parametrize("answers", [[("Åke", 4)], [("", 0), ("Åke", 0)], ["x"]])
def test_a_question_that_has_no_answer_and_one_is_left_out_or_an_error(tmp_path, answers):
    torn = question("bad", answers=())
    torn |= {"is_impossible": True, "answers": [_answer(answer) for answer in answers]}
    content = document((CONTEXT, [question("good"), torn]))
    problem = r"a\.json:21: question 'bad': is_impossible, and has an answer\nTake one of the two"
    with pytest.raises(InputError, match=problem):
        read(tmp_path, content)
    data = read(tmp_path, content, wrong_answers="leave-out")
    assert strings(data.ids) == ["good"]
    assert data.left_out == {"answers to questions that are said to have none": 1}
    assert strings(read(tmp_path, content, wrong_answers="unread").ids) == ["good", "bad"]


def _answer(answer):
    return answer if isinstance(answer, str) else {"text": answer[0], "answer_start": answer[1]}


def test_empty_answers_are_none_of_a_question_that_has_none_and_null_says_nothing(tmp_path):
    asked = [
        question("q1", answers=[("", 0), ("", -1)], is_impossible=True),
        question("q2", is_impossible=None),
    ]
    data = read(tmp_path, document((CONTEXT, asked)))
    assert data.answer_borders.tolist() == [0, 0, 1]


def _without(item, key):
    return {name: value for name, value in item.items() if name != key}


@pytest.mark.parametrize(
    "asked", [question("a", answers=[("dog", 1)]), _without(question("a"), "answers")]
)
def test_answers_that_are_not_wanted_are_not_read(tmp_path, asked):
    data = read(tmp_path, document((CONTEXT, [asked])), wrong_answers="unread")
    assert strings(data.ids) == ["a"] and data.answer_borders.tolist() == [0, 0]


DEEP = b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD = {
    "no object": ([1], "no SQuAD file: a list, not an object with 'data'"),
    "no data": ({"version": "1"}, "the file: no 'data'"),
    "data an object": ({"data": {}}, "the file: 'data' is an object, not a list"),
    "no questions": ({"data": []}, "no questions"),
    "article a text": ({"data": ["x"]}, "an article: a text, not an object"),
    "no paragraphs": ({"data": [{"title": "T"}]}, "article 'T': no 'paragraphs'"),
    "no context": ({"data": [{"paragraphs": [{"qas": []}]}]}, "of an article: no 'context'"),
    "context a number": (document((1, [])), "'context' is a whole number, not a text"),
    "no id": (
        document((CONTEXT, [_without(question(), "id")])),
        "question of article 'A': no 'id'",
    ),
    "no question": (
        document((CONTEXT, [_without(question(), "question")])),
        r"a\.json:11: question 'q1': no 'question'",
    ),
    "no answers": (
        document((CONTEXT, [_without(question(), "answers")])),
        "question 'q1': no 'answers'",
    ),
    "answers null": (document((CONTEXT, [{**question(), "answers": None}])), "no 'answers'"),
    "answers a text": (
        document((CONTEXT, [{**question(), "answers": "x"}])),
        "'answers' is a text",
    ),
    "answer a text": (document((CONTEXT, [{**question(), "answers": ["x"]}])), "an answer of qu"),
    "start a text": (
        document((CONTEXT, [question(answers=[("Åke", "4")])])),
        "an answer of question 'q1': 'answer_start' is a text, not a whole number",
    ),
    "start true": (document((CONTEXT, [question(answers=[("Å", True)])])), "is true or false, not"),
    "start a fraction": (document((CONTEXT, [question(answers=[("Å", 4.0)])])), "is a number, not"),
    "impossible a text": (
        document((CONTEXT, [question(is_impossible="no")])),
        "'is_impossible' is a text, not true or false",
    ),
    "half a character in an id": (
        json.dumps(document((CONTEXT, [question("\ud800")]))).encode(),
        r"a\.json:1: question '\\ud800': half a surrogate pair",
    ),
    "half a character": (
        b'{"data": [{"paragraphs": [{"context": "\\ud83d", "qas": []}]}]}',
        "half a surrogate pair",
    ),
    "no JSON": (b'{"data":\n [}', r"a\.json:2:3: not valid JSON"),
    "a key twice": (b'{"data": [], "data": []}', "the key 'data' stands twice"),
    "deep": (DEEP, r"a\.json: not valid JSON: it is nested too deep$"),
    "not UTF-8": (b'{"data":\n "\xe9"}', r"a\.json:2: byte 0xE9"),
    "NUL": (b'{"data":\n \0}', r"a\.json:2: a NUL byte"),
    "empty": (b"", "the file is empty"),
    "only a mark": ("\ufeff".encode(), "the file is empty"),
    "JSON lines": (b'{"id": "1"}\n{"id": "2"}\n', r"a\.json:2:1: not valid JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_one_error_with_its_place(tmp_path, case):
    content, problem = BAD[case]
    with pytest.raises(InputError, match=problem):
        read(tmp_path, content)


def test_a_folder_is_no_file_of_questions(tmp_path):
    with pytest.raises(InputError, match="is a folder; one file is needed"):
        read_questions(tmp_path)
