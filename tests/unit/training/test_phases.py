import json
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.shards.folders import write_folder
from tests.unit.tasks.test_distill import FailsAt, StoppedError
from tests.unit.training.folders import MODEL, STEPS, train, write_shards
from tests.unit.training.stopping import contents
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.foundation.errors import ArtifactError, ConfigError, StorageError
from tokpipe.foundation.manifest import Manifest
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.tasks.distill_text import distill_text
from tokpipe.tasks.evaluate import evaluate_shards
from tokpipe.tasks.further import pretrain_from
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import read_log
from tokpipe.training.phases import open_phases, shards_digest, shares_of
from tokpipe.training.pretrain import Pretraining
from tokpipe.training.source import Phases

HALVES = {"phase_shares": (0.5, 0.5)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Short sequences, long ones, and others of the same kind."""
    folder = tmp_path_factory.mktemp("made")
    write_shards(folder / "short", max_seq_length=24)
    write_shards(folder / "long", seed=2, longest=30, max_seq_length=64)
    write_shards(folder / "third", seed=3, longest=40, max_seq_length=96)
    return folder


@pytest.fixture(scope="module")
def both(made):
    return [made / "short", made / "long"]


@pytest.fixture(scope="module")
def undisturbed(both, tmp_path_factory):
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    train(both, run, **HALVES)
    return contents(run)


def steps_of(run):
    return [line for line in read_log(run / "log.jsonl") if not line.split]


def state_of(run):
    return json.loads((run / "trainer_state.json").read_text())


def test_two_folders_are_nine_tenths_and_one_as_bert_had_them(both, tmp_path):
    made = train(both, tmp_path / "run", steps=20)
    assert [line.phase for line in steps_of(tmp_path / "run")] == [1] * 18 + [2] * 2
    assert made.state.position.phase == 1
    assert state_of(tmp_path / "run")["settings"]["training"]["phase_shares"] == [0.9, 0.1]


def test_each_phase_has_the_batches_of_its_folder(both, tmp_path):
    """The first steps are those of the first folder alone, and the schedule is one over both."""
    train(both, tmp_path / "run", **HALVES)
    train(both[0], tmp_path / "alone")
    found, alone = steps_of(tmp_path / "run"), steps_of(tmp_path / "alone")
    assert [line.loss for line in found[:6]] == [line.loss for line in alone[:6]]
    assert [line.learning_rate for line in found] == [line.learning_rate for line in alone]
    assert found[6].loss != alone[6].loss
    tokens = [after.tokens - before.tokens for before, after in pairwise(found)]
    assert max(tokens) <= STEPS["batch_tokens"]


def test_three_folders_have_the_shares_that_are_given(made, tmp_path):
    folders = [made / name for name in ("short", "long", "third")]
    train(folders, tmp_path / "run", steps=10, phase_shares=(0.1, 0.2, 0.7))
    assert [line.phase for line in steps_of(tmp_path / "run")] == [1] + [2] * 2 + [3] * 7


@pytest.mark.parametrize("step", [1, 5, 6, 7, 11])
@pytest.mark.parametrize("threads", [1, 2])
def test_stopped_at_any_side_of_the_border_it_goes_on_to_the_same_bits(
    both, undisturbed, tmp_path, step, threads
):
    with pytest.raises(StoppedError):
        train(both, tmp_path / "run", **HALVES, watch=FailsAt(step))
    train(both, tmp_path / "run", **HALVES, threads=threads)
    assert contents(tmp_path / "run") == undisturbed


def test_stopped_again_and_again_it_comes_to_the_same_bits(both, undisturbed, tmp_path):
    for step in (2, 6, 7, 8, 10):
        with pytest.raises(StoppedError):
            train(both, tmp_path / "run", **HALVES, watch=FailsAt(step))
    train(both, tmp_path / "run", **HALVES)
    assert contents(tmp_path / "run") == undisturbed


def test_it_is_measured_on_the_last_folder_throughout(both, tmp_path):
    train(both, tmp_path / "run", **HALVES, keep_checkpoints=9)
    measured = {line.step: line for line in read_log(tmp_path / "run/log.jsonl") if line.split}
    assert sorted(measured) == [4, 8, 12] and measured[4].phase is None
    for step, line in measured.items():
        model = BertModel.load(tmp_path / f"run/checkpoint-{step:06d}")
        found = evaluate_shards(model, both[-1])
        assert line.loss == pytest.approx(found.losses.total, rel=1e-5)


@pytest.mark.parametrize("then", ["rewarm", "flat"])
def test_a_finished_training_goes_on_in_the_last_phase(both, tmp_path, then):
    for name in ("whole", "run"):
        train(both, tmp_path / name, **HALVES)
    train(both, tmp_path / "whole", **HALVES, steps=20, then=then)
    assert [line.phase for line in steps_of(tmp_path / "whole")] == [1] * 6 + [2] * 14
    with pytest.raises(StoppedError):
        train(both, tmp_path / "run", **HALVES, steps=20, then=then, watch=FailsAt(15))
    train(both, tmp_path / "run", **HALVES, steps=20, then=then, threads=2)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_by_the_clock_each_phase_has_its_share_of_the_time(both, tmp_path):
    train(both, tmp_path / "run", **HALVES, steps=None, budget="2s")
    lines = steps_of(tmp_path / "run")
    phases = [line.phase for line in lines]
    assert phases == sorted(phases) and set(phases) == {1, 2}
    first = phases.index(2)
    assert lines[first - 1].seconds < 1.2 and lines[first].seconds > 1.0


def test_a_run_of_one_folder_says_nothing_of_phases(made, tmp_path):
    for name, shards in (("plain", made / "short"), ("list", [made / "short"])):
        train(shards, tmp_path / name)
    assert contents(tmp_path / "plain") == contents(tmp_path / "list")
    state = state_of(tmp_path / "plain")
    assert set(state["position"]) == {"epoch", "batch"}
    assert state["settings"]["shards"] == shards_digest(open_phases(made / "short")[0])
    assert "phase_shares" not in state["settings"]["training"]
    assert "inputs" not in state["settings"]
    assert "phase" not in (tmp_path / "plain/log.jsonl").read_text()
    assert "one after the other" not in (tmp_path / "plain/README.md").read_text()


def test_manifest_and_card_name_all_data(both, tmp_path):
    train(both, tmp_path / "run", **HALVES)
    digests = [shards_digest(one) for one in open_phases(both)]
    inputs = Manifest.read(tmp_path / "run", "model").inputs
    assert inputs == {"shards 1": digests[0], "shards 2": digests[1]}
    card = (tmp_path / "run/README.md").read_text()
    for length, digest in zip((24, 64), digests, strict=True):
        assert f"sequences of up to {length}" in card and digest in card
    assert card.count("0.5 of the training") == 2


@pytest.mark.parametrize("order", [["short", "long"], ["long", "short"]])
def test_the_position_table_must_do_for_the_longest_folder(made, tmp_path, order):
    folders = [made / name for name in order]
    short = MODEL.from_dict(MODEL.to_dict() | {"max_position_embeddings": 40})
    with pytest.raises(ConfigError, match="gives 40 places, and the shards have max_seq_length=64"):
        train(folders, tmp_path / "run", model=short)
    train(folders, tmp_path / "run")
    assert load_checkpoint(tmp_path / "run").config.max_position_embeddings == 128


@pytest.mark.parametrize(
    ("names", "changes", "said"),
    [
        (("short", "long"), {"steps": None, "epochs": 2}, "epochs=2 counts times through one"),
        (("short", "long"), {"steps": 1}, "steps=1 are too few for a step in each of 2"),
        (("short", "long"), {"steps": 3, "phase_shares": (0.3, 0.7)}, None),
        (("short", "long"), {"steps": 3, "phase_shares": (0.9, 0.1)}, "steps=3 are too few"),
        (("short", "long", "third"), {}, "phase_shares: not given, and there are 3 folders"),
        (("short", "long"), {"phase_shares": (1.0,)}, "phase_shares: 1, and there are 2 folders"),
        (("short",), {"phase_shares": (1.0,)}, "phase_shares: 1, and there is one folder"),
        ((), {}, "there are no shards to train on"),
    ],
)
def test_what_does_not_say_how_long_each_phase_is_is_refused(made, tmp_path, names, changes, said):
    folders = [made / name for name in names]
    if said is None:
        train(folders, tmp_path / "run", **changes)
        assert [line.phase for line in steps_of(tmp_path / "run")] == [1, 2, 2]
        return
    with pytest.raises(ConfigError, match=said):
        train(folders, tmp_path / "run", **changes)


@pytest.mark.parametrize("shares", [(0.5, 0.6), (0.5, 0.4), (1.5, -0.5), (1.0, 0.0), (2.0,)])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(ConfigError, match="each must be above 0, and together they must be 1"):
        TrainingConfig(phase_shares=shares)


def test_distillation_on_text_has_one_phase(made, tmp_path):
    train(made / "short", tmp_path / "teacher")
    config = TrainingConfig(**STEPS, phase_shares=(0.9, 0.1))
    with pytest.raises(ConfigError, match="there is one folder of shards"):
        distill_text(
            tmp_path / "teacher", made / "short", tmp_path / "out",
            config=DistillConfig(hidden_size=8), training=config,
        )  # fmt: skip


def of_another_tokenizer(folder):
    write_shards(folder)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "d", "##c"]
    (folder / "tokenizer.json").write_bytes(document_bytes(spec_from_bert_vocab(tokens)))
    manifest = Manifest.read(folder, "shards")
    manifest.write(folder, manifest.files)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (of_another_tokenizer, "not the same tokenizer"),
        (lambda folder: write_shards(folder, recipe="roberta", objective="nsp"), "recipe: bert"),
        (lambda folder: write_shards(folder, objective="sop"), "objective: nsp, and sop"),
    ],
)
def test_folders_that_are_unlike_are_refused_by_both_names(made, tmp_path, write, said):
    write(tmp_path / "other")
    with pytest.raises(ArtifactError, match=said) as caught:
        train([made / "short", tmp_path / "other"], tmp_path / "run")
    assert str(made / "short") in caught.value.problem
    assert str(tmp_path / "other") in caught.value.problem
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("folders", "changes", "key"),
    [
        (("long", "short"), {}, "shards.1.sha256"),
        (("short", "third"), {}, "shards.2.sha256"),
        (("short",), {"phase_shares": ()}, "phase_shares"),
        (("short", "long"), {"phase_shares": (0.25, 0.75)}, "training.phase_shares"),
    ],
)
def test_a_stopped_training_of_other_phases_is_refused(made, both, tmp_path, folders, changes, key):
    with pytest.raises(StoppedError):
        train(both, tmp_path / "run", **HALVES, watch=FailsAt(7))
    with pytest.raises(ArtifactError, match=key) as caught:
        train([made / name for name in folders], tmp_path / "run", **{**HALVES, **changes})
    assert "--from" in caught.value.hint


def test_a_position_in_a_phase_that_is_not_there_is_refused(both, tmp_path):
    with pytest.raises(StoppedError):
        train(both, tmp_path / "run", **HALVES, watch=FailsAt(7))
    last = max((tmp_path / "run").glob("checkpoint-*"))
    state = json.loads((last / "trainer_state.json").read_text())
    state["position"]["phase"] = 2
    (last / "trainer_state.json").write_text(json.dumps(state))
    manifest = Manifest.read(last, "model")
    manifest.write(last, manifest.files)
    with pytest.raises(ArtifactError, match="there are 2 phases, and it is in another"):
        train(both, tmp_path / "run", **HALVES)


def test_a_damaged_folder_is_found_before_anything_is_written(made, tmp_path):
    write_folder(tmp_path / "hurt")
    shard = next((tmp_path / "hurt").rglob("*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=shard.name):
        train([made / "short", tmp_path / "hurt"], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_memory_is_taken_for_the_longest_phase(both):
    folders = open_phases(both)
    config = TrainingConfig(batch_tokens=8, steps=20)

    def taken(*some):
        return Pretraining(some, MODEL, config).stages(1)["activations"]

    assert taken(*folders) == taken(*folders[::-1]) >= max(taken(one) for one in folders)


def test_from_a_model_losses_are_measured_on_every_folder(both, tmp_path):
    train(both[0], tmp_path / "first")
    training = TrainingConfig(**STEPS, **HALVES)
    made = pretrain_from(tmp_path / "first", both, tmp_path / "run", training=training)
    assert [text.folder for text in made.texts] == both
    before = [evaluate_shards(BertModel.load(tmp_path / "first"), folder) for folder in both]
    assert [text.before for text in made.texts] == before
    assert [line.phase for line in steps_of(tmp_path / "run")] == [1] * 6 + [2] * 6
    inputs = Manifest.read(tmp_path / "run", "model").inputs
    assert sorted(inputs) == ["model", "shards 1", "shards 2"]
    with pytest.raises(StorageError, match="exists already"):
        pretrain_from(tmp_path / "first", both, tmp_path / "run", training=training)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=5), st.integers(1, 400))
def test_every_folder_has_a_step_or_the_training_is_refused(parts, steps):
    shares = tuple(part / sum(parts) for part in parts)
    phases = [Phases((), shares).at(step / steps) for step in range(steps)]
    assert phases == sorted(phases)
    try:
        assert shares_of(TrainingConfig(steps=steps, phase_shares=shares), len(shares)) == shares
    except ConfigError:
        assert len(set(phases)) < len(shares)
    else:
        assert set(phases) == set(range(len(shares)))
        for number, border in enumerate(accumulate(shares)):
            assert abs(sum(phase <= number for phase in phases) - border * steps) < 1 + 1e-6
