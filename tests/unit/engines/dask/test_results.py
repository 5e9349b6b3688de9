from pathlib import Path

import pytest

from tokpipe.engines.dask.results import item_name, made_once
from tokpipe.foundation.errors import StoreError


def maker(calls, content=b"abc"):
    def make(scratch):
        calls.append(scratch)
        path = scratch / "draft.run.arrow"
        path.write_bytes(content)
        return [path], {"pieces": [[0, 3]]}

    return make


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_there_is_not_made_again(tmp_path):
    calls = []
    first = made_once(tmp_path, "count-1", maker(calls))
    assert made_once(tmp_path, "count-1", maker(calls)) == first and len(calls) == 1
    (file,) = first.files
    assert file["bytes"] == 3 and (tmp_path / file["name"]).read_bytes() == b"abc"
    assert file["name"].startswith("count-1-") and file["name"].endswith(".run.arrow")
    assert names(tmp_path) == sorted(["count-1.json", file["name"]])


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder, name: (folder / name).unlink(),
        lambda folder, name: (folder / name).write_bytes(b"ab"),
        lambda folder, name: (folder / name).write_bytes(b"abx"),
        lambda folder, name: (folder / "count-1.json").write_bytes(b"{"),
        lambda folder, name: (folder / "count-1.json").write_text('{"files": [{}], "facts": {}}'),
        lambda folder, name: (folder / "count-1.json").write_text("[]"),
    ],
)
def test_what_is_damaged_is_made_again(tmp_path, damage):
    calls = []
    first = made_once(tmp_path, "count-1", maker(calls))
    damage(tmp_path, first.files[0]["name"])
    assert made_once(tmp_path, "count-1", maker(calls)) == first and len(calls) == 2


def test_another_result_of_the_same_item_does_not_take_the_place_of_the_first(tmp_path):
    calls = []
    first = made_once(tmp_path, "count-1", maker(calls))
    (tmp_path / "count-1.json").unlink()
    second = made_once(tmp_path, "count-1", maker(calls, b"other"))
    contents = [(tmp_path / made.files[0]["name"]).read_bytes() for made in (first, second)]
    assert contents == [b"abc", b"other"]


def test_what_fails_leaves_nothing(tmp_path):
    def make(scratch):
        (scratch / "half").write_bytes(b"x")
        raise KeyError

    with pytest.raises(KeyError):
        made_once(tmp_path, "count-1", make)
    assert names(tmp_path) == []


def test_a_folder_that_is_not_seen_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        made_once(tmp_path / "items", "count-1", maker([]))
    assert names(tmp_path) == []


def test_names_tell_all_that_results_follow_from():
    base = item_name("count", first=0, settings={"a": 1})
    others = {
        item_name("merge", first=0, settings={"a": 1}),
        item_name("count", first=1, settings={"a": 1}),
        item_name("count", first=0, settings={"a": 2}),
    }
    assert len(others | {base}) == 4
    assert base == item_name("count", settings={"a": 1}, first=0)


@pytest.fixture
def stored(store):
    return Path(f"{store}/out/items")


def test_what_is_in_a_store_is_not_made_again_and_no_draft_stays(store, stored):
    calls = []
    first = made_once(stored, "count-1", maker(calls))
    assert made_once(stored, "count-1", maker(calls)) == first and len(calls) == 1
    (file,) = first.files
    assert store.get(f"out/items/{file['name']}") == b"abc"
    assert store.listed() == sorted(["out/items/count-1.json", f"out/items/{file['name']}"])
    assert not calls[0].exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda store, name: store.remove(f"out/items/{name}"),
        lambda store, name: store.put(f"out/items/{name}", b"ab"),
        lambda store, name: store.put("out/items/count-1.json", b"{"),
        lambda store, name: store.remove("out/items/count-1.json"),
    ],
)
def test_what_is_damaged_in_a_store_is_made_again(store, stored, damage):
    calls = []
    first = made_once(stored, "count-1", maker(calls))
    damage(store, first.files[0]["name"])
    assert made_once(stored, "count-1", maker(calls)) == first and len(calls) == 2


def test_an_item_that_a_store_does_not_take_is_none(store, stored):
    store.proxy.fault = lambda method, path, asked: 503 if "count-1.json" in path else None
    with pytest.raises(StoreError, match="does not answer"):
        made_once(stored, "count-1", maker([]))
    store.proxy.fault = lambda *request: None
    assert "out/items/count-1.json" not in store.listed()
    assert made_once(stored, "count-1", maker([])).facts == {"pieces": [[0, 3]]}
