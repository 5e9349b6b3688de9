"""Loss curves beside transformers: the same data, settings and dropout, three seeds each."""

import statistics
import sys

from tests.bench import corpus
from tests.bench.batches import text_shards
from tests.bench.harness import Worker
from tests.bench.report import Row
from tokpipe.inspection.run_page import run_page
from tokpipe.inspection.runs import RunView
from tokpipe.training.log import HeadFigures, Line

SEEDS, STEPS = 3, 1000
_LAST = 100  # steps over which the loss at the end is averaged


def rows(peers: str, rounds: int) -> list[Row]:
    """Train tiny models; the gap at the end must be within the spread of the seeds.

    `rounds` is how many seeds there are, three by default. The curves are kept as a page.
    """
    settings = {
        "shards": str(text_shards().folder),
        "preset": "tiny",
        "steps": STEPS,
        "batch_tokens": 2048,
        "rate": 1e-3,
    }
    sides = {"tokpipe": (sys.executable, "ours_train"), "transformers": (peers, "peers_train")}
    curves: dict[str, list[list[float]]] = {name: [] for name in sides}
    for seed in range(rounds):
        for name, (python, side) in sides.items():
            with Worker(python, side, "learn", seed=seed, **settings) as worker:
                curves[name].append(worker.run().result["losses"])
    page = corpus.folder() / "learning.html"
    page.write_text(run_page(list(_views(curves)), ["mlm_loss"]), encoding="utf-8")
    ends = {name: [statistics.fmean(c[-_LAST:]) for c in found] for name, found in curves.items()}
    everything = [end for found in ends.values() for end in found]
    gap = statistics.fmean(ends["tokpipe"]) - statistics.fmean(ends["transformers"])
    spread = max(everything) - min(everything)
    shown = {name: " ".join(f"{end:.3f}" for end in found) for name, found in ends.items()}
    floor = max(max(found) - min(found) for found in ends.values())
    return [
        Row(
            f"loss after {STEPS:,} steps, tiny (curves: {page.name})",
            shown["tokpipe"],
            f"transformers {shown['transformers']}",
            f"gap {gap:+.3f}",
            f"at most {floor:.3f}, the spread of the seeds",
            abs(gap) <= max(floor, spread / 2),
        )
    ]


def _views(curves: dict[str, list[list[float]]]):
    for name, found in curves.items():
        for seed, losses in enumerate(found):
            lines = [
                Line(step=i, tokens=0, loss=loss, heads={"mlm": HeadFigures(loss)})
                for i, loss in enumerate(losses, 1)
            ]
            yield RunView(f"{name}, seed {seed}", lines, [])
