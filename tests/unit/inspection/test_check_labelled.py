import json

import pytest
from rich.cells import cell_len

from tests.unit.inspection.printing import shown
from tests.unit.tasks.models import CONFIG, small
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.inspection.check.labelled import Reading, check_task
from tokpipe.inspection.terminal.labelled import parts_renderable
from tokpipe.labelled.config import TagColumns, TextColumns


def write(folder, name, content):
    (folder / name).write_text(content)
    return str(folder / name)


def check(paths, task="classification", model=None, **columns):
    reading = Reading(task=task, texts=TextColumns(**columns), tags=TagColumns(), read=ReadConfig())
    return check_task(paths, reading, model, 1)


def test_parts_are_named_in_their_order_and_counted(tmp_path):
    train = write(tmp_path, "a.tsv", "text\tlabel\na\tx\nb\ty\nc\tx\nd\ty\n")
    test = write(tmp_path, "b.tsv", "text\tlabel\ne\tx\n")
    parts, findings = check([train, test])
    assert [(part.name, part.counted.labels) for part in parts] == [
        ("train", {"x": 2, "y": 2}),
        ("validation", {"x": 1}),
    ]
    assert [finding.level for finding in findings] == ["warning", "note"]
    with pytest.raises(ConfigError, match="4 files; at most 3 are the parts of one data set"):
        check([train, test, test, test])


CONTEXT = {"context": "ab", "qas": []}


def test_answers_that_are_not_where_they_are_said_to_be_are_an_error_with_their_number(tmp_path):
    def question(id, start):
        return {"id": id, "question": "q", "answers": [{"text": "b", "answer_start": start}]}

    asked = [question("1", 1), question("2", 0), question("3", 7)]
    document = {"data": [{"paragraphs": [{"context": "ab", "qas": asked}]}]}
    path = write(tmp_path, "a.json", json.dumps(document))
    parts, findings = check([path], "qa")
    assert parts[0].counted.number == 1
    assert findings[0].level == "error"
    assert findings[0].place == f"{path}:1: question '2'"
    assert findings[0].problem == (
        "the answer 'b' is not at character 0 of its context; 2 questions are left out"
    )
    assert findings[0].hint == "It is at 1."
    document["data"][0]["paragraphs"][0]["qas"] = asked[1:]
    path = write(tmp_path, "a.json", json.dumps(document))
    with pytest.raises(InputError, match="question '2': the answer 'b' is not at character 0"):
        check([path], "qa")  # nothing is left


def test_tags_of_words_are_no_entities_for_pos(tmp_path):
    path = write(tmp_path, "a.conll", "a O\nb B-X\nc I-Y\n")
    assert check([path], "ner")[1][0].level == "warning"
    parts, findings = check([path], "pos")
    assert parts[0].counted.labels == {"B-X": 1, "I-Y": 1, "O": 1}
    assert findings == []


def test_a_file_that_cannot_be_read_is_an_error_of_its_own(tmp_path):
    path = write(tmp_path, "a.tsv", "text\tlabel\na\tn/a\n")
    with pytest.raises(InputError, match=r"a\.tsv:2: the label is 'n/a', not a finite number"):
        check([path], "regression")


def test_the_table_has_a_row_a_label_and_a_column_a_part(tmp_path, monkeypatch):
    write(tmp_path, "a.tsv", "text\tlabel\na\tx\nb\ty\nc\tx\nd\tx\n")
    write(tmp_path, "b.tsv", "text\tlabel\ne\tz\nf\tx\n")
    monkeypatch.chdir(tmp_path)
    table = shown(parts_renderable("classification", check(["a.tsv", "b.tsv"])[0]), width=60)
    lines = [line.rstrip() for line in table.splitlines()]
    assert lines == [
        "classification: texts by label",
        "  train       4 texts  a.tsv",
        "  validation  2 texts  b.tsv",
        "                  train        validation",
        "  x           3  75.0 %         1  50.0 %",
        "  y           1  25.0 %         0   0.0 %",
        "  z           0   0.0 %         1  50.0 %",
    ]


@pytest.mark.parametrize("width", [20, 40, 200])
def test_many_long_hostile_labels_are_cut_and_added_up(tmp_path, width):
    rows = "".join(f"t{i}\t\x1b[31mlabel {i} {'x' * 50}\n" for i in range(30))
    parts, _ = check([write(tmp_path, "a.tsv", f"text\tlabel\n{rows}")])
    table = shown(parts_renderable("classification", parts), width=width)
    assert "\x1b" not in table
    assert "10 more" in table or width == 20
    assert len(table.splitlines()) >= 23


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_short_labels_and_what_is_added_up_are_whole_in_any_encoding(tmp_path, encoding):
    rows = "".join(f"t{i}\té{i}\n" for i in range(30))
    parts, _ = check([write(tmp_path, "a.tsv", f"text\tlabel\n{rows}")])
    table = shown(parts_renderable("classification", parts), width=80, encoding=encoding)
    assert "  10 more  " in table
    assert ("é19" if encoding == "utf-8" else r"\xe919") in table


def test_labels_of_wide_letters_are_whole_where_there_is_room(tmp_path):
    label = "とても良い"
    parts, _ = check([write(tmp_path, "a.tsv", f"text\tlabel\na\t{label}\nb\tno\n")])
    rows = shown(parts_renderable("classification", parts)).splitlines()[-3:]
    assert f"  {label}  " in "".join(rows) and len({cell_len(row) for row in rows}) == 1


def test_numbers_have_no_table(tmp_path):
    path = write(tmp_path, "a.tsv", "text\tlabel\na\t1\nb\t2\n")
    table = shown(parts_renderable("regression", check([path], "regression")[0]))
    assert len(table.splitlines()) == 2


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "m"
    small().save(folder)
    return folder


LONG = "the " * 3_000  # a word, a token


@pytest.mark.parametrize(
    ("task", "name", "content", "longest", "outcome"),
    [
        (
            "classification",
            "a.tsv",
            f"text\tlabel\nthe cat\tx\n{LONG}\ty\nit\tx\na\ty\n",
            3_002,
            "their head alone is read, unless --long-texts",
        ),
        (
            "classification",
            "a.tsv",
            f"sentence1\tsentence2\tlabel\na\tb\tx\n{LONG}\tthe the\ty\nc\td\tx\ne\tf\ty\n",
            3_005,
            "their head alone is read, unless --long-texts",
        ),
        (
            "pos",
            "a.conll",
            "the O\n\n" + "the O\n" * 3_000,
            3_002,
            "read as windows that overlap, nothing is left out",
        ),
        *(
            (
                "qa",
                "a.json",
                json.dumps({"data": [{"paragraphs": [{"context": LONG, "qas": [asked]}]}]}),
                longest,
                f"read as windows that overlap, nothing is left out{but}",
            )
            for asked, longest, but in (
                ({"id": "1", "question": "the the", "answers": []}, 3_005, ""),
                ({"id": "1", "question": "the " * 11, "answers": []}, 3_014, " but the end of 1 q"),
            )
        ),
    ],
)
def test_rows_longer_than_the_model_takes_are_told(
    tmp_path, model, task, name, content, longest, outcome
):
    _, findings = check([write(tmp_path, name, content)], task, model)
    (found,) = [finding for finding in findings if "longer than" in finding.problem]
    assert found.level == "note"
    limit = CONFIG.max_position_embeddings
    assert f" is longer than {limit} tokens" in found.problem
    assert f"the longest {longest:,}: {outcome}" in found.problem
    assert check([write(tmp_path, "b.tsv", "text\tlabel\na\tx\nit\ty\n")], model=model)[1] == []
