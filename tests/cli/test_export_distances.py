"""`tokpipe export` of a model whose places are told by distances: an MPNet, for every command."""

from dataclasses import replace

import pytest

from tests.cli.test_finetune import FAST
from tests.cli.test_models import SENTENCES
from tests.unit.finetuning.jobs import write_data
from tests.unit.tasks.models import CONFIG, small
from tests.unit.training.folders import write_shards
from tokpipe.bert.families.own import TOKPIPE
from tokpipe.tasks.model import BertModel

DISTANCES = replace(CONFIG, position="relative", nsp_head=False, pooler=False)


@pytest.fixture(params=[0, 1])
def exported(request, tokpipe, tmp_path):
    """Export a model that a folder holds our own way, as older releases wrote it."""
    model = small(replace(DISTANCES, type_vocab_size=request.param))
    model.family = TOKPIPE
    model.save(tmp_path / "own")
    (tmp_path / "s.txt").write_text(SENTENCES)
    ran = tokpipe("export", "own", "-o", "mpnet", "--json")
    assert ran.code == 0 and ran.json["family"] == "mpnet", ran.err
    return tmp_path


def weights(folder):
    parameters = BertModel.load(folder).parameters
    return parameters.config, {name: view.tobytes() for name, view in parameters.views.items()}


def test_it_comes_back_and_makes_the_same_vectors(tokpipe, exported):
    assert tokpipe("import", "mpnet", "-o", "back").code == 0
    assert weights(exported / "back") == weights(exported / "own")
    for name in ("own", "mpnet"):
        assert tokpipe("embed", name, "s.txt", "-o", f"{name}.npy").code == 0
    assert (exported / "own.npy").read_bytes() == (exported / "mpnet.npy").read_bytes()
    filled = [tokpipe("fill-mask", one, "a [MASK]", "--json") for one in ("own", "mpnet")]
    assert filled[0].json == filled[1].json


def test_training_goes_on_from_it_to_the_same_weights(tokpipe, exported):
    write_shards(exported / "shards", objective="none", longest=6)
    for name in ("own", "mpnet"):
        how = ("--steps", 3, "--batch-tokens", 100, "-o", f"{name}-on")
        ran = tokpipe("pretrain", "shards", "--from", name, *how)
        assert ran.code == 0, ran.err
    (config, found), (again, others) = (weights(exported / f"{n}-on") for n in ("own", "mpnet"))
    assert config == again and config.position == "relative"
    assert found == others
    assert found != weights(exported / "own")[1]


def test_it_learns_a_job_and_does_it(tokpipe, exported):
    data = write_data(exported, "classification", 32, 0, "train")
    ran = tokpipe("finetune", "classification", "mpnet", "--train", data, "-o", "job", *FAST)
    assert ran.code == 0, ran.err
    job = BertModel.load(exported / "job")
    assert (job.family.name, job.config.position) == ("mpnet", "relative")
    assert job.config.classifier == "tanh"
    ran = tokpipe("predict", "job", "--text", "the cat sat", "--to", "jsonl")
    assert ran.code == 0, ran.err


def test_what_does_not_fit_is_named(tokpipe, tmp_path):
    small(replace(DISTANCES, pooler=True, nsp_head=True)).save(tmp_path / "pairs")
    ran = tokpipe("export", "pairs", "-o", "out")
    assert ran.code == 2 and "none that transformers calls mpnet" in ran.err
    said = " ".join(ran.err.split())
    assert "type_vocab_size=2 (it has no segments); nsp_head (it has none)" in said
    assert "position=" not in ran.err and not (tmp_path / "out").exists()
