import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.finetuning.test_finetune import contents
from tests.unit.tasks.test_distill import FailsAt, StoppedError
from tests.unit.training.folders import MODEL, STEPS, train, write_shards
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.bert.parameters import Parameters, kept_layers
from tokpipe.foundation.errors import ArtifactError, ConfigError, StorageError
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.tasks.distill_text import distill_text
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.text_lesson import prepare_text
from tokpipe.training.config import TrainingConfig

DEEP = replace(MODEL, num_hidden_layers=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with shards, and a teacher of three layers."""
    folder = tmp_path_factory.mktemp("teacher")
    shards = write_shards(folder / "shards")
    train(shards, folder / "teacher", model=DEEP, steps=60, learning_rate=3e-3)
    return folder


def teach(made, out, watch=None, compare=False, threads=1, how=None, **settings):
    return distill_text(
        made / "teacher", made / "shards", out, config=DistillConfig(**(how or {})),
        training=TrainingConfig(**{**STEPS, **settings}), watch=watch, compare=compare,
        threads=threads,
    )  # fmt: skip


def test_a_student_learns_what_its_teacher_knows_of_masks(made, tmp_path):
    found = teach(made, tmp_path / "student", compare=True, steps=40, learning_rate=2e-3)
    teacher, student, alone = found.models
    assert [one.name for one in found.models] == ["teacher", "student", "without a teacher"]
    assert found.split == "validation" and found.masks > 0
    assert student.parameters < teacher.parameters and student.parameters == alone.parameters
    assert teacher.loss < student.loss < np.log(19)
    assert student.speed > 0 and 0 < student.accuracy <= 1
    assert BertModel.load(tmp_path / "student").config.num_hidden_layers == 1
    assert BertModel.load(tmp_path / "student/masked-lm").config.mlm_head
    assert "distilled from `teacher`" in (tmp_path / "student/README.md").read_text()
    assert "distilled" not in (tmp_path / "student-without-teacher/README.md").read_text()
    state = json.loads((tmp_path / "student/trainer_state.json").read_text())
    assert state["settings"]["distillation"]["teacher"] == "teacher"
    assert not list(tmp_path.glob("*.npy"))


WAYS = {
    "fewer layers": {},
    "narrower": {"hidden_size": 8, "cosine_weight": 1.0},
    "relations": {"layers": 2, "hidden_weight": 0.0, "relation_weight": 1.0},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_student_goes_on_to_the_same_bits_with_any_threads(made, tmp_path, way):
    (tmp_path / "one").mkdir()
    how = {"how": WAYS[way], "steps": 40}  # more than an epoch: the masks stay
    teach(made, tmp_path / "one/student", threads=2, **how)
    with pytest.raises(StoppedError):
        teach(made, tmp_path / "student", watch=FailsAt(21), **how)
    assert list(tmp_path.glob("student.teacher-*.npy"))
    teach(made, tmp_path / "student", **how)
    assert contents(tmp_path / "student") == contents(tmp_path / "one/student")


def test_a_finished_student_is_judged_again_and_not_trained(made, tmp_path):
    first = teach(made, tmp_path / "student")
    again = teach(made, tmp_path / "student", watch=FailsAt(0))
    assert [one.loss for one in again.models] == [one.loss for one in first.models]
    with pytest.raises(ArtifactError, match=r"alpha was 0\.5, now it is 0\.25"):
        teach(made, tmp_path / "student", how={"alpha": 0.25})


def test_a_student_begins_as_layers_of_its_teacher_bit_for_bit(made, tmp_path):
    how = DistillConfig(layers=2)
    lesson = prepare_text(
        made / "teacher", made / "shards", tmp_path / "out", how, TrainingConfig(**STEPS)
    )
    first, teacher = lesson.taught.lesson.first(), load_checkpoint(made / "teacher").parameters
    kept = kept_layers(3, 2)
    for name, view in first.views.items():
        parts = name.split(".")
        if parts[0] == "layers":
            parts[1] = str(kept[int(parts[1])])
        np.testing.assert_array_equal(view, teacher.views[".".join(parts)], err_msg=name)


def test_a_short_training_asks_the_teacher_no_more_than_it_needs(made, tmp_path):
    def masks(steps):
        how = TrainingConfig(**{**STEPS, "steps": steps})
        where = made / "teacher", made / "shards", tmp_path / "out"
        return prepare_text(*where, DistillConfig(), how).asked.questions.places

    assert 0 < masks(1) < masks(3) < masks(1000) == masks(2000)


def test_a_disk_without_room_is_told_before_the_teacher_is_asked(made, tmp_path, monkeypatch):
    monkeypatch.setattr("tokpipe.foundation.storage.free_bytes", lambda place: 1000)
    with pytest.raises(StorageError, match="kB free"):
        teach(made, tmp_path / "student")
    assert not list(tmp_path.glob("*.npy"))


def test_a_teacher_without_a_head_for_masks_is_refused(made, tmp_path):
    BertModel.load(made / "teacher/encoder").save(tmp_path / "encoder")
    with pytest.raises(ConfigError, match="no head that fills masks"):
        distill_text(tmp_path / "encoder", made / "shards", tmp_path / "student")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_position_embeddings": 12}, "has max_seq_length=.*takes 12"),
        ({"type_vocab_size": 0}, "has pairs of segments"),
    ],
)
def test_a_teacher_that_takes_no_such_sequences_is_refused(made, tmp_path, changes, said):
    model = BertModel.load(made / "teacher")
    other = Parameters.initialised(replace(model.config, nsp_head=False, **changes), 0)
    BertModel(other, model.tokenizer).save(tmp_path / "other")
    with pytest.raises(ConfigError, match=said):
        distill_text(tmp_path / "other", made / "shards", tmp_path / "student")
