import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.finetuning.test_finetune import contents
from tests.unit.tasks.models import CONFIG, small
from tests.unit.tasks.test_distill import FailsAt, StoppedError
from tests.unit.training.folders import STEPS, train, write_shards
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.foundation.errors import ArtifactError, StorageError
from tokpipe.tasks.evaluate import evaluate_shards
from tokpipe.tasks.further import pretrain_from
from tokpipe.tasks.model import BertModel
from tokpipe.training.config import TrainingConfig
from tokpipe.training.start_config import StartConfig


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two folders of shards, and a run over the first."""
    folder = tmp_path_factory.mktemp("made")
    for number, name in enumerate(("old", "new")):
        write_shards(folder / name, seed=number + 1)
    train(folder / "old", folder / "run", steps=40, learning_rate=3e-3)
    return folder


def further(made, out, source=None, how=None, **settings):
    more = {
        name: settings.pop(name)
        for name in ("threads", "watch", "also", "begins")
        if name in settings
    }
    return pretrain_from(
        source or made / "run", made / "new", out, config=StartConfig(**(how or {})),
        training=TrainingConfig(**{**STEPS, **settings}), **more,
    )  # fmt: skip


def mlm(evaluation):
    return evaluation.losses["mlm"].mean


def test_losses_before_and_after_are_those_of_evaluate(made, tmp_path):
    found = further(made, tmp_path / "run", also=[made / "old"])
    assert [text.folder for text in found.texts] == [made / "new", made / "old"]
    for text in found.texts:
        for model, one in ((made / "run", text.before), (tmp_path / "run", text.after)):
            assert one == evaluate_shards(BertModel.load(model), text.folder)
    assert found.pretrained.state.step == STEPS["steps"]
    card = (tmp_path / "run/README.md").read_text()
    assert "trained further from `run` with tokpipe for" in card


def test_what_it_begins_with_is_told_before_the_first_step(made, tmp_path):
    told = []

    def begins(start, texts):
        told.append((start.source.folder, [text.after for text in texts]))
        assert not (tmp_path / "run").exists()

    found = further(made, tmp_path / "run", begins=begins)
    assert told == [(made / "run", [None])] and found.texts[0].after is not None


def test_it_begins_below_a_training_from_nothing(made, tmp_path):
    train(made / "new", tmp_path / "scratch")
    further(made, tmp_path / "run")
    again, scratch = (
        mlm(evaluate_shards(BertModel.load(tmp_path / name), made / "new"))
        for name in ("run", "scratch")
    )
    assert again < scratch


@pytest.mark.parametrize("step", [2, 7])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_stopped_run_goes_on_to_the_same_bits(made, tmp_path, step, threads):
    further(made, tmp_path / "whole")
    with pytest.raises(StoppedError):
        further(made, tmp_path / "run", watch=FailsAt(step))
    further(made, tmp_path / "run", threads=threads)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("step", [7, None])
def test_it_goes_on_where_its_model_was_moved(made, tmp_path, step):
    more = {"steps": STEPS["steps"] + 4} if step is None else {}
    further(made, tmp_path / "whole")
    if step is None:
        further(made, tmp_path / "run")
        further(made, tmp_path / "whole", **more)
    else:
        with pytest.raises(StoppedError):
            further(made, tmp_path / "run", watch=FailsAt(step))
    moved = shutil.copytree(made / "run", tmp_path / "moved" / "and renamed")
    further(made, tmp_path / "run", moved, **more)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"how": {"new_rows": "mean"}}, "start.new_rows"),
        ({"how": {"hidden_dropout_prob": 0.2}}, "hidden_dropout_prob"),
        ({"learning_rate": 1e-3}, "training.learning_rate"),
        ({"source": "other"}, "inputs.model"),
    ],
)
def test_a_stopped_run_of_other_settings_is_refused(made, tmp_path, change, key):
    with pytest.raises(StoppedError):
        further(made, tmp_path / "run", watch=FailsAt(7))
    if "source" in change:
        change = {"source": tmp_path / "run-other" / "run"}
        shutil.copytree(made / "run", change["source"])
        train(made / "old", change["source"], force=True)
    with pytest.raises(ArtifactError, match=key):
        further(made, tmp_path / "run", **change)


@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_a_finished_run_is_refused_and_goes_on_with_more_steps(made, tmp_path, precision):
    how = {"precision": precision}
    further(made, tmp_path / "run", **how)
    before = contents(tmp_path / "run")
    with pytest.raises(StorageError, match="exists already"):
        further(made, tmp_path / "run", also=[made / "old"], **how)
    assert contents(tmp_path / "run") == before
    assert further(made, tmp_path / "run", steps=20, **how).pretrained.state.step == 20


def test_a_model_of_another_vocabulary_and_without_heads_can_be_begun_with(made, tmp_path):
    bare = replace(CONFIG, mlm_head=False, nsp_head=False)
    small(bare).save(tmp_path / "source")
    how = {"grow_positions": "interpolate"}
    found = further(made, tmp_path / "run", tmp_path / "source", how, learning_rate=1e-3)
    assert found.start.new_heads == ("mlm", "nsp") and len(found.start.rows.new) == 3
    assert mlm(found.texts[0].after) < mlm(found.texts[0].before)
    assert load_checkpoint(tmp_path / "run").config.vocab_size == 9


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_the_first_loss_is_that_of_transformers(made, tmp_path, compared):
    torch = pytest.importorskip("torch", reason="the peers extra is not installed")
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")
    from tokpipe.training.loading import loaders

    found = further(made, tmp_path / "run", steps=1)
    model = transformers.BertForPreTraining.from_pretrained(made / "run").eval()
    asked, total, count = found.start.asked, 0.0, 0
    _, validation = loaders(asked.shards, asked.config)
    for batch in validation.batches(0):
        for row in range(len(batch)):
            first, last = batch.offsets[row : row + 2]
            masked = (batch.masked_positions >= first) & (batch.masked_positions < last)
            places = batch.masked_positions[masked] - first
            with torch.no_grad():
                out = model(
                    input_ids=torch.tensor(batch.input_ids[first:last][None].astype(np.int64)),
                    token_type_ids=torch.tensor(
                        batch.token_type_ids[first:last][None].astype(np.int64)
                    ),
                )
            wanted = torch.tensor(batch.masked_ids[masked].astype(np.int64))
            total += torch.nn.functional.cross_entropy(
                out.prediction_logits[0, places], wanted, reduction="sum"
            ).item()
            count += len(wanted)
    ours = found.texts[0].before.losses["mlm"]
    assert ours.asked == count
    assert abs(ours.mean - total / count) < 1e-4
    compared("masked tokens", tokens=count)
