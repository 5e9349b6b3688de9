"""The outputs and trees on our pages are real: this makes them, and a test compares them.

A fenced block behind ``<!-- run: tokpipe … -->`` holds what that command prints at 80 columns
without colour; ``<!-- ran: … -->`` marks one whose figures differ from run to run (seconds), which
is renewed but not compared; ``<!-- long: … -->`` one that takes minutes. ``python -m tests.readme``
renews all but the long ones, in order, in one empty folder, so that a later command may use what an
earlier one wrote; with ``--long``, those too; with ``--trees``, the trees, the headline rows of
the measurements and what is quoted of the code alone, which takes a second.
"""

import ast
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import RESULTS, with_headlines

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tokpipe"
README = ROOT / "README.md"
TREE = PACKAGE / "TREE.md"
KERNELS = PACKAGE / "KERNELS.md"
PACKAGES = (
    *("foundation", "corpus", "words", "vocab", "tokenizer", "examples", "shards", "batches"),
    *(
        "labelled",
        "bert",
        "training",
        "metrics",
        "finetuning",
        "baselines",
        "tasks",
        "inspection",
        "engines",
        "cli",
    ),
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
        inner = sorted(path.parent for path in (PACKAGE / package).glob("*/__init__.py"))
        lines.append(_line(PACKAGE / package, 1, 18))
        lines += [_line(folder, 2, 18) for folder in inner if folder.name != "kernels"]
    return "\n".join(lines)


def whole_tree() -> str:
    """Return the page of all modules: folders as the data flows, files by name, a phrase each."""
    lines = [_line(path, 1, 28) for path in _modules(PACKAGE)]
    for package in PACKAGES:
        lines += _branch(PACKAGE / package, 1)
    return _PAGE.format(tree="\n".join(lines))


_PAGE = """# The tree

Every module with the first line of its docstring; folders stand in the order in which data flows,
and each imports only what stands above it. `python -m tests.readme --trees` renews this page.

```text
tokpipe/
{tree}
```
"""


def _branch(folder: Path, depth: int) -> list[str]:
    lines = [_line(folder, depth, 28)]
    lines += [_line(path, depth + 1, 28) for path in _modules(folder)]
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        lines += _branch(inner, depth + 1)
    return lines


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")


def _line(path: Path, depth: int, column: int) -> str:
    name = f"{'  ' * depth}{path.name}{'/' if path.is_dir() else ''}"
    return f"{name:<{column - 1}} {summary(path)}"


def summary(path: Path) -> str:
    """Return the first line of the docstring of a module or of a package."""
    text = (path / "__init__.py" if path.is_dir() else path).read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]


def with_tree(text: str) -> str:
    """Return the README with the tree as it is now."""
    block = f"<!-- tree -->\n```text\ntokpipe/\n{tree()}\n```\n<!-- /tree -->"
    return re.sub("<!-- tree -->.*?<!-- /tree -->", lambda _: block, text, flags=re.DOTALL)


def with_sources(text: str) -> str:
    """Return a page with the functions that it quotes as they are now."""

    def quoted(match: re.Match[str]) -> str:
        path, name = match.groups()
        source = (ROOT / path).read_text(encoding="utf-8")
        named = [one for one in ast.parse(source).body if getattr(one, "name", None) == name]
        if not named:
            raise SystemExit(f"{path} has no {name} that a page could quote")
        found = named[0]
        first = min([found.lineno, *(one.lineno for one in found.decorator_list)])
        lines = source.splitlines()[first - 1 : found.end_lineno]
        return "\n".join([f"<!-- source: {path} {name} -->", "```python", *lines, "```"])

    return re.sub(r"<!-- source: (\S+) (\w+) -->\n```python\n.*?```", quoted, text, flags=re.DOTALL)


def snippets(text: str) -> str:
    """Return the Python blocks of a page that are no quotations, as one program."""
    blocks = re.findall(r"(?<!-->\n)^ *```python\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    return "\n".join(textwrap.dedent(block) for block in blocks)


def renew_trees() -> None:
    """Renew both trees, the headline rows of the measurements, and what is quoted of the code."""
    TREE.write_text(whole_tree(), encoding="utf-8")
    text = with_tree(README.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")
    KERNELS.write_text(with_sources(KERNELS.read_text(encoding="utf-8")), encoding="utf-8")
    README.write_text(with_headlines(text, RESULTS.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Renew the outputs and the trees."""
    renew_trees()
    if "--trees" in sys.argv:
        return
    kinds = ("run", "ran", "long") if "--long" in sys.argv else ("run", "ran")
    text = README.read_text(encoding="utf-8")
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
