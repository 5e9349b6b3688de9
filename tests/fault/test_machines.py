"""The whole way from text to weights on three machines, and its bytes beside one process's.

The scripts are those of `tokpipe launch`; ssh is played, machines are network namespaces.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fault.machines import Machines, reason_without
from tests.unit.training.stopping import contents

ROOT = Path(__file__).parents[2]
_MISSING = [name for name in ("distributed", "mpi4py") if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}"),
    pytest.mark.skipif(bool(reason_without()), reason=reason_without() or "there are machines"),
]
_DASK = ("--hosts", "10.213.77.2,10.213.77.3", "--memory", "1GB")
_SMALL = (
    *("--hidden-size", "16", "--num-hidden-layers", "1", "--num-attention-heads", "2"),
    *("--intermediate-size", "32", "--steps", "12", "--batch-tokens", "256", "--threads", "1"),
)


@pytest.fixture
def text(tmp_path):
    lines = [f"the {n % 13} gulls of {n % 7} harbours walked {n % 5} miles.\n" for n in range(3000)]
    blank = ["\n" if number % 9 == 8 else "" for number in range(3000)]
    path = tmp_path / "text.txt"
    path.write_text("".join(a + b for a, b in zip(lines, blank, strict=True)))
    return path


def test_text_to_weights_on_three_machines_is_what_one_process_makes(tmp_path, text):
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    for folder in (alone, spread):
        folder.mkdir()
    steps = [
        ("train-vocab", str(text), "--vocab-size", "150", "-o", "tok"),
        ("build-shards", str(text), "-t", "tok", "-o", "shards", "--max-seq-length", "32"),
        ("pretrain", "shards", "-o", "run", *_SMALL),
    ]
    with Machines(3) as machines:
        players = _players(tmp_path, machines)
        for command in steps:
            engine = "mpi" if command[0] == "pretrain" else "dask"
            _run(["tokpipe", *command], alone, players)
            launch = ["tokpipe", "launch", "ssh", *_DASK, "--folder", str(spread), "--"]
            words = [*machines.on(0), *launch, *command, "--engine", engine]
            _run(words, spread, players)
            name = command[command.index("-o") + 1]
            assert contents(alone / name) == contents(spread / name), name


def _players(tmp_path, machines):
    folder = tmp_path / "bin"
    folder.mkdir()
    machines.ssh(folder)
    programs = {
        "tokpipe": f'exec {sys.executable} -m tokpipe "$@"',
        "dask": f'exec {sys.executable} -m dask "$@"',
    }
    for name, line in programs.items():
        (folder / name).write_text(f"#!/usr/bin/env bash\n{line}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    place = {"TOKPIPE_HOST": machines.addresses[0], "FI_TCP_IFACE": "eth0"}
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **place}


def _run(words, folder, variables):
    done = subprocess.run(
        words, cwd=folder, env=variables, capture_output=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
