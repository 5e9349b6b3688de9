"""`python -m tests.check`: its steps, its exit codes and its figures."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import check, figures

SAMPLE = '''"""A module.

Of two lines.
"""

import os  # with a word

# alone
_LIMIT = 3


class Thing:
    """One."""

    text = """not a
    docstring"""


def work():
    return [
        os,

    ]
'''


def test_lines_are_told_apart():
    found = figures.measure("a.py", SAMPLE)
    assert (found.lines, found.files, found.functions, found.classes) == (23, 1, 1, 1)
    assert (found.code, found.docstring, found.comment, found.blank) == (9, 5, 1, 8)
    assert found.longest_file == (23, "a.py") and found.longest_function == (5, "a.py:work")


def test_packages_are_added_up():
    found = figures.by_package([("tokpipe/a/b.py", SAMPLE), ("tokpipe/a/k/c.py", "x = 1\n")])
    assert list(found) == ["tokpipe, whole", "tokpipe/a"]
    assert found["tokpipe/a"].files == 2 and found["tokpipe/a"].lines == 24
    assert found["tokpipe/a"].longest_file == (23, "tokpipe/a/b.py")


def test_figures_stand_beside_those_of_a_revision(tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for folder in ("tokpipe/a", "tests"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "b.py").write_text("x = 1\n")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "a"], check=True)
    (tmp_path / "tokpipe/a/b.py").write_text("x = 1\ny = 2\n")
    report = figures.report(tmp_path, "HEAD")
    assert "1 → 2(+1)" in report and "tokpipe/a/b.py" in report


@pytest.mark.parametrize(
    ("line", "is_bare"),
    [
        ("_LIMIT = 3", True),
        ("_LIMIT = 3  # rows: more were no faster", False),
        ("# rows: more were no faster\n_LIMIT = 3", False),
        ("# both in rows\n_FIRST = 2\n_LIMIT = 3", False),
        ("# of another\n\n_LIMIT = 3", True),
        ("_A, _B = np.uint64(1 << 7), 2.5", True),
        ("_ONE, _15 = np.uint64(1), np.uint64(15)", False),
        ("A, B = range(2)", False),
        ("_BOTH = 1 << A | 1 << B", False),
        ('_TEXT = "a" * 3', False),
    ],
)
def test_numbers_without_a_word_of_why_are_found(tmp_path, line, is_bare):
    (tmp_path / "tokpipe").mkdir()
    (tmp_path / "tokpipe/a.py").write_text(f"import numpy as np\n\n{line}\n")
    assert bool(figures.bare_constants(tmp_path)) == is_bare


def test_steps_print_a_line_each_and_the_exit_code_says_whether_all_passed(monkeypatch, capsys):
    steps = {
        "good": check.Step("sys", ("-c", "print('fine')")),
        "bad": check.Step("sys", ("-c", "print('why'); print('bad'); raise SystemExit(3)")),
        "gone": check.Step("no_such_tool", ("-c", "")),
    }
    monkeypatch.setattr(check, "STEPS", steps)
    assert check.run(["good", "bad", "gone"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("good") and "passed in" in lines[0] and lines[0].endswith("s: fine")
    assert lines[1].startswith("bad") and "failed (3)" in lines[1]
    assert lines[2:4] == ["why", "bad"]
    assert lines[4].startswith("gone") and "skipped: no_such_tool is not installed" in lines[4]
    assert lines[5] == "bad failed"
    assert check.run(["good", "gone"]) == 0


def test_every_folder_of_tests_belongs_to_a_step():
    named = " ".join(argument for step in check.STEPS.values() for argument in step.arguments)
    assert all(f"tests/{name}" in named for name in ("architecture", "docs", "unit"))
    assert set(check.ALL) | {"unit"} == set(check.FAST) | {"tests"} == set(check.STEPS)


def test_unknown_step_is_a_usage_error():
    done = subprocess.run(
        [sys.executable, "-m", "tests.check", "lnit"],
        cwd=Path(check.ROOT),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "no step lnit; there are: fast, lint" in done.stderr
