"""Steps of pretraining beside transformers: speed and peak memory, from tiny to base.

From small up beside SGEMM, too: the products of the same step and nothing else. In bfloat16, where
the processor has it, beside our float32 and torch's autocast. The floors beside our float32 were
set for one that multiplies pairs at twice its rate in float32 (AMD from Zen 4 on): where it does
not, bfloat16 is fused float32 products with operands rounded before, and cannot be faster.
"""

import statistics
import sys
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

from tests.bench import start
from tests.bench.batches import text_batches
from tests.bench.harness import Duel, Worker, alternate, in_turn
from tests.bench.report import Row
from tokpipe.foundation.processors import multiplies


class Size(NamedTuple):
    """A row of the table: tokens of a batch, steps of a round, and the floors."""

    tokens: int
    steps: int
    eager: float
    masked: float
    memory: float
    bfloat16: tuple[float, float]  # beside our float32, and beside autocast
    peak: float | None = None  # share of what SGEMM alone reaches


SIZES = {
    "tiny": Size(4096, 3, 8, 1.5, 0.5, (1.6, 3.0)),
    "mini": Size(4096, 2, 3.5, 1.5, 0.5, (1.8, 2.2)),
    "small": Size(2048, 2, 2.7, 1.4, 0.6, (1.85, 1.7), 0.8),
    "medium": Size(2048, 1, 2.0, 1.4, 0.6, (1.85, 1.5), 0.8),
    "base": Size(1024, 1, 1.5, 1.3, 0.8, (1.8, 1.5), 0.8),
}

_SETTLED = 3  # steps of torch; of base 135, 130, 200 tokens/s, then 210 to 260


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure every size, and the start."""
    made = [row for preset in SIZES for row in size_rows(peers, rounds, preset)]
    if multiplies("bfloat16"):
        made += [row for preset in SIZES for row in bfloat16_rows(peers, rounds, preset)]
    return made + start.pretrain_rows(rounds)


def bfloat16_rows(peers: str, rounds: int, preset: str) -> list[Row]:
    """Measure one size in bfloat16: speed beside both, memory beside our float32."""
    size, settings = SIZES[preset], _settings(preset)
    ours = partial(Worker, sys.executable, "ours_train", "step", **settings)
    with ours(precision="bfloat16") as mine:
        with ours() as single:
            own = alternate(mine.run, single.run, rounds)
        with Worker(
            *(peers, "peers_train", "step"), **settings, masked_only=True, autocast=True
        ) as torch:
            _settle(torch, size.steps)
            cast = alternate(mine.run, torch.run, rounds)
    name, (over_own, over_cast) = f"{preset} in bfloat16", size.bfloat16
    least, most = own.ours[-1].peak, own.peer[-1].peak
    memory = Row(
        f"peak memory, {name}",
        f"{least / 1e6:,.0f} MB",
        f"our float32 {most / 1e6:,.0f} MB",
        f"{least / most:.2f}×",
        "below it",
        least < most,
    )
    masked = "transformers, bf16 autocast, head at masked places"
    return [
        _speed(preset, own, "our float32", over_own, name),
        _speed(preset, cast, masked, over_cast, name),
        memory,
    ]


def _settings(preset: str) -> dict[str, Any]:
    size = SIZES[preset]
    return {"batches": str(text_batches(size.tokens)), "preset": preset, "steps": size.steps}


def size_rows(peers: str, rounds: int, preset: str) -> list[Row]:
    """Measure one size: beside each variant of the peer by itself, for they want much memory."""
    size, settings = SIZES[preset], _settings(preset)
    peer = partial(Worker, peers, "peers_train", "step", **settings)
    with Worker(sys.executable, "ours_train", "step", **settings) as ours:
        with peer(masked_only=False) as eager:
            _settle(eager, size.steps)
            duel = alternate(ours.run, eager.run, rounds)
        made = [_speed(preset, duel, "transformers eager", size.eager), _memory(preset, duel)]
        with ExitStack() as stack:
            others = [stack.enter_context(peer(masked_only=True))]
            _settle(others[0], size.steps)
            if size.peak:
                alone = Worker(sys.executable, "ours_products", "step", **settings)
                others.append(stack.enter_context(alone))
            sides = in_turn([ours.run, *(other.run for other in others)], rounds)
    masked, *products = (Duel(sides[0], runs) for runs in sides[1:])
    made.append(_speed(preset, masked, "transformers, head at masked places", size.masked))
    return made + [_peak(preset, duel, size.peak) for duel in products]


def _settle(peer: Worker, steps: int) -> None:
    """Let a peer make its first steps, which take up to twice as long: three with the warm-up."""
    for _ in range(-(-_SETTLED // steps) - 1):
        peer.run()


def _work(preset: str, name: str = "") -> str:
    return f"pretrain {name or preset}, {SIZES[preset].tokens:,} tokens a batch"


def _rates(duel: Duel, what: str) -> tuple[float, float, float]:
    """Return what both sides did a second, and ours over the peer's: medians over the rounds."""
    sides = duel.ours, duel.peer
    ours, peer = ([run.result[what] / run.seconds for run in side] for side in sides)
    ratios = [mine / other for mine, other in zip(ours, peer, strict=True)]
    return statistics.median(ours), statistics.median(peer), statistics.median(ratios)


def _speed(preset: str, duel: Duel, name: str, floor: float, work: str = "") -> Row:
    mine, other, ratio = _rates(duel, "tokens")
    return Row(
        _work(preset, work),
        f"{mine:,.0f} tokens/s",
        f"{name} {other:,.0f}",
        f"{ratio:.2f}×",
        f"{floor:g}×",
        ratio >= floor,
    )


def _memory(preset: str, duel: Duel) -> Row:
    mine, other, most = duel.ours[-1].peak, duel.peer[-1].peak, SIZES[preset].memory
    return Row(
        f"peak memory, {preset}",
        f"{mine / 1e6:,.0f} MB",
        f"transformers eager {other / 1e6:,.0f} MB",
        f"{mine / other:.2f}×",
        f"at most {most:g}×",
        mine / other <= most,
    )


def _peak(preset: str, duel: Duel, floor: float) -> Row:
    """Compare the operations that a model of this shape needs with what SGEMM alone reaches."""
    mine, most, share = _rates(duel, "operations")
    return Row(
        f"operations, {_work(preset)}",
        f"{mine / 1e9:.0f} GFLOP/s",
        f"sgemm alone, the same products {most / 1e9:.0f} GFLOP/s",
        f"{share:.0%}",
        f"at least {floor:.0%}",
        share >= floor,
    )
