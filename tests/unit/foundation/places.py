"""Things that come to a place on the disk, and what stands there."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[3]
TAKEN = {
    "file": lambda path: path.write_text("theirs"),
    "folder": lambda path: (path.mkdir(), (path / "theirs").write_text("theirs")),
    "link to a folder": lambda path: (
        (path.parent / "elsewhere").mkdir(),
        path.symlink_to("elsewhere"),
    ),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "pipe": lambda path: os.mkfifo(path),
}


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def python(code, *arguments, wait=True):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if wait:
        process.communicate(timeout=30)
    return process


def seen(path):
    """Return what stands at a path, so that a change of it is seen."""
    inside = names(path) if path.is_dir() else path.read_text() if path.is_file() else ""
    return path.lstat().st_ino, path.lstat().st_mode, inside
