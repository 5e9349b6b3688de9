"""Work items: handed out a few ahead of each worker, and the small results as they come.

What reaches a worker is a function of a module and one item; what comes back is small: names of
files, sizes, facts. Memory here therefore does not grow with the work. An item may be done twice,
where a worker was lost or only believed to be: its result must be the same, and put in its place
whole or not at all.
"""

import secrets
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from tokpipe.engines.dask.cluster import Cluster, answered, lost
from tokpipe.engines.facts import own_facts, require_same_facts
from tokpipe.foundation.errors import ClusterError, TokpipeError
from tokpipe.foundation.pages import keep_freed_memory

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2  # items at a worker: one that it does, one that it goes on with
_EARLY = 8  # results a worker that may wait for an earlier item, where order is asked for
_POLL_SECONDS = 0.1  # how long a signal or a lost scheduler may go unnoticed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker sends back."""

    worker: str
    seconds: float
    result: Any = None
    error: Exception | None = None


def run_items(
    cluster: Cluster, function: Callable[[T], R], items: Iterable[T], *, ordered: bool = False
) -> Generator[R, None, None]:
    """Yield ``function(item)`` of each item, done by the workers of a cluster.

    Parameters
    ----------
    function
        Of a module: workers import it. It must give the same result when it is called again.
    items
        Drawn as they are handed out, two a worker ahead.
    ordered
        Whether results come in the order of the items; else as they are done.

    Raises
    ------
    Exception
        The error at the first item that has one: what was drawn before it is finished, and
        yielded.
    ClusterError
        If the scheduler or all workers are lost, a worker is of another version, or an item was
        lost with its worker again and again.
    """
    window, failed = _Window(cluster, function), dict[int, Exception]()
    early, place, numbered = dict[int, Any](), 0, _numbered(items, failed)
    try:
        while True:
            window.fill(numbered, len(early))
            if not window.sent or (failed and min(window.sent.values()) > min(failed)):
                break
            for number, outcome in window.take():
                if outcome.error is not None:
                    failed[number] = outcome.error
                elif ordered:
                    early[number] = outcome.result
                else:
                    yield outcome.result
            while place in early:
                yield early.pop(place)
                place += 1
    finally:
        window.close()
    if failed:
        raise failed[min(failed)]


def _numbered(
    items: Iterable[T], failed: dict[int, Exception]
) -> Generator[tuple[int, T], None, None]:
    """Yield items with their numbers until one fails; what cannot be drawn fails in its place."""
    number = 0
    try:
        for item in items:
            if failed:
                return
            yield number, item
            number += 1
    except Exception as error:
        failed[number] = error


class _Window:
    """The items that are at the workers."""

    def __init__(self, cluster: Cluster, function: Callable[[Any], Any]) -> None:
        self._cluster, self._function = cluster, function
        self._name, self._facts = secrets.token_hex(4), own_facts()
        self._futures: dict[str, Any] = {}
        self._ready: SimpleQueue[Any] = SimpleQueue()
        self.sent: dict[str, int] = {}  # key -> number of the item

    def fill(self, numbered: Generator[tuple[int, Any], None, None], early: int) -> None:
        """Hand out items while there is room for them."""
        workers = max(1, len(self._cluster.crew.workers))
        while len(self.sent) < _AHEAD * workers and len(self.sent) + early < _EARLY * workers:
            found = next(numbered, None)
            if found is None:
                return
            self._send(*found)

    def _send(self, number: int, item: Any) -> None:
        key = f"tokpipe-{self._name}-{number}"
        self.sent[key] = number
        self._cluster.crew.begun(key)
        with answered(self._cluster.address):
            future = self._cluster.client.submit(
                _done, self._facts, self._function, item, key=key, pure=False
            )
        self._futures[key] = future
        future.add_done_callback(self._ready.put)

    def take(self) -> list[tuple[int, Outcome]]:
        """Return what has come in, with numbers of items; wait a moment where nothing has."""
        self._cluster.check()
        ready: list[Any] = []
        try:
            ready.append(self._ready.get(timeout=_POLL_SECONDS))
            while True:
                ready.append(self._ready.get_nowait())
        except Empty:
            pass
        return self._received([future for future in ready if future.key in self.sent])

    def _received(self, ready: list[Any]) -> list[tuple[int, Outcome]]:
        whole = [future for future in ready if future.status == "finished"]
        with answered(self._cluster.address):
            outcomes = self._cluster.client.gather(whole) if whole else []
        found = dict(zip((future.key for future in whole), outcomes, strict=True))
        taken = []
        for future in ready:
            outcome = found.get(future.key) or self._broken(future)
            self._cluster.crew.ended(future.key, outcome.seconds)
            del self._futures[future.key]
            taken.append((self.sent.pop(future.key), outcome))
        return taken

    def _broken(self, future: Any) -> Outcome:
        """Say why Dask has no result of an item: our own errors come as results."""
        self._cluster.check()
        if future.status != "error":
            raise lost(self._cluster.address)  # it knows nothing of the item: it began anew
        with answered(self._cluster.address):
            error = future.exception()
        return Outcome("", 0.0, error=_of_dask(error))

    def close(self) -> None:
        """Let go of all items: what no worker has begun is not done any more."""
        self._cluster.crew.left(self.sent)
        for future in self._futures.values():
            future.release()
        self._futures.clear()


def _of_dask(error: Any) -> ClusterError:
    if type(error).__name__ == "KilledWorker":
        last = error.last_worker.address
        return ClusterError(
            f"an item was lost with its worker again and again, the last time with {last}",
            hint="Has it too little memory? What is finished is kept: the same command goes on.",
        )
    return ClusterError(f"a worker cannot do its item: {type(error).__name__}: {error}")


def _done(facts: Mapping[str, str], function: Callable[[T], R], item: T) -> Outcome:
    """Do an item, on a worker; an error is a result, so that Dask neither prints nor repeats it."""
    from distributed import get_worker

    start, worker = time.monotonic(), get_worker().address
    _keep_freed_memory_once()
    try:
        require_same_facts(facts, own_facts(), worker)
        return Outcome(worker, time.monotonic() - start, function(item))
    except Exception as error:
        return Outcome(worker, time.monotonic() - start, error=_portable(error, worker))


@cache
def _keep_freed_memory_once() -> None:
    keep_freed_memory()


def _portable(error: Exception, worker: str) -> Exception:
    """Return an error that every process can read: ours and the system's as they are."""
    if isinstance(error, TokpipeError | MemoryError):
        return error.with_traceback(None)
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(error.errno, error.strerror or "", error.filename)
    told = RuntimeError(f"{type(error).__name__}: {error}")
    told.add_note(f"on worker {worker}:\n{''.join(traceback.format_exception(error))}")
    return told
