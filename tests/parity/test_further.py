"""The loss before the first step is that of transformers, on real models and text."""

import bz2
import lzma
from itertools import islice

import numpy as np
import pytest

from tests.conftest import SHARED
from tokpipe.bert.config import NO_JOB
from tokpipe.bert.huggingface.checkpoint import write_checkpoint
from tokpipe.examples.config import ExampleConfig
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.reader import open_shards
from tokpipe.tasks.evaluate import evaluate_shards
from tokpipe.tasks.model import BertModel
from tokpipe.training.config import TrainingConfig
from tokpipe.training.pretrain import loaders
from tokpipe.training.start import first_weights, prepare_start
from tokpipe.training.start_config import StartConfig

torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

_TEXT = 200_000  # characters of Wikipedia
MINILM = SHARED / "checkpoints" / "minilm-2l-8k"


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    if not MINILM.is_dir():
        pytest.skip("the real data is not there: set TOKPIPE_TEST_DATA")
    folder = tmp_path_factory.mktemp("minilm")
    for file in MINILM.iterdir():
        packed = file.read_bytes()
        name = file.stem if file.suffix == ".bz2" else file.name
        (folder / name).write_bytes(bz2.decompress(packed) if file.suffix == ".bz2" else packed)
    (folder / "expected.json").unlink(missing_ok=True)
    return folder


@pytest.fixture(scope="module")
def shards(minilm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    with lzma.open(SHARED / "corpora" / "wiki-en-small.txt.xz", "rt", encoding="utf-8") as text:
        (folder / "t.txt").write_text(text.read(_TEXT), encoding="utf-8")
    examples = ExampleConfig(max_seq_length=128, objective="none")
    config = BuildConfig(examples=examples, shards=ShardConfig(validation_fraction=0.2))
    build_shards([str(folder / "t.txt")], minilm, folder / "shards", config)
    return open_shards(folder / "shards")


def test_the_first_loss_from_minilm_is_that_of_transformers(minilm, shards, tmp_path, compared):
    config, training = StartConfig(), TrainingConfig(steps=5)
    start = prepare_start(minilm, (shards,), config, training)
    weights = first_weights(start, config)
    write_checkpoint(tmp_path, weights)
    theirs = transformers.BertForMaskedLM.from_pretrained(tmp_path).eval()
    _, validation = loaders(shards, training)
    total, count = 0.0, 0
    for batch in islice(validation.batches(0), 3):
        for row in range(len(batch)):
            loss, masks = _loss(theirs, batch, *batch.offsets[row : row + 2])
            total, count = total + loss, count + masks
    found = evaluate_shards(BertModel(weights, shards.tokenizer), shards.folder)
    several = _ours(BertModel(weights, shards.tokenizer), islice(validation.batches(0), 3))
    assert several == pytest.approx(total / count, abs=1e-4)
    assert found.losses["mlm"].mean == pytest.approx(total / count, abs=0.3)
    assert start.asked.model.task == NO_JOB["task"]
    compared("masked tokens", tokens=count)


def _loss(theirs, batch, first, last):
    masked = (batch.masked_positions >= first) & (batch.masked_positions < last)
    ids = torch.tensor(batch.input_ids[first:last][None].astype(np.int64))
    with torch.no_grad():
        logits = theirs(input_ids=ids).logits[0, batch.masked_positions[masked] - first]
    wanted = torch.tensor(batch.masked_ids[masked].astype(np.int64))
    loss = torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")
    return loss.item(), len(wanted)


def _ours(model, batches):
    total, count = 0.0, 0
    for batch in batches:
        workspace = model.model.workspace(
            len(batch.input_ids), len(batch), len(batch.masked_positions)
        )
        tally = model.model.losses(batch, workspace)["mlm"]
        total, count = total + tally.sum, count + tally.asked
    return total / count
