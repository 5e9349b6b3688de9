"""Rows of measurements as tables: all on a page of their own, the headline rows in the README."""

import platform
import re
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
README = Path(__file__).parents[2] / "README.md"
HEADLINES = (  # of which table, which work, beside whom
    ("vocab", "train byte-bpe 30,000, 100 MB, warm process", "tokenizers"),
    ("vocab", "peak memory, byte-bpe, 100 MB", "tokenizers"),
    ("encode", "encode to Arrow, WordPiece (bert-base-uncased)", "encode_batch_fast"),
    ("encode", "encode to Arrow, byte-level BPE (gpt2)", "gigatoken"),
    ("sentences", "sentence borders, English (UD EWT), test: precision / recall / F1", "pysbd"),
    ("shards", "dynamic masks, BERT pairs", "datasets.map"),
    ("shards", "loader: packed batches of 8,192 tokens, masked anew", "DataLoader"),
    ("train", "pretrain mini, 4,096 tokens a batch", "transformers eager"),
    ("train", "pretrain mini, 4,096 tokens a batch", "transformers, head at masked places"),
    ("train", "peak memory, mini", "transformers eager"),
    ("learning", "loss after 1,000 steps, tiny (curves: learning.html)", "transformers"),
    (
        *("embed", "embed 1,000 sentences of mixed length, MiniLM-L6-H384"),
        "transformers, 32 at a time, sorted by length",
    ),
)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, both sides, and how it stands to the floor."""

    work: str
    ours: str
    peer: str
    measured: str
    floor: str
    passed: bool


def skipped(work: str, peer: str, floor: str, why: str = "not installed beside the peers") -> Row:
    """Return the row of what was not measured: a peer that the peers' environment has not."""
    return Row(work, "–", peer, f"skipped: {why}", floor, True)


def markdown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table, with a mark for floors that were missed."""
    head = "| work | tokpipe | peer | measured | floor |\n|---|---|---|---|---|"
    lines = [
        f"| {r.work} | {r.ours} | {r.peer} | {r.measured}{'' if r.passed else ' ✗'} | {r.floor} |"
        for r in rows
    ]
    return "\n".join([head, *lines])


def machine() -> str:
    """Name the processors, and Python."""
    return f"{processors()}, Python {platform.python_version()}"


def processors() -> str:
    """Name the processor and how many of it there are."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = re.findall(r"model name\s*: (.*)", info)
    model = names[0] if names else platform.processor()
    return f"{len(names) or 1} × {model}"


def with_table(results: str, name: str, table: str) -> str:
    """Return the page of measurements with one table anew."""
    return _between(results, f"bench:{name}", table)


def with_headlines(readme: str, results: str) -> str:
    """Return the README with the headline rows of the page of measurements."""
    lines, machines = ["| work | tokpipe | peer | measured |", "|---|---|---|---|"], {}
    for name, work, peer in HEADLINES:
        table = re.search(f"<!-- bench:{name} -->\n(.*?)\n<!-- /bench:{name} -->", results, re.S)
        rows = table[1].split("\n") if table else []
        found = [row for row in rows if row.startswith(f"| {work} |") and f"| {peer}" in row]
        if not found:
            raise SystemExit(f"{RESULTS.name} has no row of {name}: {work}, beside {peer}")
        lines.append(found[0].rsplit("|", 2)[0] + "|")
        machines[rows[-1].split(";")[0]] = None
    return _between(readme, "bench", "\n".join([*lines, "", *(f"{one}." for one in machines)]))


def write(name: str, table: str) -> None:
    """Put a table on the page of measurements, and what the README shows of it there."""
    results = with_table(RESULTS.read_text(encoding="utf-8"), name, table)
    readme = with_headlines(README.read_text(encoding="utf-8"), results)
    RESULTS.write_text(results, encoding="utf-8")
    README.write_text(readme, encoding="utf-8")


def _between(page: str, marker: str, block: str) -> str:
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"the page has no {begin} … {end}")
    return pattern.sub(lambda _: f"{begin}\n{block}\n{end}", page)
