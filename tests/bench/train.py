"""Steps of pretraining beside transformers: speed and peak memory, from tiny to base."""

import sys
from typing import NamedTuple

from tests.bench.batches import text_batches
from tests.bench.harness import Worker, alternate
from tests.bench.report import Row


class Size(NamedTuple):
    """A row of the table: tokens of a batch, steps of a round, and the floors."""

    tokens: int
    steps: int
    eager: float
    masked: float
    memory: float


SIZES = {
    "tiny": Size(4096, 8, 8, 1.5, 0.5),
    "mini": Size(4096, 3, 3.5, 1.5, 0.5),
    "small": Size(2048, 2, 2.7, 1.4, 0.6),
    "medium": Size(2048, 1, 2.0, 1.4, 0.6),
    "base": Size(1024, 1, 1.5, 1.3, 0.8),
}


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure every size."""
    return [row for preset in SIZES for row in size_rows(peers, rounds, preset)]


def size_rows(peers: str, rounds: int, preset: str) -> list[Row]:
    """Measure one size: speed beside both variants, and memory beside the plain one."""
    size = SIZES[preset]
    settings = {"batches": str(text_batches(size.tokens)), "preset": preset, "steps": size.steps}
    work = f"pretrain {preset}, {size.tokens:,} tokens a batch"
    made = []
    for masked_only, floor in ((False, size.eager), (True, size.masked)):
        with (
            Worker(sys.executable, "ours_train", "step", **settings) as ours,
            Worker(peers, "peers_train", "step", masked_only=masked_only, **settings) as theirs,
        ):
            duel = alternate(ours.run, theirs.run, rounds)
        tokens = [duel.ours[0].result["tokens"], duel.peer[0].result["tokens"]]
        mine, other = (n / seconds for n, seconds in zip(tokens, duel.seconds, strict=True))
        name = "transformers, head at masked places" if masked_only else "transformers eager"
        speed = f"{mine:,.0f} tokens/s", f"{name} {other:,.0f}"
        made.append(Row(work, *speed, f"{duel.ratio:.2f}×", f"{floor:g}×", duel.ratio >= floor))
        if not masked_only:
            peaks = duel.ours[-1].peak, duel.peer[-1].peak
            share = peaks[0] / peaks[1]
            memory = [f"{peak / 1e6:,.0f} MB" for peak in peaks]
            row = Row(
                f"peak memory, {preset}",
                memory[0],
                f"{name} {memory[1]}",
                f"{share:.2f}×",
                f"at most {size.memory:g}×",
                share <= size.memory,
            )
            made.append(row)
    return made
