"""A system that lacks what tokpipe needs is told so in a sentence, and not by an ImportError."""

import subprocess
import sys

import pytest

BLOCKED = "import sys; sys.modules.update(dict.fromkeys({names!r}))\n"


def run(names, program):
    code = BLOCKED.format(names=names) + program
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"], ["count-words", "x", "-o", "y"]])
def test_the_command_says_what_is_missing(arguments):
    ran = run(["fcntl"], f"sys.argv[1:] = {arguments}\nfrom tokpipe.__main__ import run\nrun()")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("error: tokpipe runs on Linux; this system (") and (
        "has no file locks (fcntl)" in ran.stderr
    )
    assert "Traceback" not in ran.stderr


def test_the_library_says_what_is_missing_at_its_first_use():
    program = (
        "import tokpipe\nprint(tokpipe.__version__)\n"
        "try: tokpipe.count_words\nexcept tokpipe.TokpipeError as error: print(error.problem)"
    )
    ran = run(["fcntl"], program)
    version, said = ran.stdout.splitlines()
    assert version and said.endswith("has no file locks (fcntl)")


def test_what_can_be_done_without_is_not_asked():
    ran = run(["resource"], "import tokpipe\nprint(tokpipe.count_words.__name__)")
    assert ran.stdout == "count_words\n", ran.stderr
