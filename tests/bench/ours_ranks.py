"""Our side of training by two processes: steps over given batches, each has a part of every one."""

import atexit
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from typing import Any

from tests.bench.ours_train import capacity_for, loaded_batches
from tokpipe.bert.config import BertConfig
from tokpipe.bert.encoder import nobody_waits
from tokpipe.bert.parameters import Parameters
from tokpipe.engines.mpi.joining import joined
from tokpipe.training.config import TrainingConfig
from tokpipe.training.trainer import Trainer


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def step(batches: str, preset: str, steps: int, early: bool = True, shards: int = 2) -> Callable:
    """Make steps, one thread a process; the result says how long they waited for others' values.

    That is what sending and receiving keeps the thread that computes from its work. Unless `early`,
    nothing is sent before a rank has gone back through all layers. Only the first process returns:
    the others work when it says so, and end with it.
    """
    stack, told = ExitStack(), {"seconds": 0.0}
    ranks: Any = stack.enter_context(joined(lambda error: (str(error), "", 1)))
    for name in ("begin", "finish", "share"):
        setattr(ranks, name, _timed(getattr(ranks, name), told))
    loaded, config = (
        loaded_batches(batches),
        TrainingConfig(learning_rate=1e-4, gradient_shards=shards),
    )
    first = Parameters.initialised(BertConfig.preset(preset), 0)
    trainer = Trainer(config, first, capacity_for(loaded), threads=1, ranks=ranks)
    if not early:
        trainer.optimizer.whole = nobody_waits
    endless = cycle(loaded)

    def work() -> dict[str, float]:
        tokens = told["seconds"] = 0
        for _ in range(steps):
            batch = next(endless)
            found = trainer.gradients([batch])
            trainer.optimizer.step(1e-4, found.grad_norm)
            tokens += len(batch.input_ids)
        return {"tokens": tokens, "waited": told["seconds"]}

    def run() -> dict[str, float]:
        ranks.first(lambda: True)
        return work()

    def end() -> None:
        ranks.first(lambda: False)
        stack.close()

    if ranks.rank == 0:
        atexit.register(end)
        return run
    while ranks.first(bool):
        work()
    stack.close()
    sys.exit()


def _timed(call: Callable[..., None], told: dict[str, float]) -> Callable[..., None]:
    def timed(*arguments: Any) -> None:
        start = time.perf_counter()
        call(*arguments)
        told["seconds"] += time.perf_counter() - start

    return timed
