"""Steps of pretraining by two processes of one thread each, beside torch's with gloo."""

import shutil
import statistics
import sys
from pathlib import Path

from tests.bench.batches import text_batches
from tests.bench.harness import Duel, Worker, alternate
from tests.bench.report import Row
from tests.bench.train import SIZES, _rates

PRESETS = ("mini", "small")
_FLOOR = 1.0  # not slower than torch's
_MOST = {"small": 0.1}  # share of a step in which gradients and weights travel


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure both sizes."""
    return [row for preset in PRESETS for row in size_rows(peers, rounds, preset)]


def size_rows(peers: str, rounds: int, preset: str) -> list[Row]:
    """Measure one size, with the batches of `tests.bench.train`."""
    size = SIZES[preset]
    settings = {"batches": str(text_batches(size.tokens)), "preset": preset, "steps": size.steps}
    with (
        Worker(sys.executable, "ours_ranks", "step", before=mpiexec(), **settings) as ours,
        Worker(peers, "peers_ranks", "step", **settings) as peer,
    ):
        duel = alternate(ours.run, peer.run, rounds)
    return [_speed(preset, duel), _travel(preset, duel)]


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


def _travel(preset: str, duel: Duel) -> Row:
    share = statistics.median(run.result["travelling"] / run.seconds for run in duel.ours)
    most = _MOST.get(preset)
    return Row(
        f"share of a step for gradients and weights on their way, {preset}",
        f"{share:.1%}",
        "–",
        "",
        f"at most {most:.0%}" if most else "–",
        most is None or share <= most,
    )
