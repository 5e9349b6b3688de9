"""Shard folders in the hands of `datasets` and transformers."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.unit.shards.folders import rows_of
from tokpipe.corpus.bundled import bundled_corpus
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.reader import open_shards
from tokpipe.tokenizer.build import train_vocab
from tokpipe.vocab.config import VocabConfig

datasets = pytest.importorskip("datasets")

ENGLISH = bundled_corpus() / "english"
RECIPES = {
    "bert": ("wordpiece", {}),
    "roberta": ("byte-bpe", {"examples": ExampleConfig(recipe="roberta")}),
    "dense": ("wordpiece", {"masks": MaskConfig(masking="static", dupe_factor=2)}),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a working folder for each recipe, with the shards in ``shards``."""
    root = tmp_path_factory.mktemp("shards")
    for name, (model, settings) in RECIPES.items():
        if not (root / model).exists():
            train_vocab([ENGLISH], VocabConfig(model=model, vocab_size=(600,)), output=root / model)
        files = ShardConfig(
            block_bytes=16 << 10,
            shard_bytes=16 << 10,
            validation_fraction=0.2,
            dense_labels=name == "dense",
        )
        config = BuildConfig(shards=files, **settings)
        build_shards([ENGLISH], root / model, root / name / "shards", config)
    return root


@pytest.mark.parametrize("recipe", RECIPES)
def test_datasets_opens_both_splits(folders, recipe, compared):
    ours = open_shards(folders / recipe / "shards")
    theirs = datasets.load_from_disk(str(ours.folder))
    assert list(theirs) == ["train", "validation"]
    for split in ours.splits:
        found = theirs[split.name]
        assert found["input_ids"][:] == rows_of(split)
        assert [len(row) for row in found["input_ids"]] == split.lengths.tolist()
        assert found.features["input_ids"].feature.dtype == "uint16"
        if recipe != "roberta":
            assert found.features["next_sentence_label"].dtype == "int8"
            labels = np.concatenate([part.labels for part in split.parts])
            assert found["next_sentence_label"][:] == labels.tolist()
        compared("shards with datasets", rows=split.rows)
    assert len(ours.train.files) > 1


def test_datasets_reads_the_files_by_themselves(folders, tmp_path):
    ours = open_shards(folders / "dense" / "shards")
    files = {split.name: [str(ours.folder / name) for name in split.files] for split in ours.splits}
    theirs = datasets.load_dataset("arrow", data_files=files, cache_dir=str(tmp_path))
    for split in ours.splits:
        assert theirs[split.name]["input_ids"][:] == rows_of(split)
    assert theirs["train"].features["labels"].feature.dtype == "int32"


def snippets(text):
    """Return the Python code of a README."""
    return re.findall(r"```python\n(.*?)```", text, re.S)


def executed(folder, number, monkeypatch):
    """Run a snippet of a shard folder's README beside the folder; return its names."""
    monkeypatch.chdir(folder)
    names = {}
    exec(snippets((folder / "shards/README.md").read_text())[number], names)
    return names


@pytest.mark.peers
@pytest.mark.parametrize("recipe", ["bert", "roberta"])
def test_transformers_masks_dynamic_shards_as_the_readme_says(folders, recipe, monkeypatch):
    torch, _ = pytest.importorskip("torch"), pytest.importorskip("transformers")
    torch.manual_seed(1)
    folder = folders / recipe
    batch = executed(folder, 1, monkeypatch)["batch"]
    opened = open_shards(folder / "shards")
    rows, mask, pad = rows_of(opened.train)[:8], opened.facts.mask_id, opened.facts.pad_id
    longest = max(map(len, rows))
    assert batch["input_ids"].shape == batch["labels"].shape == (8, longest)
    whole = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
    asked = batch["labels"] != -100
    assert torch.equal(torch.where(asked, batch["labels"], batch["input_ids"]), whole)
    assert (batch["input_ids"][asked] == mask).float().mean() > 0.6
    special = [opened.facts.cls_id, opened.facts.sep_id, pad]
    assert not torch.isin(whole[asked], torch.tensor(special)).any()
    assert 0.1 < asked.sum() / sum(map(len, rows)) < 0.2


@pytest.mark.peers
def test_our_readme_opens_shards_as_it_says(folders, tmp_path, monkeypatch):
    pytest.importorskip("torch"), pytest.importorskip("transformers")
    text = (Path(__file__).parents[2] / "README.md").read_text()
    [snippet] = [code for code in snippets(text) if "load_from_disk" in code]
    (tmp_path / "out").symlink_to(folders / "bert")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    names = {}
    exec(snippet, names)
    assert names["batch"]["input_ids"].shape == names["batch"]["labels"].shape
    for split in open_shards(folders / "bert" / "shards").splits:
        assert names["shards"][split.name]["input_ids"][:] == rows_of(split)
        assert names["alone"][split.name]["input_ids"][:] == rows_of(split)


@pytest.mark.peers
def test_transformers_pads_dense_shards_as_the_readme_says(folders, monkeypatch):
    torch, _ = pytest.importorskip("torch"), pytest.importorskip("transformers")
    batch = executed(folders / "dense", 1, monkeypatch)["batch"]
    train = datasets.load_from_disk(str(folders / "dense" / "shards"))["train"]
    longest = max(len(train[i]["input_ids"]) for i in range(8))
    filled = {"token_type_ids": 0, "attention_mask": 0, "labels": -100}
    for name, value in filled.items():
        rows = [train[i][name] for i in range(8)]
        wanted = [row + [value] * (longest - len(row)) for row in rows]
        assert torch.equal(batch[name], torch.tensor(wanted)), name
    labels = [train[i]["next_sentence_label"] for i in range(8)]
    assert batch["next_sentence_label"].tolist() == labels


@pytest.mark.peers
def test_the_default_collator_takes_dense_rows_of_one_length(folders):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    train = datasets.load_from_disk(str(folders / "dense" / "shards"))["train"]
    wanted = ["input_ids", "token_type_ids", "attention_mask", "labels", "next_sentence_label"]
    rows = [row for row in train.select_columns(wanted) if len(row["input_ids"]) == 128][:4]
    batch = transformers.default_data_collator(rows)
    assert len(rows) == 4
    for name in wanted[:4]:
        assert torch.equal(batch[name], torch.tensor([row[name] for row in rows])), name
    assert batch["next_sentence_label"].shape == (4,)
