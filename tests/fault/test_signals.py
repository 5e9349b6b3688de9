"""S1: SIGINT and SIGTERM at any moment."""

import random
import signal
import subprocess
import time

import pytest

from tests.fault.conftest import hashes, names


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


def stopped_in_the_work(train, number=signal.SIGINT, **settings):
    process = train.started(**settings)
    limit = time.monotonic() + 60
    while not (train.folder / ".out.partial").exists() and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1].decode()
    return process.returncode, said


def test_stopped_work_tells_how_to_go_on(train):
    text = train.folder / "text.txt"
    text.write_bytes(text.read_bytes() * 2000)  # 70 MB
    code, said = stopped_in_the_work(train)
    assert code == 130
    line = "tokpipe train-vocab text.txt --vocab-size 220 -o out"
    assert f"the words counted so far are kept. To go on:\n  {line}\n" in said


def test_stopped_work_on_standard_input_promises_nothing(train):
    train.arguments[1] = "-"  # it does not end, so the signal comes while words are counted
    code, said = stopped_in_the_work(train, stdin=subprocess.PIPE)
    assert code == 130
    assert "stopped by Ctrl-C\n" in said
    assert names(train.folder) == ["text.txt"]
