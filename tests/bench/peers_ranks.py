"""The peers' side of training by two processes: DistributedDataParallel over gloo, fp32."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import cycle
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

_PROCESSES = 2
_GOES_ON, _ENDS = 1, 0


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def step(batches: str, preset: str, steps: int) -> Callable:
    """Make steps over padded batches, one thread a process, the head at masked places only."""
    place = tempfile.mkdtemp()
    other = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.peers_ranks", place, batches, preset, str(steps)]
    )
    work = _joined(0, place, batches, preset, steps)

    def run() -> dict[str, float]:
        assert other.poll() is None
        _told(_GOES_ON)
        return {"tokens": work()}

    return run


def _joined(rank: int, place: str, batches: str, preset: str, steps: int) -> Callable[[], int]:
    """Become one of the processes; return what makes some steps and counts all tokens of them."""
    import torch
    import torch.distributed as distributed

    from tests.bench.peers_train import _trainer

    distributed.init_process_group(
        "gloo", init_method=f"file://{place}/meeting", rank=rank, world_size=_PROCESSES
    )
    torch.manual_seed(0)
    one = _trainer(preset, 30_522, True, 1e-4, wrapped=_shared, threads=1)
    endless = cycle(_batches(batches, rank))

    def work() -> int:
        tokens = 0
        for _ in range(steps):
            batch, size = next(endless)
            one(batch)
            tokens += size
        return tokens

    return work


def _shared(module: Any) -> Any:
    from torch.nn.parallel import DistributedDataParallel

    return DistributedDataParallel(module)


def _batches(path: str, rank: int) -> list[tuple[dict, int]]:
    """Return this process's half of each batch, and the tokens of the whole."""
    import numpy as np

    from tests.bench.peers_train import _padded

    with np.load(path) as stored:
        count = len({name.split(".")[1] for name in stored.files})
        names = {name.split(".")[0] for name in stored.files}
        packed = [{name: stored[f"{name}.{i}"] for name in names} for i in range(count)]
    made = []
    for batch in packed:
        order = np.argsort(-np.diff(batch["offsets"]), kind="stable")
        padded = _padded(batch)
        half = {name: tensor[np.sort(order[rank::_PROCESSES])] for name, tensor in padded.items()}
        width = int(half["attention_mask"].sum(1).max())
        cut = {name: t[:, :width] if t.ndim == 2 else t for name, t in half.items()}
        made.append((cut, len(batch["input_ids"])))
    return made


def _told(word: int = _ENDS) -> int:
    """Say a word to the other process, or hear it."""
    import torch
    import torch.distributed as distributed

    said = torch.tensor([word])
    distributed.broadcast(said, 0)
    return int(said)


def _other() -> None:
    place, batches, preset, steps = sys.argv[1:]
    work = _joined(1, place, batches, preset, int(steps))
    while _told() == _GOES_ON:
        work()


if __name__ == "__main__":
    _other()
