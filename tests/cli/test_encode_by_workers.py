"""`encode` by workers, done in any order and stopped at any item, writes what threads write."""

import gzip
from contextlib import contextmanager

import pytest

from tests.unit.corpus.elsewhere import Elsewhere
from tokpipe.cli import encoding
from tokpipe.cli.commands import encode as command
from tokpipe.corpus.workers import Workers

DASK = ("--engine", "dask")
OUTPUTS = ["ids.txt", "tokens.txt --to tokens", "out.jsonl", "out.arrow", "full.jsonl --offsets"]


@pytest.fixture
def folder(tokpipe, text_file):
    """A tokenizer and some files: one of them compressed, one empty, one not UTF-8."""
    assert tokpipe("train-vocab", text_file, "--vocab-size", "300", "-q", "-o", "tok").code == 0
    text = text_file.read_bytes() * 3
    inputs = text_file.parent / "in"
    inputs.mkdir()
    (inputs / "a.txt").write_bytes(text)
    (inputs / "b.txt").write_bytes(b"")
    (inputs / "c.txt.gz").write_bytes(gzip.compress(text))
    (inputs / "d.txt").write_bytes(b"quay \xff\nquay\n" * 200 + text)
    return text_file.parent


@pytest.fixture
def elsewhere(monkeypatch):
    """Put other workers in the place of a cluster's, and make small items."""
    run = Elsewhere()

    @contextmanager
    def open_workers(session, config):
        yield (Workers(run) if config.engine == "dask" else None), session.progress

    monkeypatch.setattr(command, "open_workers", open_workers)
    monkeypatch.setattr(encoding, "PIECE_BYTES", 2_000)
    monkeypatch.setattr(encoding, "_OBJECT_BYTES", 1_000)
    return run


@pytest.mark.parametrize("output", OUTPUTS)
def test_bytes_and_words_are_those_of_threads(tokpipe, folder, elsewhere, output):
    name, *more = output.split()
    line = ("encode", "-t", "tok", "in", "--errors", "replace", *more, "--max-length", "30")
    one = tokpipe(*line, "-o", f"one-{name}", "--threads", "1")
    two = tokpipe(*line, "-o", f"two-{name}", *DASK)
    assert (one.code, two.code) == (0, 0), two.err
    assert (folder / f"one-{name}").read_bytes() == (folder / f"two-{name}").read_bytes()
    passing = "encoding: ", "compiling kernels"  # the first run of a machine compiles
    said = [
        [line for line in ran.err.splitlines() if not any(part in line for part in passing)]
        for ran in (one, two)
    ]
    assert said[0] == said[1] and "replaced: 200" in "".join(said[0])
    assert len(elsewhere.called) > 20
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("left", [1, 5, 9])
def test_a_stopped_command_goes_on(tokpipe, folder, elsewhere, left):
    line = ("encode", "-t", "tok", "in/a.txt", "-o", "out.arrow")
    elsewhere.left = left
    assert tokpipe(*line, *DASK).code == 130
    assert not (folder / "out.arrow").exists()
    elsewhere.left = 1 << 30
    assert tokpipe(*line, *DASK).code == 0
    assert tokpipe(*line[:-1], "one.arrow").code == 0
    assert (folder / "out.arrow").read_bytes() == (folder / "one.arrow").read_bytes()
    assert not list(folder.glob(".*"))


def test_other_settings_do_not_go_on(tokpipe, folder, elsewhere):
    line = ("encode", "-t", "tok", "in/a.txt", "-o", "out.txt")
    elsewhere.left = 9
    assert tokpipe(*line, *DASK).code == 130
    elsewhere.left = 1 << 30
    ran = tokpipe(*line, *DASK, "--max-length", "9")
    assert ran.code == 4 and "how.max_length = null, now it is 9" in ran.err
    assert tokpipe(*line, *DASK, "--max-length", "9", "--force").code == 0


def test_bad_text_is_told_with_its_line(tokpipe, folder, elsewhere):
    line = ("encode", "-t", "tok", "in", "-o", "out.txt")
    told = [tokpipe(*line, *engine) for engine in ((), DASK)]
    assert [ran.code for ran in told] == [3, 3]
    assert told[0].err == told[1].err and "in/d.txt:1: byte 0xFF" in told[1].err
    assert not list(folder.glob(".*")) and not (folder / "out.txt").exists()


@pytest.mark.parametrize("output", ["-", "/dev/null"])
def test_what_is_no_file_is_refused(tokpipe, folder, elsewhere, output):
    ran = tokpipe("encode", "-t", "tok", "in", "-o", output, *DASK)
    assert ran.code == 2 and "--engine dask writes into a file" in ran.err


def test_a_file_that_is_there_stays(tokpipe, folder, elsewhere):
    (folder / "out.txt").write_text("mine")
    line = ("encode", "-t", "tok", "in/a.txt", "-o", "out.txt", *DASK)
    assert tokpipe(*line).code == 4
    assert (folder / "out.txt").read_text() == "mine"
    assert tokpipe(*line, "--force").code == 0
    assert (folder / "out.txt").read_text() != "mine"
