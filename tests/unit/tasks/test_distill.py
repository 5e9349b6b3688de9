import json

import pytest

from tests.unit.finetuning.jobs import FAST, TASKS, run, write_data, write_model
from tests.unit.finetuning.test_finetune import GOOD, contents
from tokpipe.bert.config import BertConfig
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.foundation.errors import ConfigError, InputError, StorageError
from tokpipe.tasks.distill import distill
from tokpipe.tasks.distill_config import DistillConfig


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


def test_a_finished_student_is_not_replaced(tmp_path):
    teach(tmp_path, "classification", epochs=1)
    with pytest.raises(StorageError, match="exists already"):
        teach(tmp_path, "classification", epochs=1)


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
