import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.cli.commands.mpi import _output
from tokpipe.cli.started import STARTED_AS, is_another_rank, whole_command
from tokpipe.engines.mpi.guardian import guarded, last_words
from tokpipe.engines.mpi.launching import tell_all_but_banner
from tokpipe.engines.mpi.wire import packed, unpacked
from tokpipe.foundation.stores.publishing import run_place

ASKED = ["pretrain", "shards", "-o", "run", "--engine", "mpi"]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20))
def test_bfloat16_is_the_nearest_and_half_as_long(values):
    given_ = np.array(values, np.float32)
    found = unpacked(packed(given_, "bfloat16"))
    assert packed(given_, "bfloat16").nbytes * 2 == given_.nbytes
    usual = np.abs(given_) < 3e38  # what is larger may become infinite
    np.testing.assert_allclose(found[usual], given_[usual], rtol=2**-8, atol=1e-40)
    assert packed(given_, "float32") is given_


def test_what_is_no_number_stays_none_in_bfloat16():
    values = np.array([np.nan, np.inf, -np.inf, -np.nan], np.float32)
    found = unpacked(packed(values, "bfloat16"))
    np.testing.assert_array_equal(found, values)


def test_the_report_of_mpiexec_is_left_out():
    rule = b"=" * 83 + b"\n"
    said = [b"step 1\n", b"[mpiexec@here] Sending Ctrl-C\n", rule, b"=   BAD\n", rule, b"YOUR\n"]
    target = io.BytesIO()
    assert tell_all_but_banner(said, target)
    assert target.getvalue() == b"step 1\n"
    assert not tell_all_but_banner([b"step 2\n"], target)


def test_last_words_name_the_last_whole_checkpoint(tmp_path):
    for step in ("000008", "000016", "1000000", "2000000"):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if step != "2000000":  # it was being written
            (tmp_path / f"checkpoint-{step}/tokpipe.json").touch()
    problem, hint = last_words(str(tmp_path), "tokpipe again")
    assert problem.endswith(f"the last checkpoint is {tmp_path}/checkpoint-1000000")
    assert hint == "To go on: tokpipe again"
    assert "no checkpoint yet" in last_words(str(tmp_path / "none"), "again")[0]
    assert "checkpoint" not in last_words("", "again")[0]


def test_last_words_of_a_run_in_a_store_name_its_address(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path))
    checkpoint = run_place("s3://bucket/run") / "checkpoint-000008"
    checkpoint.mkdir(parents=True)
    assert "no checkpoint yet" in last_words("s3://bucket/run", "again")[0]
    (checkpoint / "tokpipe.json").touch()
    said = last_words("s3://bucket/run", "again")[0]
    assert said.endswith("the last checkpoint is s3://bucket/run/checkpoint-000008")


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_guardian_speaks_only_of_who_was_killed(tmp_path, is_killed):
    code = (
        "import os, sys; from tokpipe.engines.mpi.guardian import guarded\n"
        f"with guarded({str(tmp_path)!r}, ['tokpipe', 'a b']):\n"
        f"    os.kill(os.getpid(), 9 if {is_killed} else 0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == (-9 if is_killed else 0)
    assert ("has died" in ran.stderr) == is_killed
    assert ("To go on: tokpipe 'a b'" in ran.stderr) == is_killed


def test_a_guardian_that_was_killed_is_not_missed(tmp_path):
    with guarded(str(tmp_path), ["tokpipe"]):
        pass


@pytest.mark.parametrize(
    ("variables", "arguments", "wanted"),
    [
        ({"PMI_RANK": "1"}, ASKED, True),
        ({"PMI_RANK": "0"}, ASKED, False),
        ({"OMPI_COMM_WORLD_RANK": "2"}, ["pretrain", "--engine=mpi"], True),
        ({"PMI_RANK": "1"}, ["pretrain", "shards"], False),
        ({}, ASKED, False),
    ],
)
def test_all_but_the_first_process_are_silent(variables, arguments, wanted, monkeypatch):
    for name in ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_another_rank(arguments) == wanted


def test_a_user_is_told_the_command_that_was_given(monkeypatch):
    monkeypatch.delenv("PMI_SIZE", raising=False)
    assert whole_command(ASKED) == ["tokpipe", *ASKED]
    monkeypatch.setenv("PMI_SIZE", "4")
    assert whole_command(ASKED) == ["mpiexec", "-n", "4", "tokpipe", *ASKED]
    assert whole_command(["encode"]) == ["tokpipe", "encode"]
    monkeypatch.setenv(STARTED_AS, '["tokpipe", "mpi", "-n", "4"]')
    assert whole_command(ASKED) == ["tokpipe", "mpi", "-n", "4", *ASKED]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["-o", "run"], "run"),
        (["--output", "run"], "run"),
        (["--output=run"], "run"),
        (["embed"], ""),
    ],
)
def test_the_output_of_a_command_is_found(words, wanted):
    assert _output(words) == wanted


def test_without_the_extra_it_says_which(tmp_path):
    code = (
        "import sys; sys.modules['mpi4py'] = None\n"
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'mpi4py' else found(name, *more)\n"
        "from tokpipe.cli.main import execute\n"
        "sys.exit(execute(['pretrain', 'shards', '-o', 'out', '--engine', 'mpi']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "pip install 'tokpipe[mpi]'" in ran.stderr
