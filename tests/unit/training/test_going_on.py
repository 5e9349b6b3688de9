import json

import pytest

from tests.unit.finetuning.test_finetune import contents
from tests.unit.tasks.test_distill import FailsAt, StoppedError
from tests.unit.training.folders import train, write_shards
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.foundation.errors import ArtifactError, StorageError
from tokpipe.foundation.manifest import Manifest
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import read_log
from tokpipe.training.schedule import Begun, Schedule
from tokpipe.training.state import KIND, checkpoints


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards") / "s")


def rates(run):
    return [line.learning_rate for line in read_log(run / "log.jsonl") if not line.split]


def test_a_finished_run_goes_on_from_its_last_checkpoint(shards, tmp_path):
    run = tmp_path / "run"
    train(shards, run, steps=12)
    before, first = rates(run), load_checkpoint(run).parameters.block.copy()
    made = train(shards, run, steps=20)
    assert made.state.step == 20 and rates(run)[:12] == before
    assert max(rates(run)[12:]) == pytest.approx(5e-4, rel=1e-3)  # it has risen again
    assert rates(run)[-1] < 1e-4
    assert (load_checkpoint(run).parameters.block != first).any()
    Manifest.read(run, KIND).check_files(run)
    state = json.loads((run / "trainer_state.json").read_text())
    (phase,) = state["settings"]["phases"]
    assert (phase["step"], phase["then"], phase["before"]["steps"]) == (12, "rewarm", 12)
    with pytest.raises(StorageError, match="exists already"):
        train(shards, run, steps=20)
    assert "20 steps" in (run / "README.md").read_text()


def test_flat_it_stays_at_the_greatest_rate(shards, tmp_path):
    train(shards, tmp_path / "run", steps=6)
    train(shards, tmp_path / "run", steps=12, then="flat")
    assert rates(tmp_path / "run")[6:] == pytest.approx([5e-4] * 6)


@pytest.mark.parametrize("then", ["rewarm", "flat"])
@pytest.mark.parametrize("step", [12, 13, 18])
def test_stopped_on_the_way_it_goes_on_to_the_same_bits(shards, tmp_path, step, then):
    for name in ("whole", "run"):
        train(shards, tmp_path / name, steps=12)
    train(shards, tmp_path / "whole", steps=20, then=then)
    with pytest.raises(StoppedError):
        train(shards, tmp_path / "run", steps=20, then=then, watch=FailsAt(max(step, 13)))
    train(shards, tmp_path / "run", steps=20, then=then, threads=2)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_killed_while_it_is_opened_again_it_goes_on_too(shards, tmp_path):
    for name in ("whole", "run", "half"):
        train(shards, tmp_path / name, steps=12)
    train(shards, tmp_path / "whole", steps=20)
    (tmp_path / "half/README.md").unlink()
    (tmp_path / "run/README.md").unlink()
    (tmp_path / "run/tokpipe.json").unlink()
    for name in ("run", "half"):
        train(shards, tmp_path / name, steps=20)
        assert contents(tmp_path / name) == contents(tmp_path / "whole")


def test_it_goes_on_again_and_again(shards, tmp_path):
    for steps in (5, 9, 14):
        assert train(shards, tmp_path / "run", steps=steps).state.step == steps
    state = json.loads((tmp_path / "run/trainer_state.json").read_text())
    assert [phase["step"] for phase in state["settings"]["phases"]] == [5, 9]
    assert state["position"] == {"epoch": 0, "batch": 14} or state["position"]["epoch"] > 0


def test_from_steps_to_epochs_and_to_a_budget(shards, tmp_path):
    train(shards, tmp_path / "run", steps=3)
    made = train(shards, tmp_path / "run", steps=None, epochs=2)
    assert made.state.step > 3 and made.state.position.epoch >= 1
    used = max(line.seconds or 0.0 for line in read_log(tmp_path / "run/log.jsonl"))
    more = train(shards, tmp_path / "run", steps=None, budget=f"{int(used) + 2}s")
    assert more.state.step > made.state.step


@pytest.mark.parametrize("changes", [{"steps": 8}, {"steps": None, "epochs": 0.1}])
def test_less_than_there_is_is_refused(shards, tmp_path, changes):
    train(shards, tmp_path / "run", steps=12)
    before = contents(tmp_path / "run")
    with pytest.raises(ArtifactError, match="is at step 12 already"):
        train(shards, tmp_path / "run", **changes)
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize("over", [True, False])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"learning_rate": 1e-3}, r"training\.learning_rate was 0\.0005, now it is 0\.001"),
        ({"seed": 5}, r"training\.seed was 0, now it is 5"),
        ({"batch_tokens": 90, "save_steps": 3}, r"training\.batch_tokens was 80"),
    ],
)
def test_what_touches_weights_is_refused_with_the_way_to_branch_off(
    shards, tmp_path, changes, said, over
):
    run = tmp_path / "run"
    if over:
        train(shards, run, steps=12)
    else:
        with pytest.raises(StoppedError):
            train(shards, run, steps=12, watch=FailsAt(7))
    with pytest.raises(ArtifactError, match=said) as caught:
        train(shards, run, steps=20 if over else 12, **changes)
    assert f"--from {run}" in caught.value.hint


def test_a_run_that_is_not_over_is_not_made_longer_by_the_way(shards, tmp_path):
    with pytest.raises(StoppedError):
        train(shards, tmp_path / "run", steps=12, watch=FailsAt(7))
    with pytest.raises(ArtifactError, match=r"training\.steps was 12, now it is 20"):
        train(shards, tmp_path / "run", steps=20)


FREE = {"save_steps": 3, "eval_steps": 5, "eval_batches": 1, "keep_checkpoints": 3}


@pytest.mark.parametrize("name", FREE)
def test_what_touches_no_weight_may_change_at_a_resume(shards, tmp_path, name):
    train(shards, tmp_path / "whole")
    with pytest.raises(StoppedError):
        train(shards, tmp_path / "run", watch=FailsAt(7))
    train(shards, tmp_path / "run", **{name: FREE[name]})
    found, wanted = (load_checkpoint(tmp_path / n).parameters.block for n in ("run", "whole"))
    assert (found == wanted).all()
    state = json.loads((tmp_path / "run/trainer_state.json").read_text())
    assert state["settings"]["training"][name] == FREE[name]
    if name == "keep_checkpoints":
        assert len(checkpoints(tmp_path / "run")) >= 3
    with pytest.raises(StorageError, match="exists already"):  # nor does it train on a finished one
        train(shards, tmp_path / "run")


def test_a_schedule_that_begins_later_is_one_from_its_start_shifted():
    config = TrainingConfig(learning_rate=1.0, warmup_steps=3)
    plain, later = Schedule(config, 10), Schedule(config, 30, Begun(20, 0.0, "rewarm"))
    for step in range(10):
        assert later.learning_rate(20 + step, 0) == pytest.approx(plain.learning_rate(step, 0))
        assert later.progress(20 + step, 0) == pytest.approx(plain.progress(step, 0))
    assert not later.is_over(20, 0) and later.is_over(30, 0)
    clock = TrainingConfig(learning_rate=1.0, budget="100s")
    timed = Schedule(clock, None, Begun(7, 60.0, "rewarm"))
    assert timed.progress(9, 80.0) == pytest.approx(0.5) and timed.is_over(9, 100.0)
    assert 0 < timed.learning_rate(7, 60.0) <= 1
