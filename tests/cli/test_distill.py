from dataclasses import replace

import pytest

from tests.unit.finetuning.jobs import run, write_data
from tests.unit.training.folders import MODEL, train, write_shards

ON_TEXT = ("--steps", 12, "--batch-tokens", 80, "--gradient-shards", 3)
FAST = ("--epochs", 2, "--batch-size", 8, "--learning-rate", 0.005)


def test_a_table_shows_teacher_student_and_the_student_alone(tokpipe, tmp_path):
    run(tmp_path, "classification", "teacher", epochs=2)
    train = write_data(tmp_path, "classification")
    asked = ("distill", tmp_path / "teacher", "--train", train, "-o", "small", *FAST)
    ran = tokpipe(*asked, "--compare")
    assert ran.code == 0, ran.err
    for name in ("teacher", "student", "without a teacher"):
        assert f"\n{name} " in ran.out
    assert "the teacher's answers take" in ran.err and "a second time" in ran.err
    assert tokpipe("check", "small").code == 0
    assert tokpipe("inspect", "run", "small").code == 0
    again = tokpipe(*asked, "--compare")
    assert again.code == 0 and "asking the teacher" not in again.err
    assert _scores(again.out) == _scores(ran.out) and len(_scores(ran.out)) == 3
    other = tokpipe(*asked, "--alpha", 0.25)
    assert other.code == 4 and "alpha was 0.5, now it is 0.25" in other.err


def _scores(out):
    """The rows of the table without speeds."""
    rows = [line for line in out.splitlines() if line.startswith(("teacher", "student", "without"))]
    return [row.split()[:-1] for row in rows]


def test_a_student_on_text_is_a_pretrained_model(tokpipe, tmp_path):
    shards = write_shards(tmp_path / "shards")
    train(shards, tmp_path / "teacher", model=replace(MODEL, num_hidden_layers=2))
    asked = ("distill", tmp_path / "teacher", "--text", shards, "-o", "small", *ON_TEXT)
    plan = tokpipe(*asked, "--dry-run", "--json")
    assert plan.code == 0, plan.err
    places, size = plan.json["teacher_asked_about"], plan.json["teacher_answers_in_bytes"]
    assert places > 0 and size == 2 * 16 * places  # states of 16 values in half precision
    assert not list(tmp_path.glob("small*"))
    ran = tokpipe(*asked, "--compare")
    assert ran.code == 0, ran.err
    assert "model" in ran.out and "masks right" in ran.out and "tokens/s" in ran.out
    assert len(_scores(ran.out)) == 3 and "the teacher's answers take" in ran.err
    assert tokpipe("check", "small").code == 0
    assert tokpipe("inspect", "run", "small").code == 0
    again = tokpipe(*asked, "--compare", "--json")
    assert again.code == 0 and [one["name"] for one in again.json["models"]][1] == "student"


def test_a_plan_of_a_task_says_how_large_the_answers_are(tokpipe, tmp_path):
    run(tmp_path, "classification", "teacher", epochs=1)
    train_part = write_data(tmp_path, "classification")
    asked = ("distill", tmp_path / "teacher", "--train", train_part, "-o", "small", *FAST)
    plan = tokpipe(*asked, "--dry-run", "--json")
    assert plan.code == 0, plan.err
    rows = plan.json["training_windows"]
    assert plan.json["teacher_answers_in_bytes"] == 2 * rows * (3 + 16)
    related = tokpipe(*asked, "--relation-weight", 1, "--dry-run", "--json")
    tokens = plan.json["tokens_an_epoch"]
    more = related.json["teacher_answers_in_bytes"] - plan.json["teacher_answers_in_bytes"]
    assert more == 2 * 3 * 16 * tokens
    assert not list(tmp_path.glob("small*"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "give --train, to learn on a task, or --text"),
        (("--train", "a.csv", "--text", "shards"), "give --train, to learn on a task, or --text"),
        (("--train", "a.csv", "--steps", 3), "--steps goes with --text"),
        (("--text", "shards", "--test", "a.csv"), "--test goes with --train"),
        (("--text", "shards", "--unlabelled", "a.csv"), "--unlabelled goes with --train"),
        (("--text", "shards", "--label-column", "b"), "--label-column goes with --train"),
        (("--text", "shards", "--dropout", 0.1), "--dropout goes with --train"),
    ],
)
def test_what_contradicts_itself_is_a_usage_error(tokpipe, tmp_path, given, said):
    ran = tokpipe("distill", "teacher", "-o", "small", *given)
    assert ran.code == 2 and said in ran.err


def test_results_are_json_where_that_is_asked_for(tokpipe, tmp_path):
    run(tmp_path, "ner", "teacher", epochs=2)
    ran = tokpipe(
        *("distill", tmp_path / "teacher", "--train", write_data(tmp_path, "ner")),
        *("-o", "small", *FAST, "--json"),
    )
    assert ran.code == 0, ran.err
    teacher, student = ran.json["models"]
    assert student["parameters"] < teacher["parameters"]
    assert ran.json["part"] == "validation" and student["rows_per_second"] > 0


def test_a_model_that_was_not_fine_tuned_teaches_nothing(tokpipe, tmp_path):
    run(tmp_path, "classification", "teacher", epochs=1)
    train = write_data(tmp_path, "classification")
    ran = tokpipe("distill", tmp_path / "model", "--train", train, "-o", "small")
    assert ran.code == 2 and "Fine-tune it first" in ran.err


def test_a_student_that_says_one_thing_of_everything_is_told(tokpipe, tmp_path):
    run(tmp_path, "classification", "teacher", epochs=1)
    part = tmp_path / "one.csv"
    part.write_text("text,label\nthe,cat\nthe,dog\n")
    asked = ("distill", tmp_path / "teacher", "--train", tmp_path / "train.jsonl", *FAST)
    ran = tokpipe(*asked, "--validation", part, "-o", "small")
    assert ran.code == 0 and "validation, student: the model says '" in ran.out
    found = tokpipe(*asked, "--validation", part, "-o", "small", "--json").json
    assert all("learned nothing" in model["notes"][0] for model in found["models"])
