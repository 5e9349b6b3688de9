"""What rounding to bfloat16 costs: the same training in both precisions, three seeds each.

Nothing is timed: every core trains one model at a time with one thread.
"""

import os
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.bench.harness import Worker
from tests.bench.recipe import learning_shards, settings_of
from tests.bench.report import Row
from tokpipe.bert.config import BertConfig
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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        losses = dict(zip(asked, pool.map(partial(_loss, shards), asked), strict=True))
    return [
        row_of(preset, *([losses[preset, seed, kind] for seed in range(rounds)] for kind in KINDS))
        for preset in PRESETS
    ]


def _loss(shards: str, asked: tuple[str, int, str]) -> float:
    preset, seed, kind = asked
    settings = settings_of(OURS, BertConfig.preset(preset))
    training = {**settings["training"], "steps": STEPS, "precision": kind}
    on = {"shards": shards, "preset": preset, "seed": seed, "seconds": None, "threads": 1}
    with Worker(
        sys.executable, "ours_train", "reach", **on, **settings | {"training": training}
    ) as one:
        loss = one.run().result["loss"]
    print(*asked, f"{loss:.4f}", file=sys.stderr, flush=True)
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
