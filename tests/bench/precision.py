"""What rounding to bfloat16 costs: the same training in both precisions, three seeds each.

Nothing is timed: every core trains one model at a time with one thread.
"""

import statistics
import sys
from functools import partial

from tests.bench.batches import learning_shards
from tests.bench.harness import Worker
from tests.bench.keeping import side_by_side
from tests.bench.report import Row
from tests.bench.ways import settings_of
from tokpipe.foundation.processors import multiplies
from tokpipe.training.settings import OURS

STEPS = 1_000
PRESETS = ("tiny",)  # mini takes 20 minutes a training
KINDS = ("float32", "bfloat16")


def rows(peers: str, rounds: int) -> list[Row]:
    """Train both kinds with `rounds` seeds; none where the processor has no such products."""
    if not multiplies("bfloat16"):
        return []
    shards = str(learning_shards().folder)
    asked = [(preset, seed, kind) for preset in PRESETS for seed in range(rounds) for kind in KINDS]
    found = side_by_side(partial(_loss, shards, *one) for one in asked)
    losses = dict(zip(asked, found, strict=True))
    return [
        row_of(preset, *([losses[preset, seed, kind] for seed in range(rounds)] for kind in KINDS))
        for preset in PRESETS
    ]


def _loss(shards: str, preset: str, seed: int, kind: str) -> float:
    settings = settings_of(OURS, preset, training={"precision": kind})
    on = {"shards": shards, "preset": preset, "seed": seed, "steps": STEPS, "threads": 1}
    with Worker(sys.executable, "ours_train", "reach", **on, **settings) as one:
        loss = one.run().result["loss"]
    print(preset, seed, kind, f"{loss:.4f}", file=sys.stderr, flush=True)
    return loss


def row_of(preset: str, single: list[float], rounded: list[float]) -> Row:
    """Hold the gap of the means against how far the seeds in float32 are apart."""
    gap, spread = statistics.fmean(rounded) - statistics.fmean(single), max(single) - min(single)
    return Row(
        f"held-out loss after {STEPS:,} steps of {OURS}, {preset}, in bfloat16",
        " ".join(f"{loss:.3f}" for loss in rounded),
        f"float32 {' '.join(f'{loss:.3f}' for loss in single)}",
        f"{gap:+.3f}",
        f"at most {spread:.3f}, the spread of the seeds",
        gap <= spread,
    )
