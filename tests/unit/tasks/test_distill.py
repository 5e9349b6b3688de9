import json

import numpy as np
import pytest

from tests.unit.finetuning.jobs import FAST, TASKS, run, write_data, write_model
from tests.unit.finetuning.test_finetune import GOOD, contents
from tokpipe.bert.config import BertConfig
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.foundation.errors import ArtifactError, ConfigError, InputError, StorageError
from tokpipe.foundation.progress import SILENT
from tokpipe.tasks.distill import distill
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.tasks.teacher import main_directions


def teach(folder, task, out="student", watch=None, teacher="out", compare=False, how=None, **more):
    """Distil in a folder, from a teacher that is made where there is none."""
    if not (folder / teacher).exists():
        write_model(folder / "model", layers=2)
        run(folder, task, teacher)
    parts = [write_data(folder, task, *of) for of in ((64,), (24, 1, "validation"))]
    test = write_data(folder, task, 24, 2, "test")
    return distill(
        folder / teacher, *parts, test, folder / out, config=DistillConfig(**(how or {})),
        training=FinetuneConfig(**{**FAST, **more}), watch=watch, compare=compare, threads=1,
    )  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_student_learns_the_job_of_its_teacher(tmp_path, task):
    found = teach(tmp_path, task)
    teacher, student = found.models
    assert found.part == "test" and found.rows == 24
    assert student.score.value >= GOOD[task] - 0.05, found
    assert student.score.low <= student.score.value <= student.score.high
    assert student.parameters < teacher.parameters and student.speed > 0
    config = json.loads((tmp_path / "student/config.json").read_text())
    assert config["num_hidden_layers"] == 1
    assert (tmp_path / "student/tokpipe.json").is_file()
    assert not list(tmp_path.glob("*.teacher-*"))


def test_a_narrower_student_and_one_without_a_teacher_are_shown_beside(tmp_path):
    width = 8
    found = teach(tmp_path, "classification", compare=True, how={"hidden_size": width})
    assert [one.name for one in found.models] == ["teacher", "student", "without a teacher"]
    config = json.loads((tmp_path / "student/config.json").read_text())
    assert config["hidden_size"] == width and config["num_hidden_layers"] == 2
    assert (tmp_path / "student-without-teacher/metrics.json").is_file()
    assert contents(tmp_path / "student") != contents(tmp_path / "student-without-teacher")


PLAIN = dict.fromkeys(("hidden_weight", "cosine_weight", "relation_weight"), 0.0)


class StoppedError(Exception):
    """Whatever stops a process."""


class FailsAt:
    def __init__(self, step):
        self.step = step

    def begins(self, step, steps, model):
        pass

    def sees(self, line, share):
        if line.step >= self.step and line.split is None:
            raise StoppedError


@pytest.mark.parametrize("task", ["classification", "ner", "qa"])
def test_a_stopped_student_goes_on_to_the_same_bits(tmp_path, task):
    teach(tmp_path, task, "whole", epochs=3, dropout=0.1)
    with pytest.raises(StoppedError):
        teach(tmp_path, task, watch=FailsAt(13), epochs=3, dropout=0.1)
    assert list((tmp_path / "student").glob("checkpoint-*"))
    assert len(list(tmp_path.glob("student.teacher-*.npy"))) == 1
    teach(tmp_path, task, epochs=3, dropout=0.1)
    assert contents(tmp_path / "student") == contents(tmp_path / "whole")


@pytest.mark.parametrize("teacher", ["out", "moved"])
def test_a_finished_student_is_judged_again_and_not_replaced(tmp_path, teacher):
    first = teach(tmp_path, "classification", epochs=1, compare=True)
    before = contents(tmp_path / "student")
    (tmp_path / "out").rename(tmp_path / teacher)
    how = {"epochs": 1, "compare": True, "teacher": teacher}
    again = teach(tmp_path, "classification", watch=FailsAt(1), **how)
    assert [one.score for one in again.models] == [one.score for one in first.models]
    assert contents(tmp_path / "student") == before
    assert not list(tmp_path.glob("*.teacher-*"))


@pytest.mark.parametrize("changes", [{"how": {"alpha": 0.25}}, {"dropout": 0.1}])
def test_a_finished_student_of_other_settings_is_refused(tmp_path, changes):
    teach(tmp_path, "classification", epochs=1)
    with pytest.raises(ArtifactError, match="student: "):
        teach(tmp_path, "classification", **{"epochs": 1, **changes})


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    teach(tmp_path, "classification", epochs=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="not written by tokpipe"):
        teach(tmp_path, "classification", "other", epochs=1)


OBJECTIVES = {
    "angles": {"hidden_weight": 0.0, "cosine_weight": 1.0},
    "relations": {"hidden_weight": 0.0, "relation_weight": 1.0},
    "narrower": {"hidden_size": 8, "layers": 1, "cosine_weight": 1.0, "relation_weight": 1.0},
}


@pytest.mark.parametrize("how", OBJECTIVES)
@pytest.mark.parametrize("task", ["classification", "ner", "qa"])
def test_each_objective_teaches_and_goes_on_to_the_same_bits(tmp_path, task, how):
    teach(tmp_path, task, "plain", epochs=3, how={**OBJECTIVES[how], **PLAIN})
    teach(tmp_path, task, "whole", epochs=3, how=OBJECTIVES[how])
    with pytest.raises(StoppedError):
        teach(tmp_path, task, watch=FailsAt(13), epochs=3, how=OBJECTIVES[how])
    teach(tmp_path, task, epochs=3, how=OBJECTIVES[how])
    assert contents(tmp_path / "student") == contents(tmp_path / "whole")
    assert contents(tmp_path / "student") != contents(tmp_path / "plain")
    assert not list(tmp_path.glob("*.teacher-*"))


def test_card_and_metrics_say_who_taught(tmp_path):
    teach(tmp_path, "classification", epochs=1, compare=True)
    made = {name: tmp_path / name for name in ("student", "student-without-teacher")}
    said = {k: json.loads((path / "metrics.json").read_text()) for k, path in made.items()}
    assert said["student"]["method"] == "distilled from out"
    assert said["student-without-teacher"]["method"] == "fine-tuned"
    assert "Distilled from out with tokpipe" in (made["student"] / "README.md").read_text()


@pytest.mark.parametrize("task", ["classification", "regression", "multilabel"])
def test_texts_without_labels_take_part_by_what_the_teacher_says(tmp_path, task):
    teach(tmp_path, task, "plain", epochs=1)
    more = tmp_path / "more.csv"
    lines = [f"the old {animal} ran" for animal in ("cat", "dog", "kitten")] * 20
    more.write_text("\n".join(["text", *lines]) + "\n")
    train, how = write_data(tmp_path, task, 64), {"threads": 1}

    def taught(out, **given):
        settings = FinetuneConfig(**{**FAST, "epochs": 4, "dropout": 0.1})
        where = {"out": tmp_path / out, "unlabelled": more}
        return distill(tmp_path / "out", train, training=settings, **where, **how, **given)

    taught("whole", compare=True)
    with pytest.raises(StoppedError):
        taught("student", watch=FailsAt(20))
    taught("student")
    assert contents(tmp_path / "student") == contents(tmp_path / "whole")
    metrics = json.loads((tmp_path / "whole/metrics.json").read_text())
    alone = json.loads((tmp_path / "whole-without-teacher/metrics.json").read_text())
    assert metrics["rows"]["train"] == alone["rows"]["train"] + 60
    inputs = json.loads((tmp_path / "whole/tokpipe.json").read_text())["inputs"]
    assert "unlabelled" in inputs


def test_words_and_questions_without_labels_are_refused(tmp_path):
    teach(tmp_path, "ner", epochs=1)
    train = write_data(tmp_path, "ner")
    with pytest.raises(ConfigError, match="rows without a label are for texts, not for ner"):
        distill(tmp_path / "out", train, out=tmp_path / "other", unlabelled=train)


def test_pairs_without_labels_beside_single_texts_are_refused(tmp_path):
    teach(tmp_path, "classification", epochs=1)
    more = tmp_path / "more.csv"
    more.write_text("sentence1,sentence2\na cat,a dog\n")
    train = write_data(tmp_path, "classification")
    with pytest.raises(InputError, match=r"single texts, but .* pairs of texts"):
        distill(tmp_path / "out", train, out=tmp_path / "other", unlabelled=more)


class Notes:
    """Who is told, and remembers it."""

    def __init__(self):
        self.lines = []

    def note(self, line):
        self.lines.append(line)

    def task(self, *about):
        return SILENT.task(*about)


def test_files_that_teacher_and_student_have_for_other_parts_are_told(tmp_path):
    teach(tmp_path, "classification", epochs=1)
    parts = {name: tmp_path / f"{name}.jsonl" for name in ("train", "validation", "test")}
    how = {"training": FinetuneConfig(**{**FAST, "epochs": 1}), "threads": 1}

    def told(out, **given):
        notes = Notes()
        distill(tmp_path / "out", out=tmp_path / out, progress=notes, **given, **how)
        return [line for line in notes.lines if "teacher has learned" in line or "own" in line]

    assert told("a", **parts) == []
    learned = told("b", train=parts["validation"], validation=parts["train"])
    assert any("learned from the validation part" in line for line in learned)
    assert any("teacher's own validation part" in line for line in learned)
    (held,) = told("c", train=parts["train"])
    assert "held out of rows that the teacher has learned from" in held


def test_a_disk_without_room_is_told_before_the_teacher_is_asked(tmp_path, monkeypatch):
    teach(tmp_path, "classification", epochs=1)
    monkeypatch.setattr("tokpipe.foundation.storage.free_bytes", lambda place: 1000)
    with pytest.raises(StorageError, match=r"needed, 1[.0]* kB free"):
        teach(tmp_path, "classification", "other", epochs=1)
    assert not list(tmp_path.glob("*other*.npy"))


def test_main_directions_keep_what_so_few_can():
    rng = np.random.default_rng(0)
    states = (rng.standard_normal((500, 3)) @ rng.standard_normal((3, 8))).astype(np.float16)
    found = main_directions(states, 3)
    assert found.shape == (8, 3)
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-6)
    exact = states.astype(np.float64)
    np.testing.assert_allclose(exact @ found @ found.T, exact, atol=0.01)


def test_a_label_that_the_teacher_does_not_know_is_an_error_with_its_line(tmp_path):
    teach(tmp_path, "classification", epochs=1)
    train = tmp_path / "train.jsonl"
    train.write_text(train.read_text() + '{"text": "a cow", "label": "cow"}\n' * 2)
    with pytest.raises(InputError, match=r"train.jsonl:65.*cow"):
        distill(tmp_path / "out", train, out=tmp_path / "other")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": 13}, "no smaller"),
        ({"layers": 12}, "no smaller"),
        ({"hidden_size": 1024}, "no smaller"),
        ({"hidden_size": 100}, "no multiple of 64"),
    ],
)
def test_a_student_must_be_smaller(settings, said):
    with pytest.raises(ConfigError, match=said):
        DistillConfig(**settings).student(BertConfig())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"config": {"layers": 1}}, "config is a dict"),
        ({"training": DistillConfig()}, "training is a DistillConfig"),
        ({"columns": "text"}, "columns is a str"),
        ({"force": "no"}, "force is a str"),
    ],
)
def test_what_a_caller_gives_in_place_of_something_else_is_named(tmp_path, given, said):
    with pytest.raises(ConfigError, match=said):
        distill("teacher", "train.csv", out=tmp_path / "o", **given)
