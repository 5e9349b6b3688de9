"""The command line as a user has it: a process of its own, or (faster) a call in this one."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tokpipe.cli.main import execute

ROOT = Path(__file__).parents[2]
TEXT = (
    "The harbour lay still. Gulls walked on the quay, and the old ferry creaked.\n"
    "Nobody had told the captain that the harbour would close.\n\n"
    "Åsa's naïve café opened at seven; 東京 was far away 😀.\n"
) * 40


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, "utf-8")
    return path


@pytest.fixture
def tokpipe(capsys, tmp_path, monkeypatch):
    """Run a command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = execute([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def process(tmp_path):
    """Run a command line in a process of its own."""

    def run(*arguments, env=None, **settings):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **(env or {})}
        return subprocess.run(
            [sys.executable, "-m", "tokpipe", *map(str, arguments)],
            cwd=settings.pop("cwd", tmp_path),
            env={name: value for name, value in environment.items() if value is not None},
            capture_output="stdout" not in settings,
            timeout=600,  # a first run compiles all kernels
            check=False,
            **settings,
        )

    return run
