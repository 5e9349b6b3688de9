"""Who writes a folder of a store: a living writer is respected, and a dead one is followed."""

import json
import socket
import threading
import time

import pytest

from tests.stores import free_of_secrets
from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.stores import claims
from tokpipe.foundation.stores.claims import claimed

OTHER = {"pid": 1, "host": "elsewhere", "start": "2026-01-01 00:00:00", "id": "ab", "beat": 3}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(claims, "_BEAT_SECONDS", 0.2)
    monkeypatch.setattr(claims, "_DEAD_SECONDS", 1.5)


def claim(store, **how):
    return claimed(address_of(f"{store}/out"), force=False, is_whole=lambda: True, **how)


def claim_in(store):
    found = store.get("out/.tokpipe-writer.json")
    return found and json.loads(found)


def test_a_writer_gives_signs_of_life_until_it_ends(store):
    with claim(store) as check:
        first = claim_in(store)
        limit = time.monotonic() + 20
        while claim_in(store)["beat"] < 2 and time.monotonic() < limit:
            time.sleep(0.05)
        assert claim_in(store) == {**first, "beat": claim_in(store)["beat"]}
        assert claim_in(store)["beat"] >= 2
        check()
    time.sleep(0.5)
    assert claim_in(store) is None and free_of_secrets(json.dumps(first))


def test_a_writer_of_another_machine_that_gives_none_is_followed(store):
    store.put("out/.tokpipe-writer.json", json.dumps(OTHER).encode())
    start = time.monotonic()
    with claim(store) as check:
        check()
        assert time.monotonic() - start >= 1.5 and claim_in(store)["host"] == socket.gethostname()
    assert claim_in(store) is None


@pytest.mark.parametrize("ends", [False, True])
def test_a_writer_of_another_machine_that_lives_is_respected_until_it_ends(store, ends):
    store.put("out/.tokpipe-writer.json", json.dumps(OTHER).encode())

    def live():
        time.sleep(0.5)
        if ends:
            store.remove("out/.tokpipe-writer.json")
        else:
            store.put("out/.tokpipe-writer.json", json.dumps({**OTHER, "beat": 4}).encode())

    thread = threading.Thread(target=live)
    thread.start()
    if ends:
        with claim(store):
            pass
    else:
        with pytest.raises(StorageError, match="process 1 on elsewhere since"), claim(store):
            pass
        assert claim_in(store)["beat"] == 4
    thread.join()


def test_a_writer_whose_claim_was_taken_over_writes_none_and_is_refused(store):
    with claim(store) as check:
        store.put("out/.tokpipe-writer.json", json.dumps(OTHER).encode())
        time.sleep(0.6)
        assert claim_in(store) == OTHER
        with pytest.raises(StorageError, match="process 1 on elsewhere since"):
            check()


def test_a_store_that_is_lost_for_a_while_costs_no_claim(store):
    with claim(store) as check:
        store.proxy.fault = lambda *request: 503
        time.sleep(0.6)
        store.proxy.fault = lambda *request: None
        check()
        beat, limit = claim_in(store)["beat"], time.monotonic() + 30
        while claim_in(store)["beat"] == beat and time.monotonic() < limit:
            time.sleep(0.05)
        assert claim_in(store)["beat"] > beat


@pytest.mark.parametrize("ends", [False, True])
def test_a_claim_that_goes_or_changes_while_it_is_read_is_looked_at_again(store, ends, monkeypatch):
    place, whole = "out/.tokpipe-writer.json", claims.StoreObject.head
    store.put(place, json.dumps(OTHER).encode())

    def late(found, size):
        monkeypatch.setattr(claims.StoreObject, "head", whole)
        if ends:
            store.remove(place)
        else:
            store.put(place, json.dumps({**OTHER, "beat": 44}).encode())
        return whole(found, size)

    monkeypatch.setattr(claims.StoreObject, "head", late)
    found = claims._holder(address_of(f"{store}/{place}"))
    assert found == (None if ends else {**OTHER, "beat": 44})
