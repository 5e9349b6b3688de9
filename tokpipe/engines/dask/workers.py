"""A look at every worker of a cluster, for `tokpipe doctor`: is it ready for work of ours."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tokpipe.engines.dask.cluster import Cluster, answered
from tokpipe.engines.dask.seen import look, probed
from tokpipe.engines.facts import differences, own_facts
from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.memory import machine_memory
from tokpipe.foundation.shared_files import size_of

_MOST_SKEW = 1.0  # seconds that a clock may be ahead or behind, past what the asking takes


@dataclass(frozen=True, kw_only=True)
class Worker:
    """What is known of one worker."""

    address: str
    facts: Mapping[str, str]  # versions, and what kernels are made of
    free_memory: int | None  # bytes
    skew: float | None  # seconds that its clock is ahead of ours
    problems: tuple[str, ...]  # what would make work fail, or have other results


def look_at_workers(cluster: Cluster, folder: Path) -> list[Worker]:
    """Look at all workers of a cluster, and whether they see a folder; by their addresses.

    Raises
    ------
    ClusterError
        If the scheduler does not answer.
    StorageError
        If nothing can be written into the folder from here.
    """
    told = cluster.on_each(_told)
    clocks = _clocks(cluster)
    with probed(folder) as probe:
        seen = cluster.on_each(look, str(probe), [])
        answers = {worker: _answer(probe, found) for worker, found in seen.items()}
    mine = {**own_facts(), "distributed": version("distributed")}
    return [
        _worker(worker, found, mine, clocks.get(worker), answers.get(worker, "no answer"))
        for worker, found in told.items()
    ]


def scheduler_problems(cluster: Cluster) -> list[str]:
    """Return what differs between the scheduler and this process: it runs nothing of ours."""
    with answered(cluster.address):
        found = cluster.client.get_versions(check=False)
    packages = (found.get("scheduler") or {}).get("packages", {})
    theirs, mine = packages.get("distributed"), version("distributed")
    return [] if theirs in (None, mine) else [f"distributed {theirs}, here {mine}"]


def _told() -> tuple[dict[str, str], int | None]:
    """Say, on a worker, what it is."""
    memory = machine_memory()
    facts = {**own_facts(), "distributed": version("distributed")}
    return facts, None if memory is None else memory.free


def _clocks(cluster: Cluster) -> dict[str, tuple[float, float]]:
    """Return by how many seconds each clock is ahead, and how far that may be off."""
    start = time.time()
    found = cluster.on_each(time.time)
    end = time.time()
    middle, slack = (start + end) / 2, (end - start) / 2
    return {w: (at - middle, slack) for w, at in found.items() if isinstance(at, float)}


def _answer(probe: Path, found: Any) -> str:
    """Return what is wrong with how a worker sees the folder, or nothing."""
    if isinstance(found, TokpipeError):
        return found.problem
    if isinstance(found, BaseException):
        return f"{type(found).__name__}: {found}"
    seen = size_of(probe.with_name(found)) is not None
    return "" if seen else f"what it writes to {probe.parent} is not seen here"


def _worker(
    address: str,
    told: Any,
    mine: Mapping[str, str],
    clock: tuple[float, float] | None,
    folder: str,
) -> Worker:
    if isinstance(told, BaseException):
        problem = f"cannot run this tokpipe: {type(told).__name__}: {told}"
        return Worker(address=address, facts={}, free_memory=None, skew=None, problems=(problem,))
    facts, free = told
    problems = [*differences(mine, facts), *filter(None, [folder])]
    if clock is not None and abs(clock[0]) > _MOST_SKEW + clock[1]:
        side = "ahead of" if clock[0] > 0 else "behind"
        problems.append(f"its clock is {abs(clock[0]):.1f} s {side} ours")
    return Worker(
        address=address,
        facts=facts,
        free_memory=free,
        skew=None if clock is None else clock[0],
        problems=tuple(problems),
    )
