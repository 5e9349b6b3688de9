"""Threads over a shared feed: kernels run without the GIL, and Ctrl-C is answered at once."""

import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError

T = TypeVar("T")
R = TypeVar("R")

_LAST_SECONDS = 1.0  # how long threads may finish after Ctrl-C; one may wait for input for ever
_MOST_THREADS = 64  # on small machines, where they only show that results do not depend on them
_POLL_SECONDS = 0.05  # how long a signal may wait for the main thread to wake up


class _Result(Generic[R]):
    """What a call comes to, for whoever waits; `concurrent.futures` takes 3 ms to import."""

    def __init__(self) -> None:
        self._value: list[R] = []
        self._error: BaseException | None = None
        self._is_there = threading.Event()

    def settle(self, call: Callable[[], R]) -> None:
        """Make the call, and keep what comes of it."""
        try:
            self._value.append(call())
        except BaseException as error:
            is_main = threading.current_thread() is threading.main_thread()
            if isinstance(error, KeyboardInterrupt) and is_main:
                raise  # no error of the call's, where it is made at once
            self._error = error
        self._is_there.set()

    def get(self) -> R:
        """Wait for what comes of it: a value, or an error, which is raised."""
        self._is_there.wait()
        if self._error is not None:
            raise self._error
        return self._value[0]


class Feed(Generic[T]):
    """An iterator that several threads may draw from; each item goes to one of them."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self._lock = threading.Lock()
        self._closed = False
        self._drawn = 0
        self._of_thread = threading.local()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._lock:
            if self._closed:
                raise StopIteration
            self._of_thread.place = self._drawn
            self._drawn += 1
            return next(self._items)

    @property
    def place(self) -> int:
        """The number of the item that the calling thread drew last, from 0; -1 before the first."""
        return getattr(self._of_thread, "place", -1)

    @property
    def closed(self) -> bool:
        """Whether the feed was ended early: by an error, or a signal."""
        return self._closed

    def close(self) -> None:
        """End the feed early: every thread finishes the item that it has, and stops."""
        self._closed = True


def run_in_threads(
    work: Callable[[Feed[T]], R], items: Iterable[T], threads: int | None = None
) -> list[R]:
    """Run `work` once in each of several threads over one shared feed of items.

    Items are drawn one at a time; `work` draws until the feed ends. None takes a thread a usable
    processor. Which thread gets which item is chance: the result of the whole must not depend on
    it, nor on the order of the results, one a thread.

    Raises
    ------
    BaseException
        The error at the first item that has one, after all threads have stopped: what was drawn
        before an item is always finished, so it is the same error for any number of threads.
    """
    feed, results = Feed(items), []
    errors: list[tuple[int, BaseException]] = []

    def run() -> None:
        try:
            results.append(work(feed))
        except BaseException as error:
            errors.append((feed.place, error))
            feed.close()

    workers: list[threading.Thread] = []
    try:
        most = len(items) if isinstance(items, Sized) else thread_count(threads)
        _start(run, max(1, min(most, thread_count(threads))), workers)
        if not workers:
            run()
        while any(worker.is_alive() for worker in workers):
            for worker in workers:
                worker.join(_POLL_SECONDS)
    except BaseException:
        feed.close()
        patience = time.monotonic() + _LAST_SECONDS
        for worker in workers:
            worker.join(max(0.0, patience - time.monotonic()))
        raise
    if errors:
        raise min(errors, key=lambda found: found[0])[1]
    return results


def map_ordered(
    function: Callable[[T], R], items: Iterable[T], threads: int | None = None
) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in their order, computed by several threads.

    Items are drawn by the caller's thread, at most two a thread ahead of what was yielded, so that
    memory is bounded whatever the caller does with the results. Where the system allows no thread,
    the caller's does the work.
    """
    most, workers = thread_count(threads), []
    jobs: SimpleQueue[tuple[_Result[R], T] | None] = SimpleQueue()
    is_finalizing = sys.is_finalizing  # at hand when a generator left open is closed at exit
    waiting: deque[_Result[R]] = deque()

    def run() -> None:
        while (job := jobs.get()) is not None:
            job[0].settle(partial(function, job[1]))
            del job  # what it holds may be large

    try:
        for item in items:
            result: _Result[R] = _Result()
            if len(workers) < most and not _start(run, 1, workers):
                most = len(workers)  # the system allows no more
            if workers:
                jobs.put((result, item))
            else:
                result.settle(partial(function, item))
            waiting.append(result)
            if len(waiting) > 2 * most:
                yield waiting.popleft().get()
        while waiting:
            yield waiting.popleft().get()
    finally:
        if not is_finalizing():  # then the modules that this needs may be empty already
            _end(jobs, len(workers))


def _end(jobs: "SimpleQueue[Any]", workers: int) -> None:
    """Take back what nobody has begun, and send the workers home."""
    with suppress(Empty):
        while True:
            jobs.get_nowait()
    for _ in range(workers):
        jobs.put(None)


def in_background(function: Callable[[], R]) -> Callable[[], R]:
    """Begin a call in a thread of its own; return a function that waits for its result.

    An error is raised there. Nobody waits for a thread whose result is not asked for. Where the
    system allows no further thread, the call is made at once.
    """
    result: _Result[R] = _Result()

    def run() -> None:
        result.settle(function)

    if not _start(run, 1, []):
        run()
    return result.get


def thread_count(asked: int | None) -> int:
    """Return how many threads to use: as many as asked, or one a usable processor for None.

    Never more than have any use: a million of them would be stacks and tables, and no gain. Fewer
    than one, or no whole number, is a `ConfigError`.
    """
    require("threads", asked, int)
    if asked is None:
        return usable_cpus()
    if asked < 1:
        raise ConfigError(
            f"threads: {asked}; allowed are 1 or more", hint="None takes one a usable processor."
        )
    return min(asked, max(_MOST_THREADS, 2 * usable_cpus()))


def usable_cpus() -> int:
    """Return how many processors this process may run on, container limits included."""
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(affine or 1, _container_cpus() or affine or 1))


def _start(run: Callable[[], None], threads: int, workers: list[threading.Thread]) -> bool:
    """Start threads and add them to the workers; return whether the system allowed all of them."""
    for _ in range(threads):
        worker = threading.Thread(target=run, daemon=True)
        try:
            worker.start()
        except RuntimeError:  # can't start new thread: a limit on processes or memory
            return False
        workers.append(worker)
    return True


def _container_cpus() -> int | None:
    """Return the processors that a control group grants, rounded up, or None without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None
