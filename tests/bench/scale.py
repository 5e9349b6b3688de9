"""What it takes to outgrow one machine: a model of cost from a few rates, checked and told.

``python -m tests.bench.scale`` measures the rates with one process, says what two and four should
take on this machine, measures that, and tells what a terabyte of text and a BERT-base on 64 cores
would take. With ``--write`` the tables of `scale.md` are made anew.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench import corpus
from tests.bench.batches import text_batches
from tests.bench.harness import Worker
from tests.bench.process_tree import TreeRun, run_tree
from tests.bench.ranks import mpiexec
from tests.bench.report import machine, with_table
from tests.bench.train import SIZES
from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import parameter_table
from tokpipe.foundation.sizes import format_bytes, plural
from tokpipe.foundation.threads import usable_cpus

PAGE = Path(__file__).parent / "scale.md"
WORKERS = (1, 2, 4)
_TERABYTE, _CORES, _NODE_CORES = 10**12, 64, 16
_NETWORK = 1.25e9  # bytes a second of the network that is told of: 10 Gbit/s
_PRESET, _FAR = "small", "base"
_STEPS = 1_000_000  # of BERT
_BATCH = 131_072  # tokens of a step of base, as BERT's; a step of 1,024 would only travel
_CHECKED = (
    "| work | the model says | measured | CPU of all | memory of all | of the coordinator |",
    "|---|---|---|---|---|---|",
)
_TOLD = ("| work | time | memory of each role |", "|---|---|---|")
_JOBS = {
    "count-words": ("count-words", "{text}", "-o", "{out}"),
    "build-shards": ("build-shards", "{text}", "-t", "{tokenizer}", "-o", "{out}"),
}


@dataclass(frozen=True)
class Rates:
    """What one process does: seconds to start, and bytes of text a second after that."""

    start: float
    speed: float

    def seconds(self, size: int, cores: int) -> float:
        """Say how long so many cores take."""
        return self.start + size / (self.speed * cores)


def main() -> int:
    """Measure, and print or write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew scale.md")
    parser.add_argument(
        "--text", type=Path, default=None, help="what is counted, by default 100 MB"
    )
    options = parser.parse_args()
    checked, told = tables(options.text or corpus.text_file())
    print(checked, told, sep="\n\n")
    if options.write:
        page = with_table(PAGE.read_text(encoding="utf-8"), "scale-checked", checked)
        PAGE.write_text(with_table(page, "scale-told", told), encoding="utf-8")
    return 0


def tables(text: Path) -> tuple[str, str]:
    """Measure everything; return what was checked, and what is told, as tables."""
    size, cores = text.stat().st_size, usable_cpus()
    with tempfile.TemporaryDirectory(prefix="tokpipe-scale-") as place:
        little = Path(place) / "little.txt"
        little.write_bytes(text.read_bytes()[:100_000].rsplit(b"\n", 1)[0] + b"\n")
        runs = {name: _spread(name, text, Path(place)) for name in _JOBS}
        starts = {name: _run(name, little, 1, Path(place)).seconds for name in _JOBS}
    rates = {
        name: Rates(starts[name], size / max(1e-3, found[1].seconds - starts[name]))
        for name, found in runs.items()
    }
    steps = {ranks: _step(_PRESET, ranks) for ranks in WORKERS}
    far, late = _step(_FAR, 1), _step(_PRESET, 2, early=False)
    rows = [row for name in _JOBS for row in _checked(name, size, rates[name], runs[name], cores)]
    checked = [*_CHECKED, *rows, *_checked_steps(steps, cores)]
    measured = f"\n\n{format_bytes(size)} of text, measured on {machine()}; start and rate"
    told = [*_TOLD, *_told(rates, runs), *_told_steps(far, late)]
    return "\n".join(checked) + f"{measured} are those of one worker.", "\n".join(told)


def _spread(name: str, text: Path, place: Path) -> dict[int, TreeRun]:
    return {workers: _run(name, text, workers, place) for workers in WORKERS}


def _run(name: str, text: Path, workers: int, place: Path) -> TreeRun:
    tokenizer, out = corpus.bert_special_tokenizer(), place / f"{name}-{workers}-{text.stem}"
    words = [one.format(text=text, out=out, tokenizer=tokenizer) for one in _JOBS[name]]
    engine = ("--engine", "dask", "--workers", str(workers), "--quiet")
    return run_tree([sys.executable, "-m", "tokpipe", *words, *engine])


def _step(preset: str, ranks: int, *, early: bool = True) -> dict[str, float]:
    """Return seconds, tokens and seconds of waiting of some steps, by so many processes.

    They wait as long as gradients and weights travel, if nothing of it is sent early.
    """
    size = SIZES[preset]
    settings = {"batches": str(text_batches(size.tokens)), "preset": preset, "steps": size.steps}
    settings |= {"early": early, "shards": WORKERS[-1]}
    with Worker(sys.executable, "ours_ranks", "step", before=mpiexec(ranks), **settings) as ours:
        ours.run()
        runs = sorted((ours.run() for _ in range(3)), key=lambda run: run.seconds)
    return {"seconds": runs[1].seconds, **runs[1].result}


def _checked(name: str, size: int, rates: Rates, runs: dict[int, TreeRun], cores: int) -> list[str]:
    rows = []
    for workers, run in runs.items():
        said = rates.seconds(size, min(workers, cores))
        rows.append(
            f"| {name}, {plural(workers, 'worker')} | {said:.1f} s | {run.seconds:.1f} s | "
            f"{run.cpu_seconds:.1f} s | {format_bytes(run.peak)} | {format_bytes(run.first_peak)} |"
        )
    return rows


def _checked_steps(steps: dict[int, dict[str, float]], cores: int) -> list[str]:
    alone = steps[1]["seconds"] / steps[1]["tokens"]
    rows = []
    for ranks, found in steps.items():
        waits = found["waited"] if ranks > 1 else 0.0
        said = alone * found["tokens"] / min(ranks, cores) + waits
        rows.append(
            f"| pretrain {_PRESET}, {plural(ranks, 'rank')} | {said:.2f} s | "
            f"{found['seconds']:.2f} s | {waits:.2f} s of waiting for others' values | | |"
        )
    return rows


def _told(rates: dict[str, Rates], runs: dict[str, dict[int, TreeRun]]) -> list[str]:
    rows = []
    for name, rate in rates.items():
        hours, run = rate.seconds(_TERABYTE, _CORES) / 3600, runs[name][2]
        each = (run.peak - run.first_peak) // 2
        rows.append(
            f"| {name}, 1 TB, {_CORES} workers | {hours:.1f} h | coordinator "
            f"{format_bytes(run.first_peak)}, a worker {format_bytes(each)} |"
        )
    return rows


def _told_steps(far: dict[str, float], late: dict[str, float]) -> list[str]:
    """Tell a step of base on machines that share it, a rank each."""
    weights = _weights(_FAR)
    machines = _CORES // _NODE_CORES
    compute = far["seconds"] / far["tokens"] * _BATCH / _CORES
    travel = 2 * weights * (machines - 1) / machines / _NETWORK
    here = _weights(_PRESET) * SIZES[_PRESET].steps
    speed = here / max(1e-9, late["waited"])
    step, work = compute + travel, f"{_BATCH:,} tokens a step, {machines} machines of"
    days = step * _STEPS / 86_400
    share = f"at most {travel / step:.1%} of it travel"
    time = f"{step:.1f} s a step, {share}; {days:,.0f} days for {_STEPS:,}"
    held, moments = (1 + _NODE_CORES) * weights, 2 * weights // machines
    return [
        f"| pretrain {_FAR}, {work} {_NODE_CORES} cores | {time} steps | weights and gradients "
        f"{format_bytes(held)} a machine, moments {format_bytes(moments)} |",
        f"| gradients and weights between two processes here | {format_bytes(int(speed))}/s | |",
    ]


def _weights(preset: str) -> int:
    """Return the bytes of all weights."""
    table = parameter_table(BertConfig.preset(preset))
    return 4 * max(slot.end for slot in table.values())


if __name__ == "__main__":
    raise SystemExit(main())
