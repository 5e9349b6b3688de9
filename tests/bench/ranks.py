"""Steps of pretraining by two processes of one thread each, beside torch's with gloo."""

import shutil
import statistics
import sys
from pathlib import Path

from tests.bench.batches import text_batches
from tests.bench.harness import Duel, Run, Worker, in_turn
from tests.bench.report import Row
from tests.bench.train import SIZES, _rates

PRESETS = ("mini", "small")
_FLOOR = 1.0  # not slower than torch's
_MOST = {"small": 0.1}  # share of a step that is waited for gradients and weights


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure both sizes."""
    return [row for preset in PRESETS for row in size_rows(peers, rounds, preset)]


def size_rows(peers: str, rounds: int, preset: str) -> list[Row]:
    """Measure one size, with the batches of `tests.bench.train`."""
    size, two = SIZES[preset], mpiexec()
    settings = {"batches": str(text_batches(size.tokens)), "preset": preset, "steps": size.steps}
    with (
        Worker(sys.executable, "ours_ranks", "step", before=two, **settings) as ours,
        Worker(sys.executable, "ours_ranks", "step", before=two, early=False, **settings) as late,
        Worker(peers, "peers_ranks", "step", **settings) as peer,
    ):
        runs = in_turn([ours.run, late.run, peer.run], rounds)
    return [_speed(preset, Duel(runs[0], runs[2])), _waiting(preset, *runs[:2])]


def mpiexec(ranks: int = 2) -> tuple[str, ...]:
    """Return what starts processes of ours: the wheel's mpiexec, or the system's."""
    own = Path(sys.prefix) / "bin" / "mpiexec"
    found = str(own) if own.is_file() else shutil.which("mpiexec")
    return (found or "mpiexec", "-n", str(ranks))


def _work(preset: str) -> str:
    return f"pretrain {preset} by 2 processes, {SIZES[preset].tokens:,} tokens a batch"


def _speed(preset: str, duel: Duel) -> Row:
    mine, other, ratio = _rates(duel, "tokens")
    return Row(
        _work(preset),
        f"{mine:,.0f} tokens/s",
        f"DistributedDataParallel over gloo, head at masked places {other:,.0f}",
        f"{ratio:.2f}×",
        f"{_FLOOR:g}×",
        ratio >= _FLOOR,
    )


def _waiting(preset: str, runs: list[Run], late: list[Run]) -> Row:
    """Say how long steps wait, and how long if nothing is sent before the end of the way back."""
    share, without = (
        statistics.median(run.result["waited"] / run.seconds for run in side)
        for side in (runs, late)
    )
    most = _MOST.get(preset)
    return Row(
        f"share of a step that waits for gradients and weights, {preset}",
        f"{share:.1%}",
        f"all sent at once, in the end {without:.1%}",
        f"{without / max(share, 1e-9):.2f}×",
        f"at most {most:.0%}" if most else "–",
        most is None or share <= most,
    )
