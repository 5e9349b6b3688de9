"""What is known of the workers while they work: for the progress line, and for who looks after."""

import statistics
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tokpipe.foundation.progress import Progress

_LATE = 4.0  # times the usual duration: an item that takes longer is a straggler
_LEAST_LATE = 5.0  # seconds: below it nobody minds
_REMEMBERED = 64  # durations of which the usual one is the median


@dataclass(eq=False)
class Crew:
    """The workers, and the items that they have; any thread may tell and ask."""

    workers: set[str] = field(default_factory=set)  # addresses
    waiting: dict[str, float] = field(default_factory=dict)  # key of an item -> since when
    done: int = 0  # items
    lost_workers: int = 0
    lost_items: int = 0  # that were with lost workers, and are done again
    _seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _alone_since: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def met(self, workers: Iterable[str]) -> None:
        """Take in who is there."""
        with self._lock:
            self.workers.update(workers)
            self._alone_since = None if self.workers else time.monotonic()

    def told(self, event: tuple[float, Any]) -> None:
        """Take in what the scheduler says of its workers; it says other things as well."""
        found = event[1]
        action = found.get("action") if isinstance(found, dict) else None
        if action == "add-worker":
            self.met([found["worker"]])
        elif action == "remove-worker":
            with self._lock:
                self._lose(found)

    def _lose(self, found: dict[str, Any]) -> None:
        self.workers.discard(found["worker"])
        self._alone_since = self._alone_since if self.workers else time.monotonic()
        items = {*found["processing-tasks"], *found["lost-computed-tasks"]}
        if not found["expected"]:
            self.lost_workers += 1
            self.lost_items += len(items & self.waiting.keys())

    def begun(self, key: str) -> None:
        """Take in that an item was handed over."""
        with self._lock:
            self.waiting[key] = time.monotonic()

    def ended(self, key: str, seconds: float) -> None:
        """Take in that an item was done, and took so long."""
        with self._lock:
            self.waiting.pop(key, None)
            self.done += 1
            self._seconds.append(seconds)

    def left(self, keys: Iterable[str]) -> None:
        """Take in that some items are not waited for any more."""
        with self._lock:
            for key in keys:
                self.waiting.pop(key, None)

    @property
    def alone(self) -> float:
        """Seconds since the last worker was lost."""
        with self._lock:
            return 0.0 if self._alone_since is None else time.monotonic() - self._alone_since

    @property
    def stragglers(self) -> int:
        """How many items take far longer than usual, the time in which they wait included."""
        with self._lock:
            if not self._seconds or not self.workers:
                return 0
            ahead = max(1.0, len(self.waiting) / len(self.workers))
            limit = max(_LEAST_LATE, _LATE * ahead * statistics.median(self._seconds))
            now = time.monotonic()
            return sum(now - since > limit for since in self.waiting.values())


def tell_of_lost(crew: Crew, progress: Progress) -> None:
    """Say how many workers were lost, and what that has cost."""
    if crew.lost_workers:
        progress.note(
            f"workers lost: {crew.lost_workers}; items that were done again: {crew.lost_items}"
        )
