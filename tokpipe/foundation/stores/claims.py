"""One writer of a folder in a store: an object in it says who writes, until the folder is whole.

A store knows no locks, so a writer that was killed leaves the claim. On the same machine its
process is found dead; on another one it gives no sign of life any more, which a living one does by
writing its claim anew. Then the same command goes on. What a claim stands beside, and no manifest,
is unfinished, and may be replaced.
"""

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from tokpipe.foundation.addresses import Address
from tokpipe.foundation.errors import StorageError, StoreError
from tokpipe.foundation.stores.backends import backend_of
from tokpipe.foundation.stores.objects import StoreObject
from tokpipe.foundation.stores.places import temporary_place

CLAIM = ".tokpipe-writer.json"

_MOST = 4096  # bytes of a claim
_BEAT_SECONDS = 5.0  # between two signs of life
_DEAD_SECONDS = 30.0  # without one: whoever has not had the store for so long, writes no more
_LAST_SECONDS = 2.0  # for a sign of life that is on its way when the work ends


@contextmanager
def claimed(
    address: Address, *, force: bool, is_whole: Callable[[], bool]
) -> Generator[Callable[[], None], None, None]:
    """Claim a folder of a store while the block runs; yield what refuses if the claim was lost.

    `is_whole` says whether what is there needs no claim: then it goes also after an error.

    Raises
    ------
    StorageError
        If a living process, or one of another machine, has claimed it.
    """
    place, store = address / CLAIM, backend_of(address.scheme)
    holder = _holder(place)
    if holder and not force and _may_live(holder, place):
        raise _taken(address, holder)
    mine = {
        "pid": os.getpid(),
        "host": os.uname().nodename,
        "start": time.strftime("%Y-%m-%d %H:%M:%S"),
        "id": secrets.token_hex(8),
        "beat": 0,
    }

    def is_mine() -> bool:
        return (_holder(place) or {}).get("id") == mine["id"]

    def check() -> None:
        if not is_mine():
            raise _taken(address, _holder(place) or {})

    _put(place, mine)
    check()
    try:
        with _signs_of_life(place, mine, is_mine):
            yield check
    except BaseException:
        with suppress(StoreError):
            if is_mine() and is_whole():
                store.remove(place)
        raise
    store.remove(place)


@contextmanager
def _signs_of_life(
    place: Address, mine: dict[str, Any], is_mine: Callable[[], bool]
) -> Generator[None, None, None]:
    """Write the claim anew, again and again, as long as the block runs and it is ours."""
    ended = threading.Event()

    def beat() -> None:
        for number in count(1):
            if ended.wait(_BEAT_SECONDS):
                return
            with suppress(StoreError, StorageError):
                if not is_mine():
                    return
                _put(place, {**mine, "beat": number})

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_LAST_SECONDS)  # a claim that is written behind its end would stay


def _put(place: Address, content: dict[str, Any]) -> None:
    with temporary_place(place) as path:
        path.write_text(json.dumps(content))
        backend_of(place.scheme).put(path, place)


def _holder(place: Address) -> dict[str, Any] | None:
    """Return what a claim says, which its writer may write anew or remove at any moment."""
    store = backend_of(place.scheme)
    while (entry := store.entry(place)) is not None:
        try:
            found = json.loads(StoreObject(place, entry.size, entry.version).head(_MOST))
            return found if isinstance(found, dict) else {}
        except (ValueError, RecursionError):
            return {}
        except StoreError:
            if store.entry(place) == entry:
                raise
    return None


def _may_live(holder: dict[str, Any], place: Address) -> bool:
    pid = holder.get("pid")
    if holder.get("host") != os.uname().nodename or not isinstance(pid, int):
        return "beat" not in holder or _gives_signs_of_life(holder, place)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid != os.getpid()


def _gives_signs_of_life(holder: dict[str, Any], place: Address) -> bool:
    """Watch a claim for a while: no clock of another machine tells how old it is."""
    limit = time.monotonic() + _DEAD_SECONDS
    while time.monotonic() < limit:
        time.sleep(_BEAT_SECONDS / 5)
        found = _holder(place)
        if found != holder:
            return found is not None
    return False


def _taken(address: Address, holder: dict[str, Any]) -> StorageError:
    who = "another process"
    if {"pid", "host", "start"} <= holder.keys():
        who = f"process {holder['pid']} on {holder['host']} since {holder['start']}"
    return StorageError(
        f"{address} is being written by {who}",
        hint="Wait until it ends, or choose another place to write to; if it was killed, --force "
        "starts over.",
    )
