"""Products in bfloat16 beside oneDNN's, at the shapes of training, from tiny to base.

The floors were set for a processor that multiplies in bfloat16 at twice its rate in float32 (AMD
from Zen 4 on); where it does not, they say little.
"""

import statistics
import sys

from tests.bench.harness import Duel, Worker, alternate
from tests.bench.peers_train import PRESETS
from tests.bench.report import Row
from tokpipe.foundation.processors import multiplies

ROWS = 1024  # tokens of a part of a batch
MASKED, VOCABULARY = 152, 30_522
FLOORS = {"tiny": 1.0}  # else:
FLOOR = 0.9
_TIMES = 5


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure every size; none where the processor has no such products."""
    return [_row(peers, rounds, preset) for preset in PRESETS if multiplies("bfloat16")]


def shapes_of(preset: str) -> dict[str, list[int]]:
    """Return rows, inputs and outputs of each map of a model."""
    _, hidden = PRESETS[preset]
    return {
        "queries, keys, values": [ROWS, hidden, 3 * hidden],
        "behind attention": [ROWS, hidden, hidden],
        "out": [ROWS, hidden, 4 * hidden],
        "back": [ROWS, 4 * hidden, hidden],
        "decoder": [MASKED, hidden, VOCABULARY],
    }


def _row(peers: str, rounds: int, preset: str) -> Row:
    settings = {"shapes": shapes_of(preset), "times": _TIMES}
    with (
        Worker(sys.executable, "ours_bfloat16", "products", **settings) as ours,
        Worker(peers, "peers_products", "products", **settings) as peer,
    ):
        duel = alternate(ours.run, peer.run, rounds)
    ratios = ratios_of(duel)
    mean, least = statistics.geometric_mean(ratios.values()), min(ratios, key=lambda n: ratios[n])
    mine, other = (_rate(runs[-1].result, preset) for runs in (duel.ours, duel.peer))
    floor = FLOORS.get(preset, FLOOR)
    return Row(
        f"products of {preset}, {len(ratios)} shapes",
        f"{mine:.0f} GFLOP/s",
        f"torch, bfloat16 {other:.0f} GFLOP/s",
        f"{mean:.2f}×, least {ratios[least]:.2f}× ({least})",
        f"{floor:g}×",
        mean >= floor,
    )


def ratios_of(duel: Duel) -> dict[str, float]:
    """Return by product how many times as long the peer takes: the median over the rounds."""
    pairs = list(zip(duel.ours, duel.peer, strict=True))
    return {
        name: statistics.median(theirs.result[name] / ours.result[name] for ours, theirs in pairs)
        for name in duel.ours[0].result
    }


def _rate(seconds: dict[str, float], preset: str) -> float:
    """Return billions of operations a second over all products."""
    operations = sum(2 * a * b * c for a, b, c in shapes_of(preset).values()) * 3
    return operations / sum(seconds.values()) / 1e9
