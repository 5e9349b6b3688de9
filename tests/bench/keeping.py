"""Figures that are kept as soon as they are made: evenings and machines add up to a table.

For what follows from its settings alone, as a loss does and a time does not: it is made once, by
whichever run comes to it first, beside whatever else the machine does.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from tokpipe.foundation.threads import usable_cpus

_WRITING = Lock()
Figures = Mapping[str, Any]
T = TypeVar("T")


def kept(store: Path, key: Sequence[Any], make: Callable[[], Figures]) -> Figures:
    """Return what the store holds for a key; make and store it if it holds nothing."""
    found = figures_of(store, key)
    if found is None:
        found = make()
        keep(store, key, found)
    return found


def figures_of(store: Path, key: Sequence[Any]) -> Figures | None:
    """Return what the store holds for a key, if it holds anything."""
    return _stored(store).get(_name(key))


def keep(store: Path, key: Sequence[Any], figures: Figures) -> None:
    """Put figures into the store, and say so."""
    with _WRITING:
        print(_name(key), json.dumps(figures), file=sys.stderr, flush=True)
        half = store.with_suffix(".half")
        half.write_text(json.dumps({**_stored(store), _name(key): figures}, indent=1) + "\n")
        half.replace(store)


def side_by_side(jobs: Iterable[Callable[[], T]]) -> list[T]:
    """Do each job once, as many at a time as there are processors; return what they returned.

    One that fails keeps no other from being done; its error is raised in the end.
    """
    pool = ThreadPoolExecutor(usable_cpus())
    try:
        asked = [pool.submit(job) for job in jobs]
        wait(asked)
        return [one.result() for one in asked]
    finally:
        pool.shutdown(cancel_futures=True)


def _stored(store: Path) -> dict[str, Figures]:
    return json.loads(store.read_text()) if store.exists() else {}


def _name(key: Sequence[Any]) -> str:
    return json.dumps(key, sort_keys=True)
