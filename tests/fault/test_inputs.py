"""Inputs made to hurt: long lines, bombs, deep nesting. Each is read by a process of its own."""

import bz2
import gzip
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.words.count import count_words

ROOT = Path(__file__).parents[2]
READ = """
import json, sys
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.threads import run_in_threads

def work(feed):
    return [(len(b.texts), b.texts.nbytes) for b in (piece.load() for piece in feed)]

try:
    corpus = open_corpus([sys.argv[1]], ReadConfig())
    parts = [size for part in run_in_threads(work, corpus.pieces(), 2) for size in part]
    found = {"texts": sum(n for n, _ in parts), "bytes": sum(n for _, n in parts)}
except TokpipeError as error:
    found = {"problem": error.problem, "code": error.exit_code}
status = open("/proc/self/status").read()  # ru_maxrss counts what the parent held at the fork
found["peak"] = int(status.split("VmHWM:")[1].split()[0]) >> 10
print(json.dumps(found))
"""


def read(path, timeout=60):
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def arrow_compressed(codec, data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


LETTERS = bytes(random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz", k=1 << 20)) * 100


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("spaces", ""), ("word", ""), ("word", ".zst"), ("one key", ""), ("one cell", ".zst")],
)
def test_a_line_of_100_mb_is_read_within_a_gigabyte(tmp_path, kind, codec):
    text = LETTERS.replace(b"e", b" ") if kind == "spaces" else LETTERS
    before, behind, suffix = {
        "one key": (b'{"text": "', b'"}', ".jsonl"),
        "one cell": (b'text\n"', b'"', ".csv"),
    }.get(kind, (b"first\n", b"", ".txt"))
    path = tmp_path / f"a{suffix}{codec}"
    whole = before + text + behind + b"\n"
    # In a hundred frames, so that the repetition does not look like a bomb
    step = 1 << 20
    parts = [whole[i : i + step] for i in range(0, len(whole), step)]
    path.write_bytes(b"".join(arrow_compressed("zstd", p) for p in parts) if codec else whole)
    found = read(path)
    assert found["bytes"] == len(text) + (7 if suffix == ".txt" else 0)
    assert found["texts"] == 1 + (suffix == ".txt")
    assert found["peak"] < 1000


def test_a_line_above_the_limit_is_refused_before_it_is_held(tmp_path):
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        for _ in range(10):
            file.write(LETTERS)
    found = read(path)
    assert "a.txt:1: the line is longer than 134,217,728 bytes" in found["problem"]
    assert found["peak"] < 700


MEMBERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: arrow_compressed("zstd", data),
    "lz4": lambda data: arrow_compressed("lz4", data),
}


@pytest.mark.parametrize(
    ("ending", "line"),
    [*((ending, b"a") for ending in MEMBERS), ("gz", b"yes\n"), ("zst", b"yes\n")],
)
def test_a_bomb_of_a_gibibyte_is_refused_within_500_mb(tmp_path, ending, line):
    path = tmp_path / f"bomb.txt.{ending}"
    path.write_bytes(MEMBERS[ending](line * ((16 << 20) // len(line))) * 64)
    found = read(path)
    assert f"bomb.txt.{ending}" in found["problem"] and found["code"] == 3
    assert found["peak"] < 500


def test_a_bomb_of_one_frame_is_refused_within_500_mb(tmp_path):
    path = tmp_path / "bomb.jsonl.zst"
    path.write_bytes(MEMBERS["zst"](bytes(1 << 30)))
    found = read(path)
    assert "bomb.jsonl.zst" in found["problem"] and found["code"] == 3
    assert found["peak"] < 500


@pytest.mark.parametrize("text", ["[" * 100_000, '{"text":' * 100_000, '{"a":[' * 50_000])
def test_deep_nesting_ends_with_a_message_and_no_signal(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_text(text + "\n")
    found = read(path)
    assert "a.jsonl:1" in found["problem"] and found["code"] == 3


WAIT = """
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.threads import run_in_threads
corpus = open_corpus(["-"])
print("open", flush=True)
run_in_threads(lambda feed: [piece.load() for piece in feed], corpus.pieces(), 2)
"""


def test_ctrl_c_is_answered_while_standard_input_says_nothing():
    read_end, write_end = os.pipe()
    try:
        reader = subprocess.Popen(
            [sys.executable, "-c", WAIT, "-"],
            cwd=ROOT,
            stdin=read_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert reader.stdout
        assert reader.stdout.readline() == b"open\n"
        time.sleep(0.5)  # it waits by now
        began = time.monotonic()
        reader.send_signal(signal.SIGINT)
        reader.communicate(timeout=20)
        assert time.monotonic() - began < 3
        assert reader.returncode in (1, 130, -signal.SIGINT)
    finally:
        os.close(read_end)
        os.close(write_end)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", ["text.txt", "text.jsonl", "text.txt.gz"])
def test_the_first_fault_of_the_corpus_is_named_for_any_number_of_threads(
    tmp_path, monkeypatch, name, threads
):
    lines = [b'{"text": "a line"}\n'] * 9_000
    for fault in range(1_000, 9_000, 500):
        lines[fault] = b'{"text": "a \xe9 line"}\n'
    write = gzip.open if name.endswith(".gz") else Path.open
    with write(tmp_path / name, "wb") as file:
        file.writelines(lines)
    monkeypatch.setattr("tokpipe.words.count.PIECE_BYTES", 1 << 12)
    for _ in range(3):
        with pytest.raises(InputError, match=f"{name}:1001: byte 0xE9 "):
            count_words([tmp_path / name], threads=threads)
