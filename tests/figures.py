"""How large the code is, by package: lines of each kind, files, functions, the longest of them."""

import ast
import io
import re
import subprocess
import tarfile
import tokenize
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef
_DOCUMENTED = ast.Module | ast.ClassDef | _DEFINITIONS
_LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass
class Figures:
    """What some files add up to; the longest are (lines, name)."""

    lines: int = 0
    files: int = 0
    functions: int = 0
    classes: int = 0
    code: int = 0
    docstring: int = 0
    comment: int = 0
    blank: int = 0
    longest_file: tuple[int, str] = (0, "")
    longest_function: tuple[int, str] = (0, "")

    def __add__(self, other: "Figures") -> "Figures":
        """Return what both are together."""
        joined = {}
        for one in fields(self):
            ours, theirs = getattr(self, one.name), getattr(other, one.name)
            joined[one.name] = ours + theirs if isinstance(ours, int) else max(ours, theirs)
        return Figures(**joined)


_COUNTS = [one.name for one in fields(Figures) if one.type is int]
_LONGEST = [one.name for one in fields(Figures) if one.type is not int]


def measure(name: str, text: str) -> Figures:
    """Return the figures of one file; a line with code and a comment is code."""
    module = ast.parse(text)
    nodes = list(ast.walk(module))
    functions = [node for node in nodes if isinstance(node, _DEFINITIONS)]
    documented = {line for node in nodes for line in _docstring_lines(node)}
    code, comments = _lines_of_tokens(text)
    lines, written = len(text.splitlines()), documented | code | comments
    lengths = [(one.end_lineno - one.lineno + 1, f"{name}:{one.name}") for one in functions]
    return Figures(
        lines=lines,
        files=1,
        functions=len(functions),
        classes=sum(isinstance(node, ast.ClassDef) for node in nodes),
        code=len(code - documented),
        docstring=len(documented),
        comment=len(comments - code - documented),
        blank=lines - len(written),
        longest_file=(lines, name),
        longest_function=max(lengths, default=(0, "")),
    )


def _docstring_lines(node: ast.AST) -> Iterable[int]:
    if not isinstance(node, _DOCUMENTED) or ast.get_docstring(node, clean=False) is None:
        return ()
    return range(node.body[0].lineno, node.body[0].end_lineno + 1)


def _lines_of_tokens(text: str) -> tuple[set[int], set[int]]:
    code, comments = set(), set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments.add(token.start[0])
        elif token.type not in _LAYOUT:
            code |= set(range(token.start[0], token.end[0] + 1))
    return code, comments


def by_package(files: Iterable[tuple[str, str]]) -> dict[str, Figures]:
    """Add up (path, text) by the packages of ``tokpipe``, and all of ``tests`` as one."""
    found: dict[str, Figures] = defaultdict(Figures)
    for path, text in files:
        top, _, rest = path.partition("/")
        name = top if top == "tests" or "/" not in rest else f"{top}/{rest.split('/')[0]}"
        figures = measure(path, text)
        found[name] += figures
        if top == "tokpipe":
            found["tokpipe, whole"] += figures
    return dict(sorted(found.items()))


def files_here(root: Path) -> list[tuple[str, str]]:
    """Return the Python files of a checkout."""
    paths = sorted(path for top in ("tokpipe", "tests") for path in (root / top).rglob("*.py"))
    return [(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in paths]


def files_at(root: Path, revision: str) -> list[tuple[str, str]]:
    """Return the Python files of a git revision."""
    command = ["git", "archive", "--format=tar", revision, "tokpipe", "tests"]
    with tarfile.open(fileobj=io.BytesIO(subprocess.check_output(command, cwd=root))) as archive:
        return [
            (member.name, archive.extractfile(member).read().decode("utf-8"))
            for member in archive.getmembers()
            if member.name.endswith(".py")
        ]


def report(root: Path, against: str | None = None) -> str:
    """Return the figures as a table, and beside them those of a git revision if one is named."""
    sides = [by_package(files_here(root))]
    if against is not None:
        sides.insert(0, by_package(files_at(root, against)))
    names = sorted(set().union(*sides))
    rows = [["", *_COUNTS]]
    rows += [[name, *(_cell(sides, name, count) for count in _COUNTS)] for name in names]
    rows += [["", *_LONGEST]]
    rows += [[name, *(_cell(sides, name, longest) for longest in _LONGEST)] for name in names]
    return "\n".join((*_aligned(rows[: len(names) + 1]), "", *_aligned(rows[len(names) + 1 :])))


def _cell(sides: list[dict[str, Figures]], name: str, figure: str) -> str:
    values = [getattr(side.get(name, Figures()), figure) for side in sides]
    told = [f"{v:,}" if isinstance(v, int) else f"{v[0]:,} {v[1]}".strip() for v in values]
    if len(told) == 2 and isinstance(values[0], int):
        told.append(f"({values[1] - values[0]:+,})")
    return told[0] if len(set(values)) == 1 else " → ".join(told[:2]) + "".join(told[2:])


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def bare_constants(root: Path) -> list[str]:
    """Return ``path:line: text`` of module-level numbers that no comment explains.

    A comment explains the line that it stands on, or the unbroken run of lines under it.
    """
    found = []
    for name, text in files_here(root):
        if name.startswith("tokpipe/"):
            lines = text.splitlines()
            found += [
                f"{name}:{one.lineno}: {lines[one.lineno - 1]}"
                for one in ast.parse(text).body
                if _is_number(one) and not _is_explained(one, lines)
            ]
    return found


_NAMED = re.compile(r"_?(\d+|(ZERO|ONE|TWO|THREE|FOUR|SIX|SEVEN|EIGHT|FIFTY)(_[A-Z]+)?)")


def _is_number(statement: ast.stmt) -> bool:
    """Tell `NAME = 3` and `A, B = 1 << 20, np.uint64(7)`.

    Left out are names that say their number (`_ONE`), numbers given out by `range`, and what is put
    together from other names (`1 << DOT | 1 << STOP`).
    """
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    nodes = list(ast.walk(statement.value))
    literals = [type(one.value) for one in nodes if isinstance(one, ast.Constant)]
    names = {one.id for one in nodes if isinstance(one, ast.Name)}
    targets = {one.id for one in ast.walk(statement) if isinstance(one, ast.Name)} - names
    is_bare = bool(literals) and set(literals) <= {int, float} and names <= {"np"}
    return is_bare and not all(_NAMED.fullmatch(target) for target in targets)


def _is_explained(statement: ast.stmt, lines: list[str]) -> bool:
    row = statement.lineno - 1
    if any("  # " in line for line in lines[row : statement.end_lineno]):
        return True
    while row and lines[row - 1].strip() and not lines[row - 1].startswith(("#", " ", "from")):
        row -= 1
    return row > 0 and lines[row - 1].startswith("#")
