"""`tokpipe launch`: what it prints, and that the scripts run where ssh, srun and sbatch are played.

The players run everything on this machine: what is tried is our scripts, not theirs.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_PLAYERS = {
    "ssh": 'while [ "$1" = -o ]; do shift 2; done; shift; exec bash -c "$*"',
    "srun": 'for i in 1 2; do "$@" & done; wait',
    "sbatch": 'SLURM_SUBMIT_DIR="$PWD" exec bash -s',
    "hostname": "echo 127.0.0.1",
    "tokpipe": f'exec {sys.executable} -m tokpipe "$@"',
    "dask": f'exec {sys.executable} -m dask "$@"',
}
_WAYS = {
    "slurm": ["--nodes", "1", "--processes", "2", "--memory", "1GB"],
    "ssh": ["--hosts", "first,second", "--memory", "1GB"],
}
_COUNT = ["count-words", "text with a space.txt", "-o", "counts", "--engine", "dask"]


@pytest.fixture
def players(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, line in _PLAYERS.items():
        player = folder / name
        player.write_text(f"#!/usr/bin/env bash\n{line}\n")
        player.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "TOKPIPE_HOST": "127.0.0.1"}


@pytest.mark.skipif(find_spec("distributed") is None, reason="the extra dask is not installed")
@pytest.mark.parametrize("kind", _WAYS)
def test_a_script_counts_on_all_workers_as_one_process_does(tmp_path, process, players, kind):
    lines = "".join(f"the {number % 7} of {number % 11} words\n" for number in range(20_000))
    (tmp_path / "text with a space.txt").write_text(lines)
    done = process("launch", kind, *_WAYS[kind], "--", *_COUNT, env=players)
    assert done.returncode == 0, done.stderr
    alone = process(*_COUNT[:3], "alone", "--threads", "1")
    assert alone.returncode == 0, alone.stderr
    first, second = (tmp_path / name / "counts.arrow" for name in ("counts", "alone"))
    assert first.read_bytes() == second.read_bytes()


def test_a_missing_program_is_named_and_the_script_offered(process):
    alone = {"PATH": str(Path(sys.executable).parent)}
    done = process("launch", "kubernetes", "--image", "a", "--", *_COUNT, env=alone)
    assert done.returncode == 2
    assert b"there is no kubectl here" in done.stderr and b"--dry-run" in done.stderr


@pytest.mark.parametrize("kind", ["slurm", "kubernetes", "ssh"])
def test_a_dry_run_prints_the_script_alone(tokpipe, kind):
    needed = {"kubernetes": ["--image", "a"], "ssh": ["--hosts", "a"]}.get(kind, [])
    done = tokpipe("launch", kind, *needed, "--dry-run", "--", *_COUNT)
    assert (done.code, done.err) == (0, "")
    assert "count-words" in done.out and done.out.endswith("\n")
