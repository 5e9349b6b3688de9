import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.cli.test_pretrain import SMALL
from tests.unit.bert.huggingface.pickles import converted
from tests.unit.tasks.models import CONFIG, small
from tests.unit.training.folders import write_shards
from tokpipe.bert.families.registry import FAMILIES
from tokpipe.bert.huggingface.tensor_file import TensorFile, write_tensors
from tokpipe.tasks.model import BertModel
from tokpipe.training.source_model import open_source

STEPS = ("--steps", 4, "--batch-tokens", 100)


@pytest.fixture
def made(tokpipe, tmp_path):
    write_shards(tmp_path / "old")
    write_shards(tmp_path / "new", seed=2)
    assert tokpipe("pretrain", "old", *SMALL, "-o", "run").code == 0
    return tmp_path


def test_losses_are_said_before_the_first_step_and_shown_after(tokpipe, made):
    ran = tokpipe("pretrain", "new", "--from", "run", "--also", "old", *STEPS, "-o", "again")
    assert ran.code == 0, ran.err
    assert "new: loss " in ran.err and "before the first step, guessing by frequency" in ran.err
    assert ran.err.index("before the first step") < ran.err.index("step 4")
    assert [line.split()[0] for line in ran.out.splitlines() if line.startswith(("new", "old"))]
    assert "by frequency" in ran.out
    again = tokpipe("pretrain", "new", "--from", "run", *STEPS, "-o", "again")
    assert again.code == 4 and "again exists already" in again.err


def test_a_pickled_model_is_taken_further_to_the_same_weights(tokpipe, made):
    shutil.copytree(made / "run", made / "pickled")
    (made / "pickled/tokpipe.json").unlink()
    converted(made / "pickled")
    digests = []
    for source in ("run", "pickled"):
        ran = tokpipe("pretrain", "new", "--from", source, *STEPS, "-o", f"{source}-on")
        assert ran.code == 0, ran.err
        digests.append(open_source(made / source).digest)
    one, two = (made / f"{name}-on/model.safetensors" for name in ("run", "pickled"))
    assert one.read_bytes() == two.read_bytes()
    weights = bytearray((made / "pickled/pytorch_model.bin").read_bytes())
    weights[len(weights) // 2] ^= 1
    (made / "pickled/pytorch_model.bin").write_bytes(weights)
    assert open_source(made / "pickled").digest not in digests


def test_json_holds_both_evaluations(tokpipe, made):
    ran = tokpipe("pretrain", "new", "--from", "run", *STEPS, "-o", "again", "--json")
    (text,) = ran.json["texts"]
    assert text["shards"] == "new" and text["before"]["mlm_loss"] != text["after"]["mlm_loss"]


def test_what_is_new_of_another_model_is_said(tokpipe, made):
    small().save(made / "other")
    ran = tokpipe("pretrain", "new", "--from", "other", *STEPS, "-o", "again")
    assert ran.code == 2 and "grow_positions" in ran.err
    grown = ("--grow-positions", "repeat")
    ran = tokpipe("pretrain", "new", "--from", "other", *grown, *STEPS, "-o", "again")
    assert ran.code == 0, ran.err
    assert "6 tokens keep their rows, 3 are new (the mean of all)" in " ".join(ran.err.split())
    assert "grows from 24 to 128 places" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--from", "run", "--preset", "mini"), 2, "--preset is the model's own"),
        (("--from", "run", "--settings", "bert"), 2, "--settings are for a model that begins from"),
        (("--from", "run", "--num-hidden-layers", 3), 2, "--num-hidden-layers is the model's own"),
        (("--also", "old"), 2, "belong to --from"),
        (("--new-rows", "mean"), 2, "belong to --from"),
        (("--from", "nowhere"), 3, "nowhere"),
        (("--from", "old"), 4, "wanted 'model'"),
        (("--from", "run", "--also", "nowhere"), 4, "nowhere"),
        (("--from", "run", "--also", "nowhere", "--dry-run"), 4, "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(tokpipe, made, arguments, code, said):
    ran = tokpipe("pretrain", "new", *arguments, *STEPS, "-o", "again")
    assert ran.code == code and said in ran.err, ran.err
    assert "Traceback" not in ran.err and not (made / "again").exists()


def test_heads_for_other_tasks_are_named_briefly(tokpipe, made):
    with TensorFile(made / "run/model.safetensors") as file:
        tensors = {name: np.zeros(entry.shape, np.float32) for name, entry in file.entries.items()}
    tensors |= {f"qa_outputs.\x1b[31m{i}": np.zeros(2, np.float32) for i in range(90)}
    shutil.copytree(made / "run", made / "other")
    (made / "other/tokpipe.json").unlink()
    write_tensors(made / "other/model.safetensors", tensors)
    ran = tokpipe("pretrain", "new", "--from", "other", *STEPS, "-o", "again")
    assert ran.code == 0, ran.err
    assert "other: left out, being heads for other tasks" in ran.err and "85 more" in ran.err
    assert "\x1b" not in ran.err and "qa_outputs.\\x1b[31m1" in ran.err


RELU = {"hidden_act": "relu", "mlm_head": False}
PLACES = {"position": "learned-relative", "position_offset": 2, "pad_token_id": 1}


@pytest.mark.parametrize(
    ("family", "made_of_it", "changes", "reason"),
    [
        ("electra", "bert", RELU, "hidden_act='relu'"),
        ("mpnet", "tokpipe", {**PLACES, "type_vocab_size": 0}, "position_offset=2 and pad_token"),
    ],
)
def test_a_model_that_cannot_stay_what_it_is_is_announced(
    tokpipe, made, family, made_of_it, changes, reason
):
    config = replace(CONFIG, pooler=False, nsp_head=False, **changes)
    source = small(config)
    BertModel(source.parameters, source.tokenizer, family=FAMILIES[family]).save(made / "other")
    (made / "t.txt").write_text("the cat sat on the mat . a dog ran .\n" * 30)
    flags = ("--no-nsp", "--max-seq-length", 16)
    assert tokpipe("build-shards", "t.txt", "-t", "run", *flags, "-o", "sh").code == 0
    ran = tokpipe("pretrain", "sh", "--from", "other", *STEPS, "-o", "again")
    assert ran.code == 0, ran.err
    said = " ".join(ran.err.split())
    assert f"family will be {made_of_it}, not {family} as the model is: {reason}" in said


def test_a_plan_is_that_of_the_model(tokpipe, made):
    ran = tokpipe("pretrain", "new", "--from", "run", *STEPS, "-o", "again", "--dry-run", "--json")
    config = json.loads((made / "run/config.json").read_text())
    assert ran.code == 0 and ran.json["parameters"] > config["hidden_size"] * config["vocab_size"]
    assert not (made / "again").exists()
