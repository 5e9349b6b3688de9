"""One writer of a folder in a store: an object in it says who writes, until the folder is whole.

A store knows no locks, so a writer that was killed leaves the claim. On the same machine its
process is found dead, and the same command goes on; of another machine nobody knows. What a claim
stands beside, and no manifest, is unfinished, and may be replaced.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from tokpipe.foundation.addresses import Address
from tokpipe.foundation.errors import StorageError, StoreError
from tokpipe.foundation.stores.backends import backend_of
from tokpipe.foundation.stores.copies import object_at
from tokpipe.foundation.stores.places import temporary_place

CLAIM = ".tokpipe-writer.json"

_MOST = 4096  # bytes of a claim


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
    if holder and not force and _may_live(holder):
        raise _taken(address, holder)
    mine = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "start": time.strftime("%Y-%m-%d %H:%M:%S"),
        "id": secrets.token_hex(8),
    }

    def check() -> None:
        found = _holder(place)
        if found != mine:
            raise _taken(address, found or {})

    _put(place, mine)
    check()
    try:
        yield check
    except BaseException:
        with suppress(StoreError):
            if _holder(place) == mine and is_whole():
                store.remove(place)
        raise
    store.remove(place)


def _put(place: Address, content: dict[str, Any]) -> None:
    with temporary_place(place) as path:
        path.write_text(json.dumps(content))
        backend_of(place.scheme).put(path, place)


def _holder(place: Address) -> dict[str, Any] | None:
    if backend_of(place.scheme).entry(place) is None:
        return None
    try:
        found = json.loads(object_at(place).head(_MOST))
        return found if isinstance(found, dict) else {}
    except ValueError:
        return {}


def _may_live(holder: dict[str, Any]) -> bool:
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname() or not isinstance(pid, int):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return pid != os.getpid()


def _taken(address: Address, holder: dict[str, Any]) -> StorageError:
    who = "another process"
    if {"pid", "host", "start"} <= holder.keys():
        who = f"process {holder['pid']} on {holder['host']} since {holder['start']}"
    return StorageError(
        f"{address} is being written by {who}",
        hint="Wait until it ends, or choose another place to write to; if it was killed, --force "
        "starts over.",
    )
