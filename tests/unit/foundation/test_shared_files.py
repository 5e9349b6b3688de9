"""What several processes make and read is whole or not there, in a folder as in a store."""

import os
from pathlib import Path

import fsspec
import pytest

from tests.stores import free_of_secrets
from tokpipe.foundation import told
from tokpipe.foundation.errors import StorageError, StoreError
from tokpipe.foundation.shared_files import (
    at_hand,
    make_folder,
    names_in,
    remove_files,
    scratch_for,
    size_of,
    write_shared_json,
    written_whole,
)
from tokpipe.foundation.stores import objects

BIG = os.urandom(11 << 20)  # more than a part of an upload


@pytest.fixture(params=["folder", "s3", "memory"])
def place(request, tmp_path, monkeypatch):
    """Return an empty folder, of this machine or in two kinds of stores."""
    monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path / "copies"))
    if request.param == "folder":
        return tmp_path / "place"
    if request.param == "s3":
        return Path(f"{request.getfixturevalue('store')}/some/place")
    files = fsspec.filesystem("memory")
    request.addfinalizer(
        lambda: files.rm("/some", recursive=True) if files.exists("/some") else None
    )
    return Path("memory://some/place")


@pytest.mark.parametrize("content", [b"", b"abc", BIG])
def test_a_file_is_there_once_it_is_whole_and_reads_as_it_was_written(place, content):
    make_folder(place)
    assert size_of(place / "a.bin") is None and not names_in(place)
    for said in (b"before", content):
        with written_whole(place / "a.bin") as draft:
            assert draft.suffix in (".bin", ".tmp")
            draft.write_bytes(said)
    with at_hand(place / "a.bin") as path:
        assert path.read_bytes() == content
    assert size_of(place / "a.bin") == len(content)
    write_shared_json(place / "inner.json", {"ä": [1, None]})
    assert names_in(place) == {"a.bin", "inner.json"}
    remove_files([place / "a.bin", place / "gone"])
    assert names_in(place) == {"inner.json"}


def test_nothing_is_left_of_what_fails(place, tmp_path):
    make_folder(place)
    write_shared_json(place / "a", 1)
    with pytest.raises(KeyError), written_whole(place / "a") as draft:
        draft.write_bytes(b"half")
        raise KeyError
    with at_hand(place / "a") as path:
        assert path.read_text() == "1"
    assert names_in(place) == {"a"}
    assert not [path for path in (tmp_path / "copies").rglob("*") if path.is_file()]


def test_copies_are_gone_after_the_block_and_nothing_is_remembered_of_them(store, tmp_path):
    path = Path(f"{store}/a.bin")
    for number in range(3):
        store.put("a.bin", BIG[number:])
        with at_hand(path) as copy:
            assert copy.read_bytes() == BIG[number:] and copy != path
        assert not copy.exists()
    assert not [found for found in objects._CHUNKS._seals if "a.bin" in found.address.rest]
    assert not [found for found, _ in objects._CHUNKS._kept if "a.bin" in found.address.rest]


def test_what_is_not_there_is_not_read(place):
    make_folder(place)
    for missing in (place / "a", place / "b" / "c"):
        with pytest.raises(FileNotFoundError), at_hand(missing) as path:
            path.read_bytes()


def test_names_are_those_of_the_folder_alone(place):
    make_folder(place / "inner")
    write_shared_json(place / "a", 1)
    write_shared_json(place / "inner" / "b", 1)
    assert "b" not in names_in(place) and names_in(place / "inner") == {"b"}
    assert "a" in names_in(place)
    assert names_in(place / "nowhere") == set()


def test_drafts_lie_where_they_are_hidden_and_go(place):
    make_folder(place)
    with scratch_for(place) as scratch:
        (scratch / "draft").write_bytes(b"a")
        assert not [name for name in names_in(place) if not name.startswith(".")]
        with written_whole(place / "a") as draft:
            (scratch / "draft").replace(draft)
    assert not scratch.exists() and names_in(place) == {"a"}


@pytest.mark.parametrize(("fault", "said"), [(403, "refuses access"), (503, "does not answer")])
def test_a_store_that_refuses_is_said_and_holds_what_it_held(fault, said, store):
    path = Path(f"{store}/a")
    write_shared_json(path, 1)
    store.proxy.fault = lambda *request: fault
    with pytest.raises(StoreError, match=said) as caught:
        write_shared_json(path, 2)
    assert str(caught.value).startswith(f"{store}/a") and free_of_secrets(str(caught.value))
    with pytest.raises(StoreError, match=said), at_hand(path):
        pass
    store.proxy.fault = lambda *request: None
    with at_hand(path) as copy:
        assert copy.read_text() == "1"


@pytest.mark.parametrize("fault", ["short", "shifted", "flipped"])
def test_wrong_bytes_are_not_handed_out(fault, store):
    store.put("a", BIG)
    store.proxy.fault = lambda method, path, asked: fault
    with pytest.raises(StoreError, match="answers wrongly"), at_hand(Path(f"{store}/a")):
        pass


def test_a_disk_that_refuses_is_said(tmp_path):
    with pytest.raises(StorageError, match=r"file exists|not a directory"):
        (tmp_path / "file").write_text("")
        make_folder(tmp_path / "file" / "inner")


def test_names_of_copies_are_forgotten_in_time(tmp_path):
    for number in range(2 * told._MOST_NAMES):
        told.call(tmp_path / f"copy{number}", "s3://b/a")
    assert len(told._names) <= told._MOST_NAMES
    assert told.told(f"{tmp_path}/copy{number}: full") == "s3://b/a: full"
