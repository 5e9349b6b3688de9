"""Two workers: processor seconds and memory of all processes, beside Spark's and datatrove's.

TOKPIPE_BENCH_MB bounds the text, of 1 GB. The interpreter of the peers has pyspark (which needs a
Java), datatrove and orjson.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import corpus
from tests.bench.process_tree import TreeRun, run_tree
from tests.bench.report import Row, markdown
from tokpipe.foundation.sizes import format_bytes

WORKERS = 2
_ENGINE = ("--engine", "dask", "--workers", str(WORKERS))
_SPLIT_AT_SPACES = (*("--normalizer", "none", "--cased", "--pre-tokenizer", "whitespace-split"),)
_HERE = Path(__file__).parent
_MOST_GROWTH = 20_000_000  # bytes of the coordinator, from a text to ten times of it


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure everything that the table of clusters holds; say each row as it comes."""
    found = []
    with tempfile.TemporaryDirectory(prefix="tokpipe-bench-") as place:
        for measured in _measured(peers, rounds, Path(place)):
            print(markdown(measured), file=sys.stderr, flush=True)
            found += measured
    return found


def _measured(peers: str, rounds: int, place: Path) -> Iterator[list[Row]]:
    text, tokenizer = _text(), str(corpus.bert_special_tokenizer())
    spark = [peers, str(_HERE / "count_with_spark.py"), str(text)]
    yield _beside("Spark", spark, _counting([str(text)]), place, rounds, 10)
    lines = str(_json_lines(text, place))
    tokens = [peers, str(_HERE / "tokenize_with_datatrove.py"), lines, tokenizer]
    yield _beside("datatrove", tokens, _sharding(lines, tokenizer), place, rounds, 20)
    trove = [peers, str(_HERE / "count_with_datatrove.py"), lines]
    yield [_growth(text, place)]
    yield _beside("datatrove", trove, _counting([lines]), place, rounds, 0)


@dataclass(frozen=True)
class _Work:
    """What our side does."""

    name: str
    inputs: list[str]
    command: Callable[[Path], list[str]]  # that writes an output
    same: Callable[[TreeRun, TreeRun], str]  # whether both sides have found the same


def _counting(inputs: list[str]) -> _Work:
    return _Work("count words", inputs, lambda output: _command(inputs, output), _same_words)


def _sharding(inputs: str, tokenizer: str) -> _Work:
    def command(output: Path) -> list[str]:
        asked = ["build-shards", inputs, "-t", tokenizer, "--recipe", "roberta", "-o", str(output)]
        return [sys.executable, "-m", "tokpipe", *asked, "--json", *_ENGINE]

    return _Work("text to shards, the peer to tokens", [inputs], command, _same_tokens)


def _text() -> Path:
    most = int(os.environ.get("TOKPIPE_BENCH_MB", "1000")) * 1_000_000
    if most >= 10 * corpus.SIZE:
        return corpus.large_file()
    path = corpus.folder() / f"{most // 1_000_000}mb.txt"
    if not path.exists():
        source = corpus.text_file() if most <= corpus.SIZE else corpus.large_file()
        with source.open("rb") as file:
            data = file.read(most)
        path.write_bytes(data[: data.rindex(b"\n") + 1])
    return path


def _json_lines(text: Path, place: Path) -> Path:
    """Write the paragraphs of a text as JSON lines, a file a worker."""
    folder = place / "lines"
    folder.mkdir()
    paragraphs = text.read_text("utf-8").split("\n\n")
    share = -(-len(paragraphs) // WORKERS)
    for worker in range(WORKERS):
        with (folder / f"{worker}.jsonl").open("w", encoding="utf-8") as file:
            for paragraph in paragraphs[worker * share : (worker + 1) * share]:
                file.write(json.dumps({"text": paragraph}, ensure_ascii=False) + "\n")
    return folder


def _beside(
    name: str, peer: list[str], work: _Work, place: Path, rounds: int, floor: float
) -> list[Row]:
    """Measure ours and a peer in turn, after a run of ours, which puts the text into memory.

    The peers' starts are a small part of their minutes.
    """

    def ours(number: int) -> TreeRun:
        return run_tree(work.command(place / f"ours-{Path(peer[1]).stem}-{number}"))

    def theirs(number: int) -> TreeRun:
        return run_tree([*peer, f"{place}/{Path(peer[1]).stem}-{number}", str(WORKERS)])

    ours(rounds)
    runs = [(ours(number), theirs(number)) for number in range(rounds)]
    mine, other = zip(*runs, strict=True)
    size = format_bytes(sum(path.stat().st_size for path in _files(work.inputs)))
    what = f"{work.name}, {size}, {WORKERS} workers, start included"
    same = work.same(mine[0], other[0])
    return [
        _row(f"{what}: CPU", mine, other, name, lambda run: run.cpu_seconds, _seconds, floor, same),
        _row(f"{what}: time", mine, other, name, lambda run: run.seconds, _seconds, 1, same),
        _row(f"{what}: memory of all processes", mine, other, name, lambda run: run.peak,
             lambda value: format_bytes(int(value)), floor and 1, same),
    ]  # fmt: skip


def _row(
    work: str,
    mine: tuple[TreeRun, ...],
    other: tuple[TreeRun, ...],
    name: str,
    of: Callable[[TreeRun], float],
    shown: Callable[[float], str],
    floor: float,
    same: str,
) -> Row:
    ours, theirs = (statistics.median(map(of, runs)) for runs in (mine, other))
    ratio = theirs / ours
    peer = f"{name} {shown(theirs)}"
    said = f"{floor:g}×" if floor else "–"  # nobody has named one
    return Row(work, shown(ours), peer, f"{ratio:.1f}×{same}", said, ratio >= floor)


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def _files(inputs: list[str]) -> list[Path]:
    paths = [Path(name) for name in inputs]
    return [file for path in paths for file in (path.iterdir() if path.is_dir() else [path])]


def _command(inputs: list[str], output: Path) -> list[str]:
    command = [sys.executable, "-m", "tokpipe", "count-words", *inputs, "-o", str(output), "--json"]
    return [*command, *_SPLIT_AT_SPACES, *_ENGINE]


def _same_words(mine: TreeRun, other: TreeRun) -> str:
    """Say whether both sides have found as many words, and as many different ones."""
    found = json.loads(mine.printed)
    unique, total = map(int, other.printed.split()[-2:])
    same = (found["unique_words"], found["words"]) == (unique, total)
    return ", same words" if same else ", OTHER WORDS"


def _same_tokens(mine: TreeRun, other: TreeRun) -> str:
    """Say whether the text has as many tokens on both sides, without special ones."""
    splits = json.loads(mine.printed)["splits"].values()
    total = sum(split["text_tokens"] for split in splits)
    return ", same tokens" if total == int(other.printed.split()[-1]) else ", OTHER TOKENS"


def _growth(text: Path, place: Path) -> Row:
    """Measure the coordinator's memory for a text, and for the same text named ten times."""
    once, often = (
        run_tree(_command([str(text)] * times, place / f"times-{times}")).first_peak
        for times in (1, 10)
    )
    size = text.stat().st_size
    return Row(
        f"memory of the coordinator, {format_bytes(size)} and {format_bytes(10 * size)}",
        f"{format_bytes(once)} and {format_bytes(often)}",
        "–",
        f"{(often - once) / 1e6:+.1f} MB",
        f"within {_MOST_GROWTH // 1_000_000} MB",
        abs(often - once) <= _MOST_GROWTH,
    )
