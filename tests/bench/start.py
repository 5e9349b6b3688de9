"""How long a first command takes to begin, with machine code in the wheel and without.

And every time: a whole `train-vocab` beside the scripts that users of tokenizers and of gigabpe
write, where starting is most of the work, and where it is not.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench import corpus
from tests.bench.batches import text_shards
from tests.bench.harness import TREE, Duel, Run, alternate, command_run, lacks
from tests.bench.report import Row, skipped
from tokpipe.foundation.code_store import write_pack
from tokpipe.foundation.jit import levels, pack_path

_FIRST = 15.0, 2.0  # seconds of a first run, without code and with it
_WARM = {  # beside whose script: MB of text -> floor, times as fast; 1 MB has its own
    "tokenizers": {1: 0.0, 20: 6.0, 100: 15.0},
    "gigabpe": {20: 1.5, 100: 2.0},
}
_WARM_SECONDS = 0.5  # of all, for 1 MB
_POLL_SECONDS = 0.005


class _Start(NamedTuple):
    """One run of one step: seconds to that step, and seconds of all processors to the end."""

    to_first_step: float
    processor: float


def rows(peers: str, rounds: int) -> list[Row]:
    """Train vocabularies with whole commands: the first times, and warm ones."""
    with tempfile.TemporaryDirectory() as place:
        first = _first_runs(Path(place))
        warm = [
            _warm(Path(place), (peer, size, floor), peers, rounds)
            for peer, floors in _WARM.items()
            for size, floor in floors.items()
        ]
        return [*first, *warm]


def _first_runs(place: Path) -> list[Row]:
    """Run in an empty cache; then as if all that this compiled had come with the wheel."""
    tree = place / "installed"
    shutil.copytree(TREE / "tokpipe", tree / "tokpipe", ignore=shutil.ignore_patterns("*.pyc"))
    without = _first_run(place, tree, "without", _FIRST[0])
    (folder,) = (place / "cache-without/kernels").iterdir()
    write_pack(tree / "tokpipe/machine_code" / pack_path(levels()[0]).name, folder)
    return [without, _first_run(place, tree, "with", _FIRST[1])]


def _first_run(place: Path, tree: Path, name: str, floor: float) -> Row:
    cache = {"TOKPIPE_CACHE_DIR": str(place / f"cache-{name}"), "PYTHONPATH": str(tree)}
    seconds = command_run(_training(str(_text(place, 1)), place / name), cache).seconds
    work = f"the first train-vocab on a machine, 1 MB, {name} machine code in the wheel"
    return Row(work, f"{seconds:.1f} s", "–", "", f"{floor:g} s", seconds <= floor)


def _warm(place: Path, beside: tuple[str, int, float], peers: str, rounds: int) -> Row:
    peer, size, floor = beside
    work = f"train-vocab byte-bpe 30,000, whole command, {size} MB"
    if lacks(peers, peer):
        return skipped(work, f"Python script with {peer}", f"{floor:g}×")
    text = str(_text(place, size))
    script = Path(__file__).with_name(f"train_with_{peer}.py")
    theirs = [peers, str(script), text, str(place / "peer.json")]
    duel: Duel = alternate(lambda: _trained(text, place), lambda: command_run(theirs), rounds)
    ours, other = duel.seconds
    return Row(
        work,
        f"{ours:.2f} s",
        f"Python script with {peer} {other:.2f} s",
        f"{duel.ratio:.1f}×",
        f"{floor:g}×" if floor else f"{_WARM_SECONDS:g} s in all",
        duel.ratio >= floor and (bool(floor) or ours <= _WARM_SECONDS),
    )


def _trained(text: str, place: Path) -> Run:
    shutil.rmtree(place / "warm", ignore_errors=True)
    return command_run(_training(text, place / "warm"))


def _training(text: str, output: Path) -> list[str]:
    settings = ["--model", "byte-bpe", "--vocab-size", "30000", "-o", str(output)]
    # -P: the tree that PYTHONPATH names, not the one in the working folder
    return [sys.executable, "-P", "-m", "tokpipe", "train-vocab", text, *settings]


def _text(place: Path, size: int) -> Path:
    """Return so many MB of the text, cut at a line end."""
    path = place / f"{size}mb.txt"
    if not path.exists():
        with corpus.text_file().open("rb") as file:
            data = file.read(size * 1_000_000)
        path.write_bytes(data[: data.rindex(b"\n") + 1])
    return path


def pretrain_rows(rounds: int) -> list[Row]:
    """Begin to pretrain with no compiled kernels once, then with all."""
    shards = str(text_shards().folder)
    with tempfile.TemporaryDirectory() as place:
        cold = _start(shards, Path(place), "cold")
        warm = [_start(shards, Path(place), f"warm-{number}") for number in range(rounds)]
    processor = statistics.median(run.processor for run in warm)
    seconds = statistics.median(run.to_first_step for run in warm)
    compiling = cold.processor - processor
    return [
        Row(
            "compile the kernels of pretrain, processor time",
            f"{cold.processor:.1f} s",
            f"compiled before {processor:.1f} s",
            f"{compiling:.1f} s",
            "at most 15 s",
            compiling <= 15,
        ),
        Row(
            "start pretrain, kernels compiled, to the first step",
            f"{seconds:.2f} s",
            f"the first time {cold.to_first_step:.1f} s",
            f"{seconds:.2f} s",
            "at most 3 s",
            seconds <= 3,
        ),
    ]


def _start(shards: str, place: Path, name: str) -> _Start:
    """Make one step as a user would; kernels are kept in `place`."""
    run = place / name
    settings = ["--preset", "tiny", "--steps", "1", "--batch-tokens", "2048", "-o", str(run)]
    paths = {"PYTHONPATH": str(TREE), "TOKPIPE_CACHE_DIR": str(place / "cache")}
    environment = os.environ | paths
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # no installed command compiles its modules
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tokpipe", "pretrain", shards, *settings],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    log, seconds = run / "log.jsonl", None
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        if seconds is None and log.exists() and log.stat().st_size:
            seconds = time.perf_counter() - begin
        time.sleep(_POLL_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode or seconds is None:
        sys.exit(f"tokpipe pretrain ended with {process.returncode}")
    return _Start(seconds, ended[2].ru_utime + ended[2].ru_stime)
