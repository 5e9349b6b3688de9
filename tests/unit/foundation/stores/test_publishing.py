"""What goes up is whole or absent, and comes down as it went."""

import json
import os
import shutil
import socket

import fsspec
import pytest

from tests.stores import free_of_secrets
from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import ArtifactError, StorageError, StoreError
from tokpipe.foundation.files import atomic_write
from tokpipe.foundation.folders import build_folder, refuse_existing_folder
from tokpipe.foundation.locks import one_writer
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.stores.backends import backend_of
from tokpipe.foundation.stores.copies import here, visible_objects
from tokpipe.foundation.stores.publishing import open_run, push

BIG = os.urandom(11 << 20)  # more than a part of an upload


@pytest.fixture(params=["s3", "memory"])
def place(request, tmp_path, monkeypatch):
    """Return the address of an empty folder, in two kinds of stores."""
    monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path / "copies"))
    if request.param == "s3":
        return f"{request.getfixturevalue('store')}/some/place"
    files = fsspec.filesystem("memory")
    request.addfinalizer(
        lambda: files.rm("/some", recursive=True) if files.exists("/some") else None
    )
    return "memory://some/place"


def build(place, content=b"one", **how):
    with build_folder(place, identity={"a": 1}, **how) as folder:
        (folder / "inner").mkdir(exist_ok=True)
        (folder / "inner/part.bin").write_bytes(content)
        (folder / "empty").write_bytes(b"")
        Manifest(kind="test").write(folder, ["inner/part.bin", "empty"])


def test_a_folder_goes_up_and_comes_down(place):
    build(place, BIG)
    copy = here(place)
    Manifest.read(copy, "test").check_files(copy)
    assert (copy / "inner/part.bin").read_bytes() == BIG
    assert sorted(path.name for path in copy.iterdir()) == ["empty", "inner", "tokpipe.json"]
    assert here(place) == copy
    assert here(f"{place}/inner/part.bin").read_bytes() == BIG


def test_a_folder_that_is_there_is_replaced_by_force_only(place):
    build(place)
    for check in (lambda: build(place, b"two"), lambda: refuse_existing_folder(place, force=False)):
        with pytest.raises(StorageError, match="exists already"):
            check()
    build(place, b"three", force=True)
    assert (here(place) / "inner/part.bin").read_bytes() == b"three"
    with build_folder(place, force=True) as folder:
        (folder / "other").write_bytes(b"")
        Manifest(kind="test").write(folder, ["other"])
    assert sorted(path.name for path in here(place).iterdir()) == ["other", "tokpipe.json"]


def test_nothing_of_a_failed_block_goes_up(place):
    with pytest.raises(ValueError, match="broken"), build_folder(place) as folder:
        (folder / "a").write_bytes(b"a")
        raise ValueError("broken")
    with pytest.raises(StoreError, match="no such object"):
        here(place)
    build(place)


def test_a_file_goes_up_whole_and_is_replaced_by_force_only(place):
    for content, force in ((BIG, False), (b"new", True)):
        with atomic_write(place, replace=force) as file:
            file.write(content)
        assert here(place).read_bytes() == content
    with pytest.raises(StorageError, match="exists already"), atomic_write(place, replace=False):
        pass
    with pytest.raises(ValueError, match="broken"), atomic_write(place) as file:
        file.write(b"half")
        raise ValueError("broken")
    assert here(place).read_bytes() == b"new"


@pytest.mark.parametrize(
    ("status", "said"), [(404, "no such"), (403, "refuses access"), (507, "full")]
)
def test_a_store_that_refuses_is_said_by_its_reason(status, said, store):
    store.proxy.fault = lambda method, path, asked: status if "part.bin" in path else None
    with pytest.raises(StoreError, match=said):
        build(f"{store}/some/place")
    assert "some/place/tokpipe.json" not in store.listed()


@pytest.mark.parametrize("fails_at", range(1, 8))
def test_whatever_request_fails_the_folder_is_whole_or_absent(fails_at, store):
    place, count = f"{store}/some/place", iter(range(1, 1000))

    def fault(method, path, asked):
        writes = method in ("PUT", "POST") and "uploads" not in path
        return 503 if writes and next(count) >= fails_at else None

    store.proxy.fault = fault
    with pytest.raises(StoreError, match="does not answer") as caught:
        build(place, BIG)
    assert str(caught.value).startswith(place)
    assert free_of_secrets(str(caught.value))
    assert "some/place/tokpipe.json" not in store.listed()
    assert not any(
        store.get(key) not in (BIG, b"", None) for key in store.listed() if "/." not in key
    )
    store.proxy.fault = lambda *request: None
    build(place, BIG)
    copy = here(place)
    Manifest.read(copy).check_files(copy)


def test_what_went_up_before_is_not_sent_again(store):
    place = f"{store}/some/place"
    store.proxy.fault = lambda method, path, asked: 503 if "tokpipe.json" in path else None
    with pytest.raises(StoreError):
        build(place, BIG)
    store.proxy.seen.clear()
    store.proxy.fault = lambda *request: None
    build(place, BIG)
    sent = [path for method, path, _ in store.proxy.seen if method in ("PUT", "POST")]
    assert not [path for path in sent if "part.bin" in path]


def test_a_claim_of_another_machine_is_respected_and_one_of_the_dead_is_not(store):
    place = f"{store}/some/place"
    claim = {"pid": 1, "host": "elsewhere", "start": "2026-01-01 00:00:00"}
    store.put("some/place/.tokpipe-writer.json", json.dumps(claim).encode())
    with pytest.raises(StorageError, match="written by process 1 on elsewhere since 2026"):
        build(place)
    claim = {**claim, "pid": 2**22 + 1, "host": socket.gethostname()}
    store.put("some/place/.tokpipe-writer.json", json.dumps(claim).encode())
    store.put("some/place/half", b"of what was killed")
    build(place)
    assert store.listed() == [
        f"some/place/{n}" for n in ("empty", "inner/part.bin", "tokpipe.json")
    ]


def test_a_copy_that_is_damaged_in_the_store_is_found_by_its_manifest(store):
    place = f"{store}/some/place"
    build(place, b"one")
    store.put("some/place/inner/part.bin", b"two")
    with pytest.raises(ArtifactError, match="sha256 begins with") as caught:
        Manifest.read(here(place)).check_files(here(place))
    assert str(caught.value).startswith(f"{place}/inner/part.bin")


def save(run, step):
    """Do what training does at a checkpoint: the new one and the log; the one before goes."""
    run.mkdir(parents=True, exist_ok=True)
    (run / f"checkpoint-{step}").mkdir()
    (run / f"checkpoint-{step}/weights").write_bytes(b"%d" % step)
    (run / f"checkpoint-{step}/tokpipe.json").write_text("{}")
    with (run / "log.jsonl").open("a") as log:
        log.write(f"{step}\n")
    shutil.rmtree(run / f"checkpoint-{step - 1}", ignore_errors=True)


def names_in(run):
    return sorted(path.name for path in run.iterdir())


def test_a_run_goes_up_bit_by_bit_and_on_where_another_left_it(place, tmp_path, monkeypatch):
    this_machine, run = os.environ["TOKPIPE_STORE_DIR"], open_run(place)
    save(run, 1)
    push(run)
    save(run, 2)
    push(run / "checkpoint-2")
    assert open_run(place) == run
    monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path / "another"))
    other = open_run(place)
    assert other != run
    assert names_in(other) == ["checkpoint-2", "log.jsonl"]
    save(other, 3)
    push(other)
    monkeypatch.setenv("TOKPIPE_STORE_DIR", this_machine)
    save(run, 3)
    with pytest.raises(StoreError, match="changed by another"):
        push(run)
    assert names_in(open_run(place)) == ["checkpoint-3", "log.jsonl"]


def test_a_run_stopped_while_it_is_stored_loses_nothing(store):
    place = f"{store}/run"
    run = open_run(place)
    save(run, 1)
    push(run)
    save(run, 2)
    for fails in ("checkpoint-2/weights", "checkpoint-2/tokpipe.json", "checkpoint-1/"):
        store.proxy.fault = lambda method, path, asked, fails=fails: (
            503 if fails in path and method != "HEAD" else None
        )
        with pytest.raises(StoreError, match="does not answer"):
            push(run)
        whole = {f"run/checkpoint-{n}/tokpipe.json" for n in (1, 2)} & set(store.listed())
        assert whole, fails
        store.proxy.fault = lambda *request: None
        assert open_run(place) == run
        assert names_in(run) == ["checkpoint-2", "log.jsonl"]
    push(run)
    assert {key.split("/")[1] for key in store.listed()} == {"checkpoint-2", "log.jsonl"}


def test_a_run_that_was_removed_from_the_store_begins_anew(place):
    run = open_run(place)
    save(run, 1)
    push(run)
    address = address_of(place)
    for name in visible_objects(address):
        backend_of(address.scheme).remove(address / name)
    assert not open_run(place).exists()


def test_a_run_that_is_being_written_is_not_fetched_over(store):
    run = open_run(f"{store}/run")
    save(run, 1)
    lock = run.with_name(f".{run.name}.lock")
    with one_writer(lock, run), pytest.raises(StorageError, match="being written by process"):
        open_run(f"{store}/run")
    assert names_in(run) == ["checkpoint-1", "log.jsonl"]
