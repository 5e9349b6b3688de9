"""Rows of measurements as a table, in the terminal and in the README."""

import platform
import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, both sides, and how it stands to the floor."""

    work: str
    ours: str
    peer: str
    measured: str
    floor: str
    passed: bool


def markdown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table, with a mark for floors that were missed."""
    head = "| work | tokpipe | peer | measured | floor |\n|---|---|---|---|---|"
    lines = [
        f"| {r.work} | {r.ours} | {r.peer} | {r.measured}{'' if r.passed else ' ✗'} | {r.floor} |"
        for r in rows
    ]
    return "\n".join([head, *lines])


def machine() -> str:
    """Name the processor and how many of it there are."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = re.findall(r"model name\s*: (.*)", info)
    model = names[0] if names else platform.processor()
    return f"{len(names) or 1} × {model}, Python {platform.python_version()}"


def write_to_readme(name: str, text: str) -> None:
    """Replace what stands between the markers of this table in the README."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    readme = README.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(readme):
        raise SystemExit(f"README.md has no {begin} … {end}")
    README.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", readme), encoding="utf-8")
