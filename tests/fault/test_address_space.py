"""Under a limit on address space a command works, or says what it needs: no signal, no hang."""

import sys

import pytest

from tests.fault.conftest import Command, write_corpus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")


@pytest.fixture
def training(tmp_path):
    write_corpus(tmp_path / "corpus.txt")
    sizes = ("--model", "byte-bpe", "--vocab-size", 300)
    return Command(tmp_path, "train-vocab", "corpus.txt", *sizes, "-o", "out")


def holds(ran):
    assert ran.code in (0, 5), ran.err
    assert ran.code == 0 or ("ulimit -v" in ran.err and "--memory" in ran.err), ran.err


@pytest.mark.parametrize("megabytes", [300, 500])
def test_too_small_an_address_space_is_refused_before_anything_is_loaded(training, megabytes):
    ran = training.limited("AS", megabytes * 1_000_000, "--force")
    assert ran.code == 5
    assert f"limited to {megabytes}.0 MB" in ran.err and "loading the kernels" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [*range(600, 1000, 50), 1500, 2000])
def test_any_address_space_gives_success_or_what_is_needed(training, megabytes):
    assert training.run("--force").code == 0  # compiles
    holds(training.limited("AS", megabytes * 1_000_000, "--force"))


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [700, 1200, 1600])
def test_compiling_in_little_address_space_is_refused(training, megabytes, tmp_path):
    training.arguments += ["--threads", "2"]
    cold = {"TOKPIPE_CACHE_DIR": str(tmp_path / "cache")}
    holds(training.limited("AS", megabytes * 1_000_000, env=cold))
