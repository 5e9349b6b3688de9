"""Folders of sentence-transformers on the command line."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.tasks.models import small
from tests.unit.tasks.sentences import MEAN, modules, put, sentence_model
from tokpipe.tasks.config import POOLINGS, EmbedConfig
from tokpipe.tasks.embed import embed_texts
from tokpipe.tasks.sentence_folder import sentence_files

TEXTS = ["the cat sat", "a dog ran on the old road", "it was new"]
SAID = "pooling max, scaled to length 1, at most 5 tokens"
AS_SAID = EmbedConfig(pooling="max", normalize=True, max_length=5)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s.txt").write_text("\n".join(TEXTS))
    pooling = {**MEAN, "pooling_mode": "max"}
    length = {"max_seq_length": 5}
    return sentence_model(tmp_path / "m", pooling=pooling, normalize=True, length=length)


def test_embed_makes_the_vectors_that_the_folder_says(tokpipe, folder):
    ran = tokpipe("embed", folder, "s.txt", "-o", "v.npy")
    assert ran.code == 0 and f"m/modules.json: {SAID}" in ran.err and "cut: 1" in ran.err
    assert (np.load("v.npy") == embed_texts(small(), TEXTS, AS_SAID)).all()


def test_an_option_wins_and_is_named(tokpipe, folder):
    asked = ("--pooling", "cls", "--no-normalize", "--max-length", "9")
    ran = tokpipe("embed", folder, "s.txt", "-o", "v.npy", *asked)
    said = " ".join(ran.err.split())
    for named in ("pooling=cls", "normalize=false", "max_length=9"):
        assert f"{named} as asked for, and not" in said
    config = EmbedConfig(pooling="cls", normalize=False, max_length=9)
    assert (np.load("v.npy") == embed_texts(small(), TEXTS, config)).all()


def test_the_help_lists_all_poolings(tokpipe):
    said = "".join(tokpipe("embed", "--help").out.split())
    assert f"--pooling[{'|'.join((*POOLINGS, 'pooler'))}]" in said


@pytest.mark.parametrize("pooling", [*POOLINGS, "pooler", "none"])
@pytest.mark.parametrize("by", ["an option", "a settings file"])
def test_each_pooling_may_be_asked_for(tokpipe, folder, tmp_path, pooling, by):
    (tmp_path / "tokpipe.toml").write_text(f'[embed]\npooling = "{pooling}"\n')
    asked = ("--pooling", pooling) if by == "an option" else ("--config", "tokpipe.toml")
    assert tokpipe("embed", folder, "s.txt", "-o", "v.npy", *asked).code == 0
    config = replace(AS_SAID, pooling="max" if pooling == "none" else pooling)
    assert (np.load("v.npy") == embed_texts(small(), TEXTS, config)).all()


def test_nearest_looks_by_the_same_vectors(tokpipe, folder):
    ran = tokpipe("nearest", folder, "--among", "s.txt", "the cat", "--json")
    query, *vectors = embed_texts(small(), ["the cat", *TEXTS], AS_SAID)
    found = {near["text"]: near["score"] for near in ran.json[0]["nearest"]}
    assert found == pytest.approx(
        {text: vector @ query for text, vector in zip(TEXTS, vectors, strict=True)}, abs=1e-5
    )
    assert ran.err.count(SAID) == 1


def test_import_keeps_what_is_said(tokpipe, folder, tmp_path):
    ran = tokpipe("import", folder, "-o", "kept", "--json")
    assert ran.code == 0 and "1_Pooling/config.json" in ran.json["files"]
    assert sentence_files(tmp_path / "kept") == sentence_files(folder)
    assert tokpipe("check", "kept").code == 0


def test_export_writes_what_is_said_or_asked_for(tokpipe, folder):
    export = ("export", folder, "--for", "sentence-transformers")
    ran = tokpipe(*export, "-o", "same")
    assert ran.code == 0 and SAID in ran.err
    assert tokpipe(*export, "-o", "other", "--pooling", "cls", "--no-normalize").code == 0
    about = {
        name: tokpipe("inspect", "model", name, "--json").json["vectors"]
        for name in ("same", "other")
    }
    assert about == {"same": SAID, "other": "pooling cls, at most 5 tokens"}
    ran = tokpipe("export", folder, "-o", "plain")
    assert ran.code == 0 and "modules.json is left out" in ran.err
    assert tokpipe("inspect", "model", "plain", "--json").json["vectors"] == ""


@pytest.mark.parametrize(
    "options, said",
    [
        (("--pooling", "cls"), "for sentence-transformers only"),
        (("--normalize",), "for sentence-transformers only"),
        (("--max-length", "5"), "for sentence-transformers only"),
        (("--for", "sentence-transformers", "--pooling", "pooler"), "cannot be told of pooling"),
    ],
)
def test_an_export_that_cannot_say_it_is_refused(tokpipe, folder, tmp_path, options, said):
    ran = tokpipe("export", folder, "-o", "out", *options)
    assert ran.code == 2 and said in ran.err and not (tmp_path / "out").exists()


def test_inspect_and_check_say_it(tokpipe, folder):
    assert "text vectors" in tokpipe("inspect", "model", folder).out
    ran = tokpipe("check", folder, "--json")
    (note,) = [found for found in ran.json[0]["findings"] if found["place"] == "modules.json"]
    assert (note["level"], note["problem"]) == ("note", f"vectors of texts: {SAID}")


def test_a_module_that_is_not_known_stops_vectors_alone(tokpipe, folder, tmp_path):
    put(folder, "modules.json", modules("Transformer", "Pooling", "Dense"))
    put(folder, "2_Dense/config.json", {"in_features": 16})
    for command in (("embed", folder, "s.txt"), ("nearest", folder, "--among", "s.txt", "a cat")):
        ran = tokpipe(*command)
        assert ran.code == 3 and "module 2 is Dense" in ran.err
    assert tokpipe("export", folder, "-o", "x", "--for", "sentence-transformers").code == 3
    assert tokpipe("fill-mask", folder, "a [MASK]").code == 0
    assert tokpipe("nearest", folder, "cat").code == 0
    assert "module 2 is Dense" in tokpipe("check", folder).out
    assert tokpipe("import", folder, "-o", "kept").code == 0
    assert json.loads((tmp_path / "kept/2_Dense/config.json").read_text()) == {"in_features": 16}
    assert "module 2 is Dense" in tokpipe("embed", "kept", "s.txt").err


@pytest.mark.parametrize("command", ["embed", "import", "export", "check", "inspect"])
def test_a_path_that_leads_out_is_refused_by_whoever_reads_it(tokpipe, folder, tmp_path, command):
    shutil.copytree(folder / "1_Pooling", tmp_path / "1_Pooling")
    found = modules("Transformer", "Pooling")
    found[1]["path"] = "../1_Pooling"
    put(folder, "modules.json", found)
    arguments = {
        "embed": ("embed", folder, "s.txt"),
        "inspect": ("inspect", "model", folder),
        "check": ("check", folder),
        "import": ("import", folder, "-o", "out"),
        "export": ("export", folder, "-o", "out", "--for", "sentence-transformers"),
    }
    ran = tokpipe(*arguments[command])
    assert ran.code == (1 if command == "check" else 3)
    said = " ".join((ran.out + ran.err).split())
    assert "module 1: path is ../1_Pooling, a folder inside of this one is needed" in said
    assert not (tmp_path / "out").exists()
