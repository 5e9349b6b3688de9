"""A line of 100 MB, a word of 100 MB: under a minute and a gigabyte, compilation apart."""

import json
import os
import string
import subprocess
import sys

import numpy as np
import pytest

from tests.fault.conftest import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="asks the system for the peak")

MOST_BYTES, MOST_SECONDS = 1_000_000_000, 60

# A process of its own between: a peak counts what the parent of a process had before it.
DRIVER = """
import json, os, subprocess, sys, time
start, process = time.monotonic(), subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss, time.monotonic() - start]))
"""


def words(size):
    rng = np.random.default_rng(0)
    letters = rng.integers(97, 123, 200_000, dtype=np.uint8)
    letters[np.cumsum(rng.integers(2, 11, 40_000)) % letters.size] = 32
    known = np.array(letters.tobytes().split())
    return b" ".join(known[rng.zipf(1.2, size // 4) % len(known)].tolist())[:size]


def random_word(size, letters=string.ascii_letters):
    choices = np.random.default_rng(0).integers(0, len(letters), size, dtype=np.uint8)
    return np.frombuffer(letters.encode(), np.uint8)[choices].tobytes()


TEXTS = {
    "line": lambda: words(100_000_000),
    "letter": lambda: b"a" * 100_000_000,
    "phrase": lambda: b"abcdefghijklmnopqrst" * 5_000_000,
    "verse": lambda: random_word(700) * 140_000,
    "random": lambda: random_word(20_000_000),
    "monkeys": lambda: random_word(98_000_000, string.ascii_lowercase),
    "characters": lambda: "åäö€".encode() * 11_000_000,
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("texts"), {}

    def path_of(name):
        if name not in made:
            made[name] = folder / f"{name}.txt"
            made[name].write_bytes(TEXTS[name]() + b"\n")
        return made[name]

    return path_of


def measured(*arguments):
    """Run a command; return its exit code, its peak in bytes, and its seconds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DRIVER, sys.executable, "-m", "tokpipe", *arguments, "--quiet"]
    done = subprocess.run(
        [str(part) for part in command], env=environment, stdout=subprocess.PIPE, check=True
    )
    code, peak, seconds = json.loads(done.stdout.splitlines()[-1])
    return code, peak * (1 if sys.platform == "darwin" else 1024), seconds


def stays_small(folder, path, *arguments):
    small = folder / "small.txt"
    small.write_text("a few words, a few words\n" * 9)
    assert measured(*arguments, small, "-o", folder / "o.arrow", "--force")[0] in (0, 2)  # compiles
    code, peak, seconds = measured(*arguments, path, "-o", folder / "o.arrow", "--force")
    print(f"\n{path.stem}, {' '.join(map(str, arguments))}: {peak / 1e6:.0f} MB, {seconds:.1f} s")
    assert code == 0
    assert peak < MOST_BYTES and seconds < MOST_SECONDS


def training(model, size):
    return "train-vocab", "--model", model, "--vocab-size", size


def test_training_on_one_letter_a_hundred_million_times(tmp_path, texts):
    stays_small(tmp_path, texts("letter"), *training("byte-bpe", 300))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["byte-bpe", "bpe", "wordpiece"])
@pytest.mark.parametrize("name", TEXTS)
def test_training_on_long_lines_and_words(tmp_path, texts, name, model):
    stays_small(tmp_path, texts(name), *training(model, 30_000))


@pytest.mark.slow
@pytest.mark.parametrize("tie_break", ["lowest-id", "first-seen"])
@pytest.mark.parametrize("score", ["frequency", "likelihood"])
@pytest.mark.parametrize("name", ["letter", "phrase", "verse", "monkeys"])
def test_training_on_long_words_by_other_rules(tmp_path, texts, name, score, tie_break):
    rules = "--score", score, "--tie-break", tie_break
    stays_small(tmp_path, texts(name), *training("byte-bpe", 30_000), *rules)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["byte-bpe", "bpe", "wordpiece"])
@pytest.mark.parametrize("name", TEXTS)
def test_encoding_long_lines_and_words(tmp_path, texts, name, model):
    tokenizer = tmp_path / "tokenizer"
    corpus = ROOT / "corpora" / "english"
    assert measured(*training(model, 8000), corpus, "-o", tokenizer)[0] == 0
    stays_small(tmp_path, texts(name), "encode", "-t", tokenizer, "--to", "arrow")
