"""The outputs in the README are real: this makes them, and a test compares them.

A fenced block behind ``<!-- run: tokpipe … -->`` holds what that command prints at 80 columns
without colour; ``<!-- ran: … -->`` marks one whose figures differ from run to run (seconds), which
is renewed but not compared; ``<!-- long: … -->`` one that takes minutes. ``python -m tests.readme``
renews all but the long ones, in order, in one empty folder, so that a later command may use what an
earlier one wrote; with ``--long``, those too.
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
PACKAGES = (
    *("foundation", "corpus", "words", "vocab", "tokenizer", "examples", "shards", "batches"),
    *("bert", "training", "tasks", "inspection", "cli"),
)  # upwards: each imports only what stands before it
_BLOCK = re.compile(r"<!-- (run|ran|long): (.*?) -->\n```text\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command of the README and the output that stands there."""

    kind: str
    command: str
    output: str


def examples() -> list[Example]:
    """Return the commands of the README in order."""
    return [Example(*m.groups()) for m in _BLOCK.finditer(README.read_text(encoding="utf-8"))]


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
    """Return packages, and the packages in them but kernels, with what each is by its docstring."""
    lines = []
    for package in PACKAGES:
        inner = sorted(path.parent.name for path in (PACKAGE / package).glob("*/__init__.py"))
        lines.append(f"  {package + '/':<16}{_summary(PACKAGE / package)}")
        lines += [
            f"    {name + '/':<14}{_summary(PACKAGE / package / name)}"
            for name in inner
            if name != "kernels"
        ]
    return "\n".join(lines)


def _summary(package: Path) -> str:
    text = (package / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]


def with_tree(text: str) -> str:
    """Return the README with the tree as it is now."""
    block = f"<!-- tree -->\n```text\ntokpipe/\n{tree()}\n```\n<!-- /tree -->"
    return re.sub("<!-- tree -->.*?<!-- /tree -->", lambda _: block, text, flags=re.DOTALL)


def main() -> None:
    """Renew the outputs and the tree."""
    kinds = ("run", "ran", "long") if "--long" in sys.argv else ("run", "ran")
    text = with_tree(README.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "corpora").symlink_to(ROOT / "corpora")

        def renewed(match: re.Match[str]) -> str:
            kind, command, output = match.groups()
            if kind in kinds:
                output = run(command, Path(place))
            return f"<!-- {kind}: {command} -->\n```text\n{output}```"

        text = _BLOCK.sub(renewed, text)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
