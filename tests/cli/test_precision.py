"""--precision int8 of the commands that ask a model, and lines embedded as they come."""

import json
import os
import select
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import ROOT
from tests.unit.shards import folders
from tests.unit.tasks.jobs import job_model
from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation import processors
from tokpipe.foundation.processors import multiplies
from tokpipe.tasks.embed import embed_texts
from tokpipe.tasks.model import BertModel

has_int8 = pytest.mark.skipif(not multiplies("int8"), reason="no products in 8 bits here")
TEXTS = ["the cat sat", "a dog ran on the old road .", "puppy"]


@pytest.fixture
def model(tmp_path):
    small().save(tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def job(tmp_path):
    job_model("classification").save(tmp_path / "job")
    return tmp_path / "job"


@has_int8
def test_vectors_in_8_bits_are_written_and_their_loss_is_told(tokpipe, model, tmp_path):
    (tmp_path / "s.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    ran = tokpipe("embed", model, "s.txt", "--precision", "int8", "-o", "v.npy")
    assert ran.code == 0
    assert "int8: cosine to float32 on 3 texts of these: " in ran.err
    found = np.load(tmp_path / "v.npy")
    np.testing.assert_array_equal(found, embed_texts(small().in_precision("int8"), TEXTS))
    ran = tokpipe("embed", model, "s.txt", "-o", "w.npy")
    assert "int8" not in ran.err
    assert not (np.load(tmp_path / "w.npy") == found).all()


@has_int8
def test_masks_are_filled_in_8_bits(tokpipe, model):
    ran = tokpipe("fill-mask", model, "the [MASK] sat", "--precision", "int8", "--json")
    assert ran.code == 0 and len(ran.json[0]["masks"][0]) == 5
    assert "int8: the same likeliest token as in float32 for" in ran.err
    assert "of 1 of these" in ran.err


@has_int8
@pytest.mark.parametrize("name", ["classification", "regression", "ner", "qa"])
def test_answers_in_8_bits(tokpipe, tmp_path, name):
    job_model(name).save(tmp_path / "job")
    (tmp_path / "p.txt").write_text("The dog sat on the old mat.\n")
    asked = ("--context", "p.txt", "--question", "the dog?") if name == "qa" else ("--text", "cat")
    ran = tokpipe("predict", "job", *asked, "--precision", "int8", "--json")
    assert ran.code == 0 and json.loads(ran.out)
    expected = "from float32 1 answer of these" if name == "regression" else "of 1 of these"
    assert expected in ran.err


@has_int8
def test_scores_in_both_stand_side_by_side(tokpipe, process, job, tmp_path):
    rows = ["text\tlabel", "the cat\tcat", "a dog\tdog", "the old cat\tcat", "it\tcat"]
    names = job_model("classification").config.labels
    text = "\n".join(rows).replace("\tcat", f"\t{names[0]}").replace("\tdog", f"\t{names[1]}")
    (tmp_path / "d.tsv").write_text(text + "\n")
    found = tokpipe("evaluate", job, "d.tsv", "--precision", "int8", "--json").json
    one = found["precision"]["accuracy"]
    assert one["int8"] == found["scores"]["accuracy"]["value"]
    assert one["difference"] == one["int8"] - one["float32"]
    assert "precision" not in tokpipe("evaluate", job, "d.tsv", "--json").json
    ran = process("evaluate", job, "d.tsv", "--precision", "int8")
    lines = ran.stdout.decode().splitlines()
    assert ran.returncode == 0 and all(len(line) <= 80 for line in lines)
    head = next(line for line in lines if "difference" in line)
    assert head.split() == ["float32", "int8", "difference"]
    assert any(line.split()[:1] == ["accuracy"] and line.split()[-1][0] in "+-" for line in lines)


@has_int8
def test_losses_on_shards_in_both(tokpipe, tmp_path):
    shards = folders.write_folder(tmp_path / "s")
    config = replace(CONFIG, vocab_size=len(folders.TOKENS))
    BertModel(Parameters.initialised(config, 2), folders.tokenizer()).save(tmp_path / "m")
    asked = ("evaluate", "m", shards, "--split", "train", "--precision", "int8")
    found = tokpipe(*asked, "--json").json
    one = found["precision"]["mlm_loss"]
    assert one["int8"] == found["mlm_loss"]
    assert one["difference"] == one["int8"] - one["float32"] != 0
    drawn = tokpipe(*asked).out
    assert "What 8 bits cost" in drawn and "perplexity" in drawn


def test_a_processor_without_the_instruction_is_one_line(tokpipe, model, monkeypatch):
    monkeypatch.setattr(processors, "_flags", lambda: {"avx2"})
    ran = tokpipe("fill-mask", model, "the [MASK]", "--precision", "int8")
    assert ran.code == 2 and not ran.out
    assert ran.err.splitlines()[0] == (
        "error: precision='int8' takes AVX512_VNNI, which this processor has not"
    )
    assert "Traceback" not in ran.err


class Streaming:
    """The command in a process of its own; lines go in, and vectors come out."""

    def __init__(self, folder, *options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tokpipe", "embed", "m", "--stream", *options],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def next(self, seconds=120):
        """Return the next vector, which has to come though no more lines do."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        assert ready, "no vector came"
        return json.loads(self.process.stdout.readline())

    def end(self, text=""):
        out, err = self.process.communicate(text.encode(), timeout=120)
        return [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.fixture
def streaming(tmp_path, model):
    made = []

    def start(*options):
        made.append(Streaming(tmp_path, *options))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()


def test_a_line_is_embedded_before_the_next_one_comes(streaming):
    stream = streaming()
    for text in TEXTS:
        stream.say(f"\n{text}\r\n")
        found = stream.next()
        assert found["text"] == text
        np.testing.assert_array_equal(
            np.float32(found["embedding"]), embed_texts(small(), [text])[0]
        )
    stream.say("the last has no end")
    rest, err = stream.end()
    assert [row["text"] for row in rest] == ["the last has no end"]
    assert "4 vectors of 16 numbers" in err
    assert stream.process.returncode == 0


def test_many_lines_come_back_in_their_order(streaming):
    texts = [" ".join(["cat", "dog", "sat"][: n % 3 + 1]) + f" {n}" for n in range(20_000)]
    stream = streaming("-q")
    rest, err = stream.end("\n".join(texts))
    assert [row["text"] for row in rest] == texts
    assert not err


def test_memory_does_not_grow_with_what_came(streaming):
    stream, text = streaming("-q"), "the cat sat on the old mat\n" * 1000
    sizes = []
    for _ in range(6):
        stream.say(text)
        for _ in range(1000):
            stream.process.stdout.readline()
        fields = Path(f"/proc/{stream.process.pid}/statm").read_text().split()
        sizes.append(int(fields[1]) * os.sysconf("SC_PAGE_SIZE"))
    assert all(after - before < 4 << 20 for before, after in pairwise(sizes[2:]))
    stream.end()


def test_an_end_without_lines_is_no_vector(streaming):
    found, err = streaming().end()
    assert found == [] and "0 vectors" in err


def test_who_reads_no_more_ends_it(tmp_path, model):
    line = f"yes 'the cat' | {sys.executable} -m tokpipe embed m --stream | head -3"
    ran = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert len(ran.stdout.splitlines()) == 3
    assert "Traceback" not in ran.stderr


def test_files_are_no_stream(tokpipe, model):
    ran = tokpipe("embed", model, "s.txt", "--stream")
    assert ran.code == 2
    assert "--stream takes the lines of standard input: s.txt is too much" in ran.err


def test_a_line_that_is_no_utf_8_is_named(streaming):
    stream = streaming()
    stream.process.stdin.write(b"the cat\nthe \xff dog\n")
    _, err = stream.end()
    assert stream.process.returncode == 3
    assert "standard input:2: byte 4 is not UTF-8" in err
