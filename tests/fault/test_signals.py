"""S1: SIGINT and SIGTERM at any moment."""

import random
import signal
import subprocess
import time

import pytest

from tests.fault.conftest import Command, hashes, names, write_corpus

AT_WORK = ".out.partial"


def stopped(command, number, delay):
    """Send a signal after a while; return exit code, what was said, seconds until the end."""
    process = command.started()
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    begin = time.monotonic()
    _, said = process.communicate(timeout=30)
    return process.returncode, said.decode(), time.monotonic() - begin


def pestered(train, undisturbed, times, seed):
    chance = random.Random(seed)
    for i in range(times):
        number = (signal.SIGINT, signal.SIGTERM)[i % 2]
        code, said, seconds = stopped(train, number, chance.uniform(0.1, undisturbed[1]))
        assert seconds < 2.0
        # Before Python has read its first line, the signal kills as it kills any process.
        assert code in (0, 128 + number, -number), said
        assert "Traceback" not in said
        if (train.folder / "out").exists():
            break
    train.finished()
    assert hashes(train.folder / "out") == undisturbed[0]
    assert names(train.folder) == ["out", "text.txt"]


def test_stopped_at_random_moments_the_same_command_goes_on(train, undisturbed):
    pestered(train, undisturbed, 3, seed=5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_stopped_at_twenty_random_moments(train, undisturbed, seed):
    pestered(train, undisturbed, 2, seed)


def test_stopped_work_tells_how_to_go_on(train):
    text = train.folder / "text.txt"
    text.write_bytes(text.read_bytes() * 2000)  # 70 MB
    code, said, _ = train.signalled(signal.SIGINT, AT_WORK)
    assert code == 130
    line = "tokpipe train-vocab text.txt --vocab-size 220 -o out"
    assert f"the words counted so far are kept. To go on:\n  {line}\n" in said


def test_stopped_work_on_standard_input_promises_nothing(train):
    train.arguments[1] = "-"  # it does not end, so the signal comes while words are counted
    code, said, _ = train.signalled(signal.SIGINT, AT_WORK, stdin=subprocess.PIPE)
    assert code == 130
    assert "stopped by Ctrl-C\n" in said
    assert names(train.folder) == ["text.txt"]


LONG = {
    "train-byte-bpe": "train-vocab word.txt --model byte-bpe --vocab-size 300 -o out",
    "train-wordpiece": "train-vocab word.txt --model wordpiece --vocab-size 300 -o out",
    "train-nfc": "train-vocab word.txt --model bpe --normalizer nfc --vocab-size 300 -o out",
    "count": "count-words word.txt -o out",
    "encode-byte-bpe": "encode -t byte-bpe word.txt --to arrow -o out.arrow",
    "encode-wordpiece": "encode -t wordpiece word.txt --to arrow -o out.arrow",
}


@pytest.fixture(scope="module")
def of_one_word(tmp_path_factory):
    """Make a folder with two small tokenizers and, by its character, a word of 100 MB."""
    folder = tmp_path_factory.mktemp("long")
    write_corpus(folder / "text.txt")
    for model in ("byte-bpe", "wordpiece"):
        train = "train-vocab", "text.txt", "--model", model, "--vocab-size", "300", "-o", model
        ran = Command(folder, *train).run()
        assert ran.code == 0, ran.err
    text = folder / "word.txt"

    def holding(character):
        text.write_bytes(character.encode() * (100_000_000 // len(character.encode())) + b"\n")
        return folder

    return holding


@pytest.mark.slow
@pytest.mark.parametrize("character", ["é", "\u0301"], ids=["letter", "mark"])
@pytest.mark.parametrize("line", LONG.values(), ids=LONG)
def test_a_word_of_a_hundred_megabytes_is_left_within_two_seconds(of_one_word, line, character):
    command = Command(of_one_word(character), *line.split(), "--force")
    for delay in (1.0, 2.0, 3.0, 5.0):
        code, said, seconds = stopped(command, signal.SIGINT, delay)
        assert seconds < 2.0
        assert code in (0, 130), said
        assert "Traceback" not in said
        if code == 0:
            break
