"""`tokpipe predict`: texts, words and questions in; views, tables, JSON lines, CoNLL out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.unit.tasks.jobs import JOBS, job_model

HOSTILE = "the \x1b]0;x\x07\u202e[bold] cat"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    for name in JOBS:
        job_model(name).save(folder / name)
    return folder


@pytest.fixture
def asked(tmp_path):
    """Return the arguments that ask a model of each kind two things."""
    (tmp_path / "p.txt").write_text("The dog sat on the old mat.\n")
    questions = ("--context", "p.txt", "--question", "the dog?", "--question", "it?")
    texts = ("--text", "the cat sat", "--text", "")
    return lambda name: questions if name == "qa" else texts


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("form", ["view", "table", "jsonl"])
def test_each_model_answers_in_each_form(tokpipe, models, asked, name, form):
    ran = tokpipe("predict", models / name, *asked(name), "--to", form, "-q")
    assert ran.code == 0 and not ran.err
    lines = ran.out.splitlines()
    assert form == "view" or len(lines) == 2
    assert form == "jsonl" or all(len(line) <= 80 for line in lines)
    if form == "jsonl":
        keys = {"qa": "answer", "ner": "entities", "pos": "tags", "regression": "value"}
        assert all(keys.get(name, "labels") in json.loads(line) for line in lines)


@pytest.mark.parametrize("name", JOBS)
def test_json_is_what_is_said_without_a_wish(tokpipe, models, asked, name):
    plain = tokpipe("predict", models / name, *asked(name), "--json", "-q").out
    assert plain == tokpipe("predict", models / name, *asked(name), "--to", "jsonl", "-q").out


def test_lines_of_files_are_answered_in_order_and_blank_ones_too(tokpipe, models, tmp_path):
    (tmp_path / "t.txt").write_text("the cat\n\na dog\r\n")
    ran = tokpipe("predict", models / "classification", "t.txt", "--to", "jsonl")
    assert [json.loads(line)["text"] for line in ran.out.splitlines()] == ["the cat", "", "a dog"]
    assert "3 answers" in ran.err


def test_tables_have_columns_of_text_and_of_second_texts(tokpipe, models, tmp_path):
    (tmp_path / "t.csv").write_text('text,other\n"the cat, the dog",it ran\na road,was new\n')
    one = tokpipe("predict", models / "classification", "t.csv", "--to", "jsonl")
    found = [json.loads(line) for line in one.out.splitlines()]
    assert [row["text"] for row in found] == ["the cat, the dog", "a road"]
    ran = tokpipe(
        *("predict", models / "classification", "t.csv", "--to", "jsonl"),
        *("--second-text-column", "other"),
    )
    found = [json.loads(line) for line in ran.out.splitlines()]
    assert [row["second_text"] for row in found] == ["it ran", "was new"]


SINGLE = [
    ("t.tsv", "sentence\tlabel\nthe cat\t1\na dog\t0\n"),
    ("t.csv", "id,Review\n1,the cat\n2,a dog\n"),
    ("t.csv", "text\nthe cat\na dog\n"),
    ("t.csv", "the cat\na dog\n"),
    ("t.jsonl", '{"sentence": "the cat"}\n{"sentence": "a dog"}\n'),
]


@pytest.mark.parametrize("model", ["classification", "ner"])
@pytest.mark.parametrize(("name", "content"), SINGLE)
def test_columns_of_text_are_found_as_training_finds_them(
    tokpipe, models, tmp_path, name, content, model
):
    (tmp_path / name).write_text(content)
    ran = tokpipe("predict", models / model, name, "--to", "jsonl", "-q")
    assert [json.loads(line)["text"] for line in ran.out.splitlines()] == ["the cat", "a dog"]


def test_pairs_in_tables_are_found_too(tokpipe, models, tmp_path):
    (tmp_path / "t.tsv").write_text("index\tsentence1\tsentence2\n0\tthe cat\tit ran\n")
    asked = ("predict", models / "classification", "t.tsv", "--to", "jsonl", "-q")
    assert json.loads(tokpipe(*asked).out)["second_text"] == "it ran"
    one = tokpipe(*asked, "--text-column", "sentence2")
    assert "second_text" not in json.loads(one.out)
    words = tokpipe("predict", models / "ner", "t.tsv")
    assert words.code == 3 and "t.tsv: two columns of text; one is needed" in words.err


def test_pairs_are_lines_with_a_tab(tokpipe, models, tmp_path):
    (tmp_path / "t.txt").write_text("the cat\tit ran\na dog\tsat\n")
    ran = tokpipe("predict", models / "classification", "t.txt", "--pairs", "--to", "table")
    assert [line.split("\t")[2:] for line in ran.out.splitlines()] == [
        ["the cat", "it ran"],
        ["a dog", "sat"],
    ]
    (tmp_path / "t.txt").write_text("the cat\tit ran\na dog\n")
    ran = tokpipe("predict", models / "classification", "t.txt", "--pairs")
    assert ran.code == 3 and "line 2 has no tab" in ran.err


def test_words_that_are_split_already_come_back_as_conll(tokpipe, models, tmp_path):
    (tmp_path / "w.conll").write_text("U.S. B-LOC\nwas O\n\nthe O\ncat O\nsat O\n")
    ran = tokpipe("predict", models / "ner", "w.conll", "--words", "-o", "out.conll", "-q")
    assert ran.code == 0
    lines = (tmp_path / "out.conll").read_text().split("\n")
    assert [line.split("\t")[0] for line in lines] == [
        "U.S.",
        "was",
        "",
        "the",
        "cat",
        "sat",
        "",
        "",
    ]
    (tmp_path / "w.txt").write_text("U.S. was\n")
    ran = tokpipe("predict", models / "ner", "w.txt", "--words", "--to", "conll")
    assert ran.out == "\n".join([*lines[:2], "", ""])
    assert tokpipe("predict", models / "ner", "w.conll", "--words", "-o", "out.conll").code == 4


@pytest.mark.parametrize("name", ["w.conll", "W.CONLL", "w.iob", "w.bio"])
def test_columns_of_words_are_told_by_their_name(tokpipe, models, tmp_path, name):
    (tmp_path / name).write_text("the\tO\ncat\tO\n\nit\tO\n")
    asked = ("predict", models / "ner", name, "--to", "conll", "-q")
    plain = tokpipe(*asked).out
    assert [line.split("\t")[0] for line in plain.splitlines()] == ["the", "cat", "", "it", ""]
    assert tokpipe(*asked, "--words").out == plain
    (tmp_path / name).write_text("the\ncat\n\nit\n")
    assert tokpipe(*asked).out == plain
    tokpipe(*asked[:3], "-o", f"out-{name}")
    assert (tmp_path / f"out-{name}").read_text() == plain


def test_questions_of_squad_are_read_from_their_file(tokpipe, models, tmp_path):
    asked = {"id": "q7", "question": "the dog?", "answers": [{"text": "dog", "answer_start": 4}]}
    paragraph = {"context": "The dog sat.", "qas": [asked]}
    content = {"version": "1.1", "data": [{"title": "t", "paragraphs": [paragraph]}]}
    (tmp_path / "q.json").write_text(json.dumps(content))
    ran = tokpipe("predict", models / "qa", "q.json", "--json")
    assert json.loads(ran.out)["id"] == "q7"


@pytest.mark.parametrize(
    ("name", "arguments", "code", "said"),
    [
        ("qa", (), 2, "needs the paragraph that answers"),
        ("qa", ("--text", "a"), 2, "--text"),
        ("qa", ("--question", "a", "q.json"), 2, "--question is asked of --context: q.json is no"),
        ("classification", ("--question", "a"), 2, "--question is for questions"),
        ("classification", ("--words",), 2, "--words is for words"),
        ("ner", ("--pairs",), 2, "--pairs is for texts"),
        ("classification", ("--text", "a", "--to", "conll"), 2, "conll is for tags"),
        ("classification", ("--text", "a", "--to", "view", "-o", "x"), 2, "draws for a terminal"),
        ("classification", ("--text", "a", "t.txt"), 2, "t.txt is too much"),
        ("classification", ("--text", "a", "-o", "x.csv"), 2, "x.csv: this command writes no .csv"),
        ("ner", ("--text", "a", "-o", "x.conllu"), 2, "x.conllu: this command writes no .conllu"),
        ("classification", ("nowhere.txt",), 3, "nowhere.txt: No such file"),
        ("qa", ("--context", "nowhere.txt", "--question", "a"), 3, "nowhere.txt: No such file"),
    ],
)
def test_what_a_model_is_not_asked_is_an_error(tokpipe, models, name, arguments, code, said):
    ran = tokpipe("predict", models / name, *arguments)
    assert ran.code == code and said in ran.err and not ran.out


@pytest.mark.parametrize(
    ("name", "flag", "said"),
    [
        ("ner", "--label-column", "--label-column is for texts"),
        ("qa", "--tag-column", "--tag-column is for words"),
        ("classification", "--word-column", "--word-column is for words"),
    ],
)
def test_a_model_is_not_judged_by_columns_of_other_data(tokpipe, models, name, flag, said):
    ran = tokpipe("evaluate", models / name, "d.txt", flag, "1")
    assert ran.code == 2 and said in ran.err


def test_a_model_without_a_job_says_what_it_has(tokpipe, tmp_path):
    from tests.unit.tasks.models import small

    small().save(tmp_path / "m")
    ran = tokpipe("predict", "m", "--text", "a")
    assert ran.code == 2 and "MLM head" in ran.err and "finetune" in ran.err


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("form", ["view", "table", "jsonl", "conll"])
def test_control_characters_do_not_reach_a_terminal(tokpipe, models, tmp_path, name, form):
    if form == "conll" and name not in ("ner", "pos"):
        return
    (tmp_path / "p.txt").write_text(HOSTILE)
    questions = ("--context", "p.txt", "--question", HOSTILE)
    asked = questions if name == "qa" else ("--text", HOSTILE)
    ran = tokpipe("predict", models / name, *asked, "--to", form, "-q")
    assert ran.code == 0
    assert form in ("jsonl", "conll") or not set(ran.out) & set("\x1b\x07\u202e")


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["open", "ended"])
def test_each_line_of_stdin_is_answered_when_it_comes(models, end):
    command = [
        sys.executable,
        "-m",
        "tokpipe",
        "predict",
        models / "classification",
        "--to",
        "table",
    ]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=models, env=environment
    ) as ran:
        for text in (b"the cat", b"", b"a dog"):
            ran.stdin.write(text + b"\n")
            ran.stdin.flush()
            assert ran.stdout.readline().rstrip(b"\n").split(b"\t")[2] == text
        ran.stdin.write(b"it ran" + end)
        ran.stdin.close()
        assert ran.stdout.read().count(b"\n") == 1
    assert ran.returncode == 0


def test_a_line_of_stdin_that_is_no_text_is_named(process, models):
    ran = process("predict", models / "classification", "--to", "table", input=b"a\n\xff\n")
    assert ran.returncode == 3 and b"standard input:2: byte 0 is not UTF-8" in ran.stderr


def test_a_model_is_evaluated_on_labelled_data(tokpipe, models, tmp_path):
    (tmp_path / "d.tsv").write_text("text\tlabel\nthe cat\tgood\na dog\tbad\nit ran\tnone\n")
    found = tokpipe("evaluate", models / "classification", "d.tsv", "--errors", "5", "--json").json
    assert found["rows"] == 3 and found["labels"] == ["bad", "good", "none"]
    assert sum(map(sum, found["confusion"])) == 3
    drawn = tokpipe("evaluate", models / "classification", "d.tsv", "--errors", "5").out
    assert "accuracy" in drawn and "majority" in drawn and "right is" in drawn
    (tmp_path / "d.conll").write_text("the O\ncat B-PER\n")
    words = ("--word-column", "1", "--tag-column", "2")
    assert tokpipe("evaluate", models / "ner", "d.conll", *words).code == 0
    ran = tokpipe("evaluate", models / "pos", "d.conll")
    assert ran.code == 3 and "'O'" in ran.err and "DET" in ran.err


def test_hostile_labels_and_texts_of_mistakes_are_shown_as_text(tokpipe, tmp_path):
    job_model("classification", labels=("a\x1b[31m", "b")).save(tmp_path / "m")
    rows = [{"text": f"cat {HOSTILE}", "label": label} for label in ("a\x1b[31m", "b")]
    (tmp_path / "d.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ran = tokpipe("evaluate", "m", "d.jsonl", "--errors", "2")
    assert ran.code == 0 and "right is" in ran.out
    assert not set(ran.out) & set("\x1b\x07\u202e")


def test_rows_that_are_left_out_are_counted_wherever_data_are_read(tokpipe, models, tmp_path):
    rows = [{"gold_label": g, "sentence1": "a", "sentence2": "b"} for g in ("bad", "-", "good")]
    (tmp_path / "d.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows * 3))
    model, data, said = models / "classification", "d.jsonl", "d.jsonl: 3 left out: gold label -\n"
    parts = ("--train", data, "--validation", data)
    for command in (
        ("evaluate", model, data),
        ("finetune", "classification", model, *parts, "-o", "out", "--epochs", "1"),
        ("baseline", "bow", "classification", *parts, "-o", "bow"),
        ("distill", model, *parts, "-o", "small", "--epochs", "1"),
    ):
        ran = tokpipe(*command)
        assert ran.code == 0 and ran.err.count(said) == 1, ran.err
