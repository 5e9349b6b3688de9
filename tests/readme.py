"""The outputs in the README are real: this makes them, and a test compares them.

A fenced block behind ``<!-- run: tokpipe … -->`` holds what that command prints at 80 columns
without colour; ``<!-- ran: … -->`` marks one whose figures differ from run to run (seconds), which
is renewed but not compared. ``python -m tests.readme`` renews them all, in order, in one empty
folder, so that a later command may use what an earlier one wrote.
"""

import ast
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tokpipe"
README = ROOT / "README.md"
_BLOCK = re.compile(r"<!-- (run|ran): (.*?) -->\n```text\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command of the README and the output that stands there."""

    command: str
    output: str
    repeats: bool


def examples() -> list[Example]:
    """Return the commands of the README in order."""
    text = README.read_text(encoding="utf-8")
    return [Example(command, output, kind == "run") for kind, command, output in _found(text)]


def _found(text: str) -> list[tuple[str, str, str]]:
    return [(m[1], m[2], m[3]) for m in _BLOCK.finditer(text)]


def run(command: str, folder: Path) -> str:
    """Run one command line in a folder, as a user with 80 columns and a pipe."""
    environment = os.environ | {
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    line = re.sub(r"\btokpipe\b(?= )", f"{sys.executable} -m tokpipe", command, count=1)
    done = subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed with {done.returncode}:\n{done.stderr}")
    return "".join(row.rstrip() + "\n" for row in done.stdout.splitlines())


def tree() -> str:
    """Return packages and files with the first line of each docstring."""
    lines = []
    for package in ("foundation", "corpus", "words", "vocab", "tokenizer", "inspection", "cli"):
        lines.append(f"  {package + '/':<14}{_summary(PACKAGE / package / '__init__.py')}")
        lines += [
            f"    {path.relative_to(PACKAGE / package)!s:<28}{_summary(path)}"
            for path in sorted((PACKAGE / package).rglob("*.py"))
            if path.name != "__init__.py"
        ]
    return "\n".join(line.rstrip() for line in lines)


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return (docstring or "").split("\n")[0]


def with_tree(text: str) -> str:
    """Return the README with the tree as it is now."""
    block = f"<!-- tree -->\n```text\ntokpipe/\n{tree()}\n```\n<!-- /tree -->"
    return re.sub("<!-- tree -->.*?<!-- /tree -->", lambda _: block, text, flags=re.DOTALL)


def main() -> None:
    """Renew every output in the README."""
    text = with_tree(README.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "corpora").symlink_to(ROOT / "corpora")
        outputs = iter([run(command, Path(place)) for _, command, _ in _found(text)])
    renewed = _BLOCK.sub(lambda m: f"<!-- {m[1]}: {m[2]} -->\n```text\n{next(outputs)}```", text)
    README.write_text(renewed, encoding="utf-8")


if __name__ == "__main__":
    main()
