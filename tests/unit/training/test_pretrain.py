import errno
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.training.folders import MODEL, train, write_shards
from tests.unit.training.stopping import StopAt, contents, stopping
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.foundation import storage as storage_module
from tokpipe.foundation.errors import (
    ArtifactError,
    ConfigError,
    InputError,
    MemoryLimitError,
    StorageError,
)
from tokpipe.foundation.locks import one_writer
from tokpipe.foundation.manifest import Manifest
from tokpipe.shards.reader import open_shards
from tokpipe.training import loop as loop_module
from tokpipe.training import memory as memory_module
from tokpipe.training import pretrain as pretrain_module
from tokpipe.training import result
from tokpipe.training import trainer as trainer_module
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import read_log
from tokpipe.training.state import save_checkpoint
from tokpipe.training.trainer import TrainingError


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture(scope="module")
def undisturbed(shards, tmp_path_factory):
    """The files of a run that nobody disturbed, without its times."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    train(shards, run)
    return contents(run)


@pytest.fixture
def stopped_run(shards, tmp_path, monkeypatch):
    """Train until a step, then press Ctrl-C."""

    def stopped(step, **settings):
        with stopping(monkeypatch, step) as watch:
            train(shards, tmp_path / "run", watch=watch, **settings)
        return tmp_path / "run"

    return stopped


def test_a_run_holds_the_model_its_checkpoints_and_the_log(undisturbed):
    names = {name for name in undisturbed if "/" not in name}
    wanted = {"config.json", "model.safetensors", "tokenizer.json", "trainer_state.json"}
    assert names >= wanted | {"README.md", "log.jsonl", "tokpipe.json"}
    assert "optimizer.safetensors" not in names
    folders = {name.split("/")[0] for name in undisturbed if "/" in name}
    assert {"checkpoint-000008", "checkpoint-000012", "encoder", "masked-lm"} <= folders
    assert undisturbed["model.safetensors"] == undisturbed["checkpoint-000012/model.safetensors"]
    steps = [line["step"] for line in undisturbed["log.jsonl"] if "split" not in line]
    assert steps == list(range(1, 13))
    measured = [line["step"] for line in undisturbed["log.jsonl"] if "split" in line]
    assert measured == [4, 8, 12]


def test_a_finished_run_has_a_folder_for_each_class_of_transformers(shards, tmp_path):
    train(shards, tmp_path / "run", steps=4)
    whole = load_checkpoint(tmp_path / "run")
    for name, heads in (("encoder", (True, False, False)), ("masked-lm", (False, True, False))):
        part = load_checkpoint(tmp_path / "run" / name)
        config = part.config
        assert (config.pooler, config.mlm_head, config.nsp_head) == heads
        for tensor, view in part.parameters.views.items():
            assert (view == whole.parameters.views[tensor]).all()
        Manifest.read(tmp_path / "run" / name, "model").check_files(tmp_path / "run" / name)
        kept = set(Manifest.read(tmp_path / "run", "model").files)
        wanted = {"config.json", "model.safetensors", "tokenizer.json", "README.md", "tokpipe.json"}
        assert {f"{name}/{file}" for file in wanted} <= kept
    assert whole.config.nsp_head
    assert 'from_pretrained("this folder/encoder")' in (tmp_path / "run/README.md").read_text()


def test_an_encoder_without_a_trained_pooler_has_the_identity(shards, tmp_path):
    bare = MODEL.from_dict(MODEL.to_dict() | {"pooler": False, "nsp_head": False})
    train(shards, tmp_path / "run", model=bare, steps=4)
    views = load_checkpoint(tmp_path / "run/encoder").parameters.views
    assert (views["pooler.weight"] == np.eye(16)).all() and not views["pooler.bias"].any()
    run, part = tmp_path / "run", tmp_path / "run/masked-lm"
    assert (part / "model.safetensors").samefile(run / "model.safetensors")
    assert "the identity" in (run / "encoder/README.md").read_text()


def test_a_model_that_transformers_has_not_is_one_folder(shards, tmp_path):
    rope = MODEL.from_dict(MODEL.to_dict() | {"position": "rope"})
    train(shards, tmp_path / "run", model=rope, steps=4)
    assert not (tmp_path / "run/encoder").exists() and not (tmp_path / "run/masked-lm").exists()
    assert "transformers has no such model" in (tmp_path / "run/README.md").read_text()


def test_a_part_that_was_half_removed_is_made_again(shards, undisturbed, tmp_path):
    run = tmp_path / "run"
    train(shards, run)
    (run / "tokpipe.json").unlink()
    (run / "encoder/tokpipe.json").unlink()
    (run / "masked-lm/config.json").unlink()
    (run / ".encoder.partial").mkdir()
    (run / ".encoder.lock").touch()
    train(shards, run)
    assert contents(run) == undisturbed


def test_threads_change_nothing(shards, undisturbed, tmp_path):
    train(shards, tmp_path / "run", threads=2)
    assert contents(tmp_path / "run") == undisturbed


@pytest.mark.parametrize("step", [1, 4, 6, 11])
def test_a_stopped_run_goes_on_to_the_same_bytes(shards, undisturbed, stopped_run, step):
    run = stopped_run(step)
    assert not (run / "tokpipe.json").exists()
    train(shards, run, threads=2)
    assert contents(run) == undisturbed


def test_the_clock_asks_for_checkpoints_that_go_again(shards, undisturbed, tmp_path, monkeypatch):
    written = []

    def saves(run, state, *more):
        written.append(state.step)
        return save_checkpoint(run, state, *more)

    monkeypatch.setattr(loop_module, "_SAVE_SECONDS", 0.0)
    monkeypatch.setattr(loop_module, "save_checkpoint", saves)
    train(shards, tmp_path / "run")
    assert written == list(range(1, 13))
    assert contents(tmp_path / "run") == undisturbed


def test_it_goes_on_from_any_checkpoint_and_in_another_folder(
    shards, undisturbed, stopped_run, tmp_path
):
    moved = stopped_run(9).rename(tmp_path / "å b")
    train(shards, moved, resume="checkpoint-000004")
    assert contents(moved) == undisturbed
    left = tmp_path / ".å b.lock"  # by one that was killed when all was done but this
    left.touch()
    with pytest.raises(StorageError, match="exists already"):
        train(shards, moved)
    assert not left.exists()
    train(shards, moved, force=True)
    assert contents(moved) == undisturbed


def test_a_checkpoint_that_is_not_there_is_named(shards, stopped_run):
    run = stopped_run(6)
    with pytest.raises(ArtifactError, match="no checkpoint 'checkpoint-7'"):
        train(shards, run, resume="checkpoint-7")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.25}, r"training.learning_rate was 0.0005, now it is 0.25"),
        ({"steps": 13}, r"training.steps was 12, now it is 13"),
        ({"model": MODEL.__class__(**(MODEL.to_dict() | {"hidden_act": "relu"}))}, "hidden_act"),
    ],
)
def test_changed_settings_are_named_with_both_values(shards, stopped_run, changes, message):
    run = stopped_run(6)
    before = contents(run)
    with pytest.raises(ArtifactError, match=message):
        train(shards, run, **changes)
    assert contents(run) == before


def test_changed_shards_and_versions_are_refused(stopped_run, shards, tmp_path, monkeypatch):
    run = stopped_run(6)
    others = write_shards(tmp_path / "others", seed=2)
    with pytest.raises(ArtifactError, match="shards was"):
        train(others, run)
    monkeypatch.setattr(pretrain_module, "__version__", "9.9")
    with pytest.raises(ArtifactError, match=r'version was ".*", now it is "9.9"'):
        train(shards, run)


@pytest.mark.parametrize(
    "name", ["optimizer.safetensors", "model.safetensors", "trainer_state.json", "tokenizer.json"]
)
def test_a_damaged_checkpoint_is_refused(name, shards, stopped_run):
    run = stopped_run(6)
    path = max(run.glob("checkpoint-*")) / name
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=f"{name}: sha256"):
        train(shards, run)


def test_a_foreign_folder_is_not_touched(shards, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/thesis.txt").write_text("three years")
    with pytest.raises(StorageError, match=r"thesis\.txt"):
        train(shards, tmp_path / "run", force=True)


@pytest.mark.parametrize("name", ["vocab.txt", "README.md", "tokpipe.json", "config.json"])
@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_put_into_a_run_while_it_goes_on_stays(name, kind, shards, undisturbed, tmp_path):
    run, other = tmp_path / "run", tmp_path / "thesis"
    other.write_text("three years")

    class Puts(StopAt):
        def sees(self, line, share):
            if line.step == self.step and not os.path.lexists(run / name):
                makes = {"file": lambda: shutil.copy(other, run / name)}
                makes |= {"link": lambda: (run / name).symlink_to(other)}
                makes.get(kind, (run / name).mkdir)()

    with pytest.raises(StorageError, match=f"{name} was put there while the run went on"):
        train(shards, run, watch=Puts(3))
    assert kind == "folder" or (run / name).read_text() == other.read_text() == "three years"
    (run / name).rename(tmp_path / "moved")
    train(shards, run)
    assert contents(run) == undisturbed


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("gone", [["tokpipe.json"], ["tokpipe.json", "README.md", "config.json"]])
def test_a_run_killed_at_its_end_is_finished(
    force, links, gone, shards, undisturbed, tmp_path, monkeypatch
):
    if not links:  # a disk that has none

        def refused(*args, **settings):
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(result.os, "link", refused)
    run = tmp_path / "run"
    train(shards, run)
    for name in gone:
        (run / name).unlink()
    train(shards, run, force=force)
    assert contents(run) == undisturbed


def test_the_second_writer_is_told_who_the_first_is(shards, tmp_path):
    run = tmp_path / "run"
    with one_writer(tmp_path / ".run.lock", run), pytest.raises(StorageError, match="process"):
        train(shards, run)


def broken_from(step, monkeypatch):
    """Let the numbers of a step be none."""
    right = trainer_module.Optimizer.gradient_norm

    def broken(self):
        norm = right(self)
        if self.steps + 1 == step:
            return float("nan")
        return norm

    monkeypatch.setattr(trainer_module.Optimizer, "gradient_norm", broken)


def test_nan_stops_within_the_step_and_names_row_and_checkpoint(shards, tmp_path, monkeypatch):
    broken_from(7, monkeypatch)
    with pytest.raises(TrainingError) as caught:
        train(shards, tmp_path / "run")
    assert "step 7: the gradient is nan, at row" in caught.value.problem
    assert "training shard 0" in caught.value.problem
    assert f"last good checkpoint is {tmp_path / 'run' / 'checkpoint-000004'}" in str(caught.value)
    load_checkpoint(tmp_path / "run/checkpoint-000004")
    assert caught.value.exit_code == 1


def test_a_learning_rate_of_a_thousand_never_leaves_a_broken_checkpoint(shards, tmp_path):
    try:
        train(shards, tmp_path / "run", learning_rate=1e30, max_grad_norm=0.0, warmup_steps=0)
    except TrainingError as error:
        assert "checkpoint" in error.problem or "weights" in error.problem
    for path in (tmp_path / "run").glob("checkpoint-*"):
        assert np.isfinite(load_checkpoint(path).parameters.block).all()


def test_numbers_that_are_none_only_behind_the_last_step_are_told(shards, tmp_path):
    how = {"steps": 1, "eval_steps": 1, "learning_rate": 1e30, "warmup_steps": 0}
    with pytest.raises(TrainingError, match="step 1: the loss in its evaluation"):
        train(shards, tmp_path / "run", **how)


def test_too_little_memory_names_stage_and_setting(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(memory_module, "free_memory", lambda: 10_000)
    with pytest.raises(MemoryLimitError, match="for activations") as caught:
        train(shards, tmp_path / "run")
    assert "--batch-tokens" in caught.value.hint


def test_too_little_disk_is_said_before_the_start(shards, tmp_path, monkeypatch):
    usage = storage_module.shutil.disk_usage("/")._replace(free=100_000)
    monkeypatch.setattr(storage_module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match="run") as caught:
        train(shards, tmp_path / "run")
    assert "100" in caught.value.problem
    assert not list((tmp_path / "run").iterdir())


def test_model_and_shards_must_fit(shards, tmp_path):
    small = MODEL.to_dict() | {"max_position_embeddings": 64}
    with pytest.raises(ConfigError, match="max_seq_length=128"):
        train(shards, tmp_path / "run", model=MODEL.from_dict(small))
    other = MODEL.to_dict() | {"vocab_size": 77}
    with pytest.raises(ConfigError, match="vocab_size=77"):
        train(shards, tmp_path / "run", model=MODEL.from_dict(other))
    single = MODEL.to_dict() | {"type_vocab_size": 0}
    with pytest.raises(ConfigError, match=r"type_vocab_size=0.*pairs"):
        train(shards, tmp_path / "run", model=MODEL.from_dict(single))


def test_shards_without_examples_are_refused(tmp_path):
    empty = write_shards(tmp_path / "empty", rows=0)
    with pytest.raises(InputError, match="holds no examples"):
        train(empty, tmp_path / "run")


def test_accumulated_batches_move_weights_once(shards, tmp_path):
    made = train(shards, tmp_path / "run", gradient_accumulation_steps=3, steps=2, eval_steps=0)
    assert made.state.step == 2
    assert made.last is not None and made.last.tokens > 2 * 2 * 80


def test_epochs_and_budget_end_by_themselves(shards, tmp_path):
    made = train(shards, tmp_path / "a", steps=None, epochs=1.0)
    assert made.state.position.epoch == 1
    assert made.state.position.batch == 0
    timed = train(shards, tmp_path / "b", steps=None, budget="1s")
    lines = list(read_log(tmp_path / "b/log.jsonl"))
    assert timed.state.step > 1
    assert max(line.seconds or 0 for line in lines) < 20


def test_it_learns(shards, tmp_path):
    train(shards, tmp_path / "run", steps=150, batch_tokens=400, learning_rate=0.01, save_steps=999)
    losses = [
        line.heads["mlm"].loss for line in read_log(tmp_path / "run/log.jsonl") if not line.split
    ]
    assert np.mean(losses[-25:]) < 0.8 * np.mean(losses[:25])  # 0.43 to 0.70 over three seeds


def test_heads_may_begin_near_by_and_a_stopped_run_goes_on_to_the_same_bits(
    shards, tmp_path, monkeypatch
):
    train(shards, tmp_path / "whole", attention_start="local")
    with stopping(monkeypatch, 3) as watch:
        train(shards, tmp_path / "run", watch=watch, attention_start="local")
    train(shards, tmp_path / "run", attention_start="local")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    told = Manifest.read(tmp_path / "whole", "model").settings["training"]
    assert told["attention_start"] == "local"
    with pytest.raises(ArtifactError, match="attention_start was"):
        train(shards, tmp_path / "run")


def test_a_start_that_the_model_cannot_have_is_refused_before_anything_is_written(shards, tmp_path):
    model = replace(MODEL, position="rope")
    with pytest.raises(ConfigError, match="attention_start='local' and position='rope'"):
        pretrain_module.pretrain(
            shards, model, TrainingConfig(steps=3, attention_start="local"), tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_settings_that_came_later_are_written_where_they_act():
    assert "attention_start" not in TrainingConfig().to_dict()
    config = TrainingConfig(attention_start="local")
    assert config.to_dict()["attention_start"] == "local"
    assert TrainingConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("types", [0, 1, 2])
def test_a_model_without_segments_is_not_given_types(shards, types):
    model = replace(MODEL, type_vocab_size=types)
    files = pretrain_module._tokenizer_files(open_shards(shards), model)
    inputs = json.loads(files["tokenizer_config.json"])["model_input_names"]
    assert ("token_type_ids" in inputs) == (types == 2)
