"""Where results go: places that cannot be written, and files that others have begun."""

import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import ROOT, TEXT
from tests.unit.tasks.models import small
from tests.unit.training.folders import write_shards
from tokpipe.foundation.arrays import Strings
from tokpipe.words.counts import WordCounts

NEEDED = {  # what a command needs before the place of its output is looked at
    "count-words": ("text.txt",),
    "merge-counts": ("counts", "counts"),
    "train-vocab": ("text.txt", "--vocab-size", "300"),
    "build-shards": ("text.txt", "-t", "m"),
    "pretrain": ("shards", "--steps", "1"),
    "encode": ("text.txt", "-t", "m"),
    "decode": ("ids.txt", "-t", "m"),
    "embed": ("m", "text.txt"),
    "export": ("m",),
    "import": ("m",),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "text.txt").write_text(TEXT, "utf-8")
    (folder / "ids.txt").write_text("5 6 7\n")
    small().save(folder / "m")
    write_shards(folder / "shards")
    words = Strings.from_list(["harbour", "quay"])
    WordCounts(words=words, counts=np.array([3, 2])).save(folder / "counts")
    return folder


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "force"])
@pytest.mark.parametrize("place", [".", "..", "/", "//", "m/..", "", "text.txt/out"])
@pytest.mark.parametrize("name", NEEDED)
def test_a_place_that_no_output_can_have_is_refused(
    tokpipe, inputs, monkeypatch, name, place, force
):
    monkeypatch.chdir(inputs)
    before = sorted(inputs.rglob("*"))
    ran = tokpipe(name, *NEEDED[name], "-o", place, *force)
    assert ran.code in (2, 4), (ran.code, ran.err)
    assert ran.err.startswith(("error: ", "Usage: ")) or "error: " in ran.err, ran.err
    assert "Traceback" not in ran.err and "ValueError" not in ran.err
    assert sorted(inputs.rglob("*")) == before


def test_an_empty_folder_in_which_one_stands_is_taken_or_refused(
    tokpipe, inputs, tmp_path, monkeypatch
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    ran = tokpipe("count-words", inputs / "text.txt", "-o", ".")
    assert ran.code in (0, 2, 4) and "Traceback" not in ran.err
    assert ran.code or WordCounts.load(tmp_path / "empty").total


def shell(inputs, line):
    tool = f"{sys.executable} -m tokpipe"
    return subprocess.run(
        ["sh", "-c", line.replace("tokpipe", tool)],
        cwd=inputs,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize("begun", [b"", b"begun\n"], ids=["empty", "begun"])
@pytest.mark.parametrize("kind", ["ids", "tokens", "jsonl", "arrow"])
def test_encoded_texts_go_behind_what_a_file_holds(inputs, tmp_path, kind, begun):
    whole, longer = tmp_path / "whole", tmp_path / "longer"
    longer.write_bytes(begun)
    line = f"tokpipe encode -q -t m text.txt --to {kind} >"
    assert shell(inputs, f"{line} {whole}").returncode == 0
    ran = shell(inputs, f"{line}> {longer}")
    assert ran.returncode == 0, ran.stderr
    assert longer.read_bytes() == begun + whole.read_bytes()


@pytest.mark.parametrize("kind", ["npy", "parquet"])
@pytest.mark.parametrize("line", ["{} >> out", "(printf 'begun\\n'; {}) > out", "({}; {}) > out"])
def test_a_file_of_its_own_is_not_appended(inputs, kind, line):
    out = inputs / "out"
    out.write_bytes(b"begun\n")
    ran = shell(inputs, line.replace("{}", f"tokpipe embed -q m text.txt --to {kind}"))
    assert ran.returncode == 2, ran.stderr
    assert b"cannot be appended" in ran.stderr and b"Traceback" not in ran.stderr
    if "; {}" not in line[3:]:
        assert out.read_bytes() == b"begun\n"
    out.unlink()


def test_vectors_of_a_plain_redirection_are_whole(inputs):
    tool = "tokpipe embed -q m text.txt --to"
    assert shell(inputs, f"{tool} npy > v.npy && {tool} parquet > v.parquet").returncode == 0
    assert shell(inputs, f"{tool} jsonl > v.jsonl && {tool} jsonl >> v.jsonl").returncode == 0
    lines = (inputs / "v.jsonl").read_text().splitlines()
    rows = len(lines) // 2
    assert lines[:rows] == lines[rows:]
    assert np.load(inputs / "v.npy").shape == (rows, 16)
    assert pq.read_table(inputs / "v.parquet").num_rows == rows


def test_streams_that_stand_end_to_end_are_decoded_whole(inputs):
    made = "tokpipe encode -q -t m text.txt --to arrow"
    assert shell(inputs, f"{made} > twice.arrow && {made} >> twice.arrow").returncode == 0
    once = shell(inputs, f"{made} | tokpipe decode -q -t m - --from arrow").stdout
    assert once and shell(inputs, "tokpipe decode -q -t m twice.arrow").stdout == once + once
    piped = shell(inputs, "cat twice.arrow | tokpipe decode -q -t m - --from arrow")
    assert piped.stdout == once + once
    with (inputs / "twice.arrow").open("ab") as file:
        file.write(b"no stream of ids")
    assert shell(inputs, "tokpipe decode -q -t m twice.arrow").returncode == 3


FORMS = {"encode": ".arrow", "embed": ".npy"}


@pytest.mark.parametrize("ending", [".csv", ".JSON", ".jsonl.gz", ".conllu", ".tsv"])
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
@pytest.mark.parametrize("name", FORMS)
def test_a_file_is_not_named_after_a_format_that_it_has_not(
    tokpipe, inputs, tmp_path, monkeypatch, name, ending, more
):
    monkeypatch.chdir(inputs)
    out = tmp_path / f"out{ending}"
    ran = tokpipe(name, *NEEDED[name], "-o", str(out), *more)
    assert ran.code == 2
    last = "." + ending.lower().split(".")[-1]
    assert f"{out}: this command writes no {last} file\nhint:  Name it {FORMS[name]}, " in ran.err
    assert not out.exists()
    if not more:
        assert tokpipe(name, *NEEDED[name], "-o", str(out), "--to", "jsonl", "-q").code == 0
        assert out.read_text().startswith("{")


def test_endings_are_read_in_any_case(tokpipe, inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(inputs)
    assert tokpipe("embed", *NEEDED["embed"], "-o", str(tmp_path / "V.NPY")).code == 0
    assert np.load(tmp_path / "V.NPY").ndim == 2
