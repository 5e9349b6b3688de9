from tests.unit.finetuning.jobs import run, write_data

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
    again = tokpipe(*asked)
    assert again.code == 4 and "small exists already" in again.err


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
