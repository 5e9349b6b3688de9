"""Splitting text into sentences: right borders and speed, beside pysbd."""

import statistics
import sys

from tests.bench import corpus, treebanks
from tests.bench.harness import Worker, alternate
from tests.bench.report import Row

LINES_FOR_PYSBD = 300  # about 100 kB: it takes 0.6 s


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure everything that the table of sentences holds."""
    return [
        _accuracy(peers, "English (UD EWT)", "en"),
        _accuracy(peers, "Swedish (UD Talbanken)", "da"),  # pysbd knows no Swedish
        _accuracy(peers, "Swedish (UD Talbanken)", "en"),
        _speed(peers, rounds),
    ]


def _accuracy(peers: str, treebank: str, language: str) -> Row:
    path = str(treebanks.text_file(treebank))
    with (
        Worker(sys.executable, "ours", "sentence_borders", path=path) as ours,
        Worker(peers, "peers", "pysbd_borders", path=path, language=language) as theirs,
    ):
        found = ours.run().result, theirs.run().result
    true = treebanks.true_borders(treebank)
    mine, other = (treebanks.scores(one, true) for one in found)
    return Row(
        f"sentence borders, {treebank}, test: precision / recall / F1",
        " / ".join(f"{100 * value:.1f}" for value in mine),
        f'pysbd ("{language}") ' + " / ".join(f"{100 * value:.1f}" for value in other),
        f"F1 {100 * (mine[2] - other[2]):+.1f}",
        "F1 +0",
        mine[2] >= other[2],
    )


def _speed(peers: str, rounds: int) -> Row:
    path = str(corpus.text_file())
    with (
        Worker(sys.executable, "ours", "split_file", path=path) as ours,
        Worker(peers, "peers", "pysbd_split", path=path, lines=LINES_FOR_PYSBD) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    rates = [
        [run.result["bytes"] / run.seconds / 1e6 for run in side] for side in (duel.ours, duel.peer)
    ]
    ratio = statistics.median(a / b for a, b in zip(*rates, strict=True))
    mine, other = (statistics.median(side) for side in rates)
    return Row(
        "split 100 MB of novels and articles, one thread",
        f"{mine:.0f} MB/s",
        f"pysbd {other:.2f} MB/s",
        f"{ratio:,.0f}×",
        "1000×",
        ratio >= 1000,
    )
