"""The commands that use a model, on a small one with drawn weights."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.bert.huggingface.pickles import converted
from tests.unit.shards import folders
from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.families.registry import FAMILIES
from tokpipe.bert.huggingface.tensor_file import TensorFile, write_tensors
from tokpipe.bert.parameters import Parameters
from tokpipe.tasks.embed import embed_texts
from tokpipe.tasks.model import BertModel

SENTENCES = "the cat sat\n\na dog ran on the old road\nit was new\n"
TEXTS = SENTENCES.split("\n\n")[0:1] + SENTENCES.split("\n\n")[1].splitlines()


@pytest.fixture
def model(tmp_path):
    small().save(tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def sentences(tmp_path):
    path = tmp_path / "s.txt"
    path.write_text(SENTENCES)
    return path


def test_masks_are_filled(tokpipe, model):
    ran = tokpipe("fill-mask", model, "the [MASK] sat on [MASK]", "a [MASK]", "-k", "3", "--json")
    assert ran.code == 0
    assert [len(found["masks"]) for found in ran.json] == [2, 1]
    best = ran.json[0]["masks"][0]
    assert len(best) == 3 and best[0]["score"] >= best[1]["score"]
    drawn = tokpipe("fill-mask", model, "a [MASK]", "-q").out
    assert drawn.splitlines()[0] == "a [MASK]" and "█" in drawn and len(drawn.splitlines()) == 6
    assert tokpipe("fill-mask", model, "a cat").code == 3


def test_hostile_text_is_shown_as_text(tokpipe, model):
    ran = tokpipe("fill-mask", model, "[bold]\x1b]0;x\x07 [MASK]", "-q")
    assert ran.code == 0 and not set(ran.out) & set("\x1b\x07") and "[bold]\\x1b]0" in ran.out


def test_lines_of_stdin_are_filled(process, model):
    ran = process("fill-mask", model, "-", "--json", input=b"a [MASK]\n\nthe [MASK]\r\n")
    assert [found["text"] for found in json.loads(ran.stdout)] == ["a [MASK]", "the [MASK]"]


def test_a_pair_is_judged(tokpipe, model):
    found = tokpipe("predict", "nsp", model, "the cat", "sat", "--json").json
    assert found["follows"] + found["random"] == pytest.approx(1)
    assert "B follows A" in tokpipe("predict", "nsp", model, "the cat", "sat").out


@pytest.mark.parametrize("kind", ["npy", "parquet", "jsonl"])
def test_texts_become_vectors_in_a_file(tokpipe, model, sentences, tmp_path, kind):
    out = tmp_path / f"v.{kind}"
    assert tokpipe("embed", model, sentences, "-o", out).code == 0
    if kind == "npy":
        found = np.load(out)
    elif kind == "parquet":
        table = pq.read_table(out)
        assert table["text"].to_pylist() == TEXTS
        found = np.array(table["embedding"].to_pylist(), np.float32)
    else:
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert [row["text"] for row in rows] == TEXTS
        found = np.array([row["embedding"] for row in rows], np.float32)
    assert (found == embed_texts(small(), TEXTS)).all()
    assert tokpipe("embed", model, sentences, "-o", out).code == 4


def test_texts_that_are_cut_are_counted(tokpipe, model, tmp_path):
    (tmp_path / "long.txt").write_text("dog " * 50 + "\na cat\n")
    ran = tokpipe("embed", model, tmp_path / "long.txt")
    assert "cut: 1" in ran.err and len(ran.out.splitlines()) == 2


def test_blank_lines_alone_are_no_texts(tokpipe, model, tmp_path):
    (tmp_path / "blank.txt").write_text("\n  \n")
    ran = tokpipe("embed", model, tmp_path / "blank.txt", "-o", tmp_path / "v.npy")
    assert ran.code == 3 and "the input holds no text" in ran.err
    assert not (tmp_path / "v.npy").exists()
    assert tokpipe("nearest", model, "--among", tmp_path / "blank.txt", "a").code == 3


def test_words_and_sentences_are_near(tokpipe, model, sentences):
    found = tokpipe("nearest", model, "cat", "dog", "-k", "2", "--json").json
    assert [len(row["nearest"]) for row in found] == [2, 2]
    found = tokpipe("nearest", model, "--analogy", "cat", "kitten", "dog", "--json").json
    assert found[0]["query"] == "kitten - cat + dog"
    ran = tokpipe("nearest", model, "--among", sentences, "the cat sat", "-k", "1")
    assert ran.out.splitlines()[1].split()[:3] == ["the", "cat", "sat"]
    assert "1.000" in ran.out
    assert tokpipe("nearest", model).code == 2
    assert tokpipe("nearest", model, "東").code == 3


def test_a_model_is_imported_and_exported_bit_for_bit(tokpipe, model, tmp_path):
    ran = tokpipe("export", model, "-o", "half", "--dtype", "bf16", "--shard-size", "4kB", "--json")
    assert ran.code == 0 and "model.safetensors.index.json" in ran.json["files"]
    assert tokpipe("import", "half", "-o", "kept").code == 0
    assert tokpipe("import", "kept", "-o", "again").code == 0
    one, two = (tmp_path / name / "model.safetensors" for name in ("kept", "again"))
    assert one.read_bytes() == two.read_bytes()
    stored = tokpipe("inspect", "model", "again", "--json").json["stored"]
    assert stored == ["BF16"]
    assert (tmp_path / "again" / "tokenizer.json").exists()
    assert tokpipe("import", "kept", "-o", "again").code == 4
    assert tokpipe("import", "kept", "-o", "again", "--force").code == 0


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_pickled_model_serves_every_command_with_the_same_results(
    is_archive, tokpipe, model, sentences, tmp_path
):
    pickled = tmp_path / "pickled"
    shutil.copytree(model, pickled)
    (pickled / "tokpipe.json").unlink()
    converted(pickled, is_archive)
    for command in (
        ("fill-mask", "{}", "a [MASK]", "--json"),
        ("nearest", "{}", "cat", "--json"),
        ("predict", "nsp", "{}", "the cat", "sat", "--json"),
    ):
        one, two = (tokpipe(*(str(p).format(f) for p in command)) for f in (model, pickled))
        assert one.code == two.code == 0 and one.json == two.json, two.err
    for folder, name in ((model, "one"), (pickled, "two")):
        assert tokpipe("embed", folder, sentences, "-o", f"{name}.npy").code == 0
        assert tokpipe("import", folder, "-o", name).code == 0
        assert tokpipe("export", folder, "-o", f"{name}.out").code == 0
        assert tokpipe("inspect", "model", folder).code == 0
        assert tokpipe("check", folder).code == 0
    for file in (".npy", "/model.safetensors", ".out/model.safetensors", ".out/config.json"):
        one, two = ((tmp_path / f"{name}{file}").read_bytes() for name in ("one", "two"))
        assert one == two, file
    (pickled / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(tR.")
    for command in (
        ("fill-mask", pickled, "a"),
        ("import", pickled, "-o", "x"),
        ("check", pickled),
    ):
        ran = tokpipe(*command)
        assert ran.code in (1, 3) and "os.system" in ran.out + ran.err
        assert "Traceback" not in ran.err


def test_heads_for_other_tasks_are_named_and_left_out(tokpipe, model, sentences, tmp_path):
    foreign = tmp_path / "foreign"
    shutil.copytree(model, foreign)
    (foreign / "tokpipe.json").unlink()
    with TensorFile(model / "model.safetensors") as file:
        tensors = {name: np.empty(e.shape, np.float32) for name, e in file.entries.items()}
        for name, out in tensors.items():
            file.read(name, out)
    tensors["classifier.weight"] = np.ones((3, CONFIG.hidden_size), np.float32)
    write_tensors(foreign / "model.safetensors", {f"module.{n}": v for n, v in tensors.items()})
    for command in (
        ("embed", foreign, sentences),
        ("fill-mask", foreign, "a [MASK]"),
        ("nearest", foreign, "cat"),
        ("predict", "nsp", foreign, "the cat", "sat"),
        ("inspect", "model", foreign),
        ("import", foreign, "-o", "taken"),
        ("export", foreign, "-o", "out"),
    ):
        ran = tokpipe(*command)
        assert ran.code == 0, ran.err
        assert "left out, being heads for other tasks" in ran.err
        assert ": module.classifier.weight" in ran.err
    assert "left out" not in tokpipe("fill-mask", model, "a [MASK]").err
    found = tokpipe("inspect", "model", foreign, "--json").json
    assert found["left_out"] == ["module.classifier.weight"]
    taken, mine = (tmp_path / name / "model.safetensors" for name in ("taken", "m"))
    assert taken.read_bytes() == mine.read_bytes()
    ran = tokpipe("check", foreign)
    assert ran.code == 0 and "classifier" in ran.out


def test_a_plan_writes_nothing(tokpipe, model, sentences, tmp_path):
    for command in ("import", "export"):
        ran = tokpipe(command, model, "-o", "x", "--dry-run")
        assert ran.code == 0 and "nothing is done" in ran.out
    ran = tokpipe("embed", model, sentences, "-o", "x", "--dry-run")
    assert ran.code == 0 and "nothing is done" in ran.out
    assert not (tmp_path / "x").exists()


def test_what_transformers_cannot_express_is_refused_with_the_reason(tokpipe, tmp_path):
    small(replace(CONFIG, norm_position="pre", position="rope")).save(tmp_path / "own")
    ran = tokpipe("export", "own", "-o", "out")
    assert ran.code == 2
    assert "position='rope'" in ran.err and "norm_position='pre'" in ran.err
    assert not (tmp_path / "out").exists()
    assert tokpipe("inspect", "model", "own", "--json").json["family"] == "tokpipe"


def test_heads_may_stay_behind(tokpipe, model):
    assert tokpipe("export", model, "-o", "bare", "--no-heads").code == 0
    config = tokpipe("inspect", "model", "bare", "--json").json["config"]
    assert (config["pooler"], config["mlm_head"], config["nsp_head"]) == (True, False, False)
    assert tokpipe("fill-mask", "bare", "a [MASK]").code == 2


def test_a_head_that_stays_behind_may_be_one_that_cannot_be_understood(tokpipe, model):
    config = json.loads((model / "config.json").read_text())
    strange = {"architectures": ["BertForTokenClassification"], "id2label": {"0": "a", "1": "a"}}
    (model / "config.json").write_text(json.dumps(config | strange))
    (model / "tokpipe.json").unlink()
    assert tokpipe("export", model, "-o", "all").code == 3
    assert tokpipe("export", model, "-o", "bare", "--no-heads").code == 0


def test_a_pooler_that_nobody_trained_is_the_identity(tokpipe, tmp_path):
    small(replace(CONFIG, pooler=False, nsp_head=False)).save(tmp_path / "m")
    assert tokpipe("export", "m", "-o", "bare", "--no-heads").code == 0
    views = BertModel.load(tmp_path / "bare").parameters.views
    assert (views["pooler.weight"] == np.eye(CONFIG.hidden_size)).all()
    assert tokpipe("export", "m", "-o", "distil", "--no-heads", "--family", "distilbert").code == 2


def test_damaged_and_foreign_folders_are_refused(tokpipe, model, tmp_path):
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (model / "tokpipe.json").unlink()  # else its checksums would speak first
    for command in (("inspect", "model"), ("fill-mask",), ("import",)):
        rest = {"fill-mask": ["[MASK]"], "import": ["-o", "x"]}.get(command[0], [])
        assert tokpipe(*command, model, *rest).code == 3
    (tmp_path / "pickle").mkdir()
    (tmp_path / "pickle" / "training_args.bin").write_bytes(b"")
    ran = tokpipe("import", "pickle", "-o", "x")
    assert ran.code == 3 and "save_pretrained" in ran.err


def flip(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # the lowest bit of a weight, or of a character
    path.write_bytes(content)


def exchange(path):
    text = path.read_text()
    assert '"cat"' in text and '"dog"' in text
    path.write_text(text.replace('"cat"', '"x"').replace('"dog"', '"cat"').replace('"x"', '"dog"'))


def grow(path):
    os.truncate(path, 1 << 40)  # a hole of a terabyte: hashing it would take minutes


CHANGES = {
    "a bit of a weight": ("model.safetensors", flip),
    "a bit of a shard of weights": ("model-00001-of-00002.safetensors", flip),
    "the settings": ("config.json", flip),
    "two tokens": ("tokenizer.json", exchange),
    "a hole behind the weights": ("model.safetensors", grow),
    "a hole behind the settings": ("config.json", grow),
    "no weights": ("model.safetensors", Path.unlink),
    "no tokenizer": ("tokenizer.json", Path.unlink),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_manifest_does_not_say_is_refused_by_every_command(tokpipe, model, name):
    file, change = CHANGES[name]
    if "of-00002" in file:
        size = (model / "model.safetensors").stat().st_size // 2 + 5000
        assert tokpipe("export", model, "-o", "m2", "--shard-size", size).code == 0
        model = model.with_name("m2")
    (model / "README.md").write_text("a card may be changed")
    assert tokpipe("fill-mask", model, "a [MASK]").code == 0
    change(model / file)
    (model.parent / "s.txt").write_text("a cat\n")
    commands = [
        ("fill-mask", model, "a [MASK]"),
        ("embed", model, "s.txt"),
        ("nearest", model, "cat"),
        ("predict", "nsp", model, "the cat", "sat"),
        ("evaluate", model, "s.txt"),
        ("import", model, "-o", "out"),
        ("export", model, "-o", "out"),
    ]
    if file != "tokenizer.json":
        commands += [("inspect", "model", model), ("import", model, "-o", "out", "--dry-run")]
    for command in commands:
        ran = tokpipe(*command)
        assert ran.code == 4 and file in ran.err, (command, ran.err)
    assert not (model.parent / "out").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("fill-mask", "{}", "a"),
        ("embed", "{}", "spm.model"),
        ("nearest", "{}", "cat"),
        ("predict", "nsp", "{}", "a", "b"),
        ("evaluate", "{}", "s"),
        ("import", "{}", "-o", "out"),
        ("export", "{}", "-o", "out"),
        ("inspect", "model", "{}"),
    ],
    ids=lambda command: command[0],
)
def test_a_name_that_no_folder_of_a_model_has_is_said_as_what_it_may_be(tokpipe, tmp_path, command):
    (tmp_path / "spm.model").write_bytes(b"\n\x0e")
    for name, said in (
        ("bert-base-uncased", "Write hub:bert-base-uncased"),
        ("google/bert_mini", "Write hub:google/bert_mini"),
        ("./a/b/c", "no such folder"),
        ("spm.model", "spm.model: a file, no folder of a model"),
    ):
        ran = tokpipe(*(part.format(name) for part in command))
        assert ran.code == 3 and said in " ".join(ran.err.split()), ran.err


def test_a_model_is_evaluated_on_shards(tokpipe, tmp_path):
    shards = folders.write_folder(tmp_path / "s")
    config = replace(CONFIG, vocab_size=len(folders.TOKENS))
    BertModel(Parameters.initialised(config, 2), folders.tokenizer()).save(tmp_path / "m")
    found = tokpipe("evaluate", "m", shards, "--split", "train", "--json").json
    assert found["masks"] == 12 and found["pairs"] == 12 and found["perplexity"] > 1
    drawn = tokpipe("evaluate", "m", shards, "--split", "train").out
    assert "perplexity" in drawn and " %" in drawn
    assert tokpipe("evaluate", "m", shards).code == 2
    assert tokpipe("evaluate", "m", tmp_path).code == 4
    (tmp_path / "d.tsv").write_text("text\tlabel\na\tx\nb\ty\n")
    ran = tokpipe("evaluate", "m", "d.tsv")
    assert ran.code == 2 and "m has no head for texts, words or questions" in ran.err


@pytest.mark.parametrize(
    "line",
    [
        ("predict", "nsp"),
        ("predict", "--threads", "1", "nsp"),
        ("--json", "predict", "--seed", "3", "nsp"),
    ],
    ids=" ".join,
)
def test_a_command_of_predict_is_found_behind_global_options(tokpipe, model, line):
    ran = tokpipe(*line, model, "the cat", "sat")
    assert ran.code == 0 and "ollows" in ran.out


def test_settings_of_predict_and_of_its_command_stand_in_one_file(tokpipe, model, tmp_path):
    (tmp_path / "tokpipe.toml").write_text('[predict]\nto = "table"\n[predict.nsp]\njson = true\n')
    assert tokpipe("predict", "nsp", model, "the cat", "sat").json["a"] == "the cat"
    (tmp_path / "tokpipe.toml").write_text('[predict]\ntoo = "table"\n')
    ran = tokpipe("predict", "nsp", model, "the cat", "sat")
    assert ran.code == 2 and "tokpipe.toml:2" in ran.err and "'to'" in ran.err


def test_help_of_import_names_all_families_of_transformers(tokpipe):
    said = tokpipe("import", "--help").out
    for family in FAMILIES.values():
        assert (family.title in said) == bool(family.architectures)
