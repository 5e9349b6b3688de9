"""Unfinished work of a store's output: hidden, gone on with by any machine, and gone in the end."""

import json
from pathlib import Path

import pytest

from tests.unit.foundation.test_shared_files import BIG
from tokpipe.foundation.errors import ArtifactError, ClusterError, InputError, StoreError
from tokpipe.foundation.folders import UNFINISHED, build_folder, working_folder
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.shared_files import at_hand, names_in, write_shared_json, written_whole
from tokpipe.foundation.stored_work import bring_down, bring_up, named_in_the_end, shared_folder
from tokpipe.foundation.stores.copies import here

IDENTITY = {"settings": {"a": 1}}


@pytest.fixture(autouse=True)
def another_machine(tmp_path, monkeypatch):
    """Return a function after which all is as on a machine that has never seen the store."""
    number = iter(range(100))

    def move():
        monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path / f"machine{next(number)}"))

    move()
    return move


def build(place, steps, identity=IDENTITY, *, fails=None, **how):
    """Do steps that are not done yet, each a file; fail then, or give them names and finish."""
    made = []
    with build_folder(place, identity=identity, **how) as folder:
        (folder / UNFINISHED).mkdir(exist_ok=True)
        shared = shared_folder(folder)
        for step in steps:
            if step not in names_in(shared / "parts"):
                made.append(step)
                with written_whole(shared / "parts" / step) as draft:
                    draft.write_bytes(step.encode() + BIG)
        if fails:
            raise fails
        names = {f"final/{step}": f"parts/{step}" for step in steps}
        named_in_the_end(folder, shared, names)
        facts = {"bytes": len(BIG) + 1, "sha256": ""}
        Manifest(kind="test").write(folder, [], dict.fromkeys(names, facts))
    return made


def test_the_working_folder_of_this_machine_is_shared_itself(tmp_path):
    assert shared_folder(tmp_path) == tmp_path


def test_what_an_interrupted_machine_has_done_another_goes_on_with(store, another_machine):
    place = Path(f"{store}/out")
    with pytest.raises(KeyboardInterrupt):
        build(place, "ab", fails=KeyboardInterrupt())
    assert all("/." in key for key in store.listed())
    with pytest.raises(StoreError, match="no such object"):
        here(place)
    another_machine()
    with pytest.raises(ClusterError):
        build(place, "abc", fails=ClusterError("lost"))
    another_machine()
    assert build(place, "abcd") == ["d"]
    assert store.listed() == [*(f"out/final/{step}" for step in "abcd"), "out/tokpipe.json"]
    assert store.get("out/final/c") == b"c" + BIG


def test_other_work_is_refused_unless_forced(store, another_machine):
    place = Path(f"{store}/out")
    with pytest.raises(KeyboardInterrupt):
        build(place, "ab", fails=KeyboardInterrupt())
    another_machine()
    with pytest.raises(ArtifactError, match=r"^out: .* begun with settings.a = 1, now it is 2"):
        build(place, "ab", {"settings": {"a": 2}})
    assert [key for key in store.listed() if key.endswith("parts/b")]
    assert build(place, "ab", {"settings": {"a": 2}}, force=True) == ["a", "b"]


@pytest.mark.parametrize("identity", [IDENTITY, None])
def test_nothing_stays_of_what_nobody_can_go_on_with(store, identity):
    error = InputError("bad") if identity else ClusterError("lost")
    with pytest.raises(type(error)):
        build(Path(f"{store}/out"), "ab", identity, fails=error)
    assert store.listed() == []


def test_what_no_identity_stands_beside_is_begun_anew(store):
    store.put("out/.partial/parts/a", b"of a worker that was late")
    assert build(Path(f"{store}/out"), "a") == ["a"]
    assert store.listed() == ["out/final/a", "out/tokpipe.json"]


@pytest.mark.parametrize("fails_at", ["final/a", "final/b", "out/tokpipe.json"])
def test_a_folder_whose_files_get_their_names_is_whole_or_absent(fails_at, store, another_machine):
    place = Path(f"{store}/out")
    store.proxy.fault = lambda method, path, asked: (
        503 if fails_at in path and method in ("PUT", "POST") else None
    )
    with pytest.raises(StoreError, match="does not answer"):
        build(place, "ab")
    assert "out/tokpipe.json" not in store.listed()
    store.proxy.fault = lambda *request: None
    another_machine()
    assert build(place, "ab") == []
    assert store.get("out/final/b") == b"b" + BIG and len(store.listed()) == 3


def test_files_get_their_names_without_coming_here(store):
    build(Path(f"{store}/out"), "ab")
    assert not [path for method, path, asked in store.proxy.seen if asked and "parts" in path]


def test_where_a_store_cannot_copy_the_content_comes_by_here(store):
    seen = []

    def fault(method, path, asked):
        is_copy = method == "PUT" and "final" in path and "uploadId" not in path
        seen.append(path) if is_copy else None
        return 501 if is_copy else None

    store.proxy.fault = fault
    build(Path(f"{store}/out"), "a")
    assert seen and store.get("out/final/a") == b"a" + BIG


def test_what_a_file_is_made_from_is_kept_beside_it(store, another_machine):
    target = Path(f"{store}/some/ids.arrow")
    with (
        pytest.raises(KeyboardInterrupt),
        working_folder(target, force=False, identity=IDENTITY) as place,
    ):
        write_shared_json(place / "part", 1)
        raise KeyboardInterrupt
    assert "some/.ids.arrow.partial/part" in store.listed()
    another_machine()
    other = {"settings": {"a": 2}}
    with (
        pytest.raises(ArtifactError, match=r"^ids.arrow: .* settings.a"),
        working_folder(target, force=False, identity=other),
    ):
        pass
    with (
        working_folder(target, force=False, identity=IDENTITY) as place,
        at_hand(place / "part") as path,
    ):
        assert json.loads(path.read_text()) == 1
    assert store.listed() == []


def test_engines_that_work_here_and_those_that_share_go_on_from_each_other(store, tmp_path):
    with build_folder(Path(f"{store}/out"), identity=IDENTITY) as folder:
        shared = shared_folder(folder)
        (folder / "run").write_text("run")
        bring_up(folder, shared, "journal")  # nothing that says what it is
        assert "run" not in names_in(shared)
        (folder / "journal").write_text("1")
        bring_up(folder, shared, "journal")
        assert {"run", "journal"} <= names_in(shared) and not (folder / "journal").exists()
        (folder / "run").unlink()
        bring_down(folder, "journal")
        assert (folder / "run").read_text() == "run" and (folder / "journal").read_text() == "1"
        (folder / "journal").write_text("2")
        bring_up(folder, shared, "journal")  # what is there stays
        with at_hand(shared / "journal") as path:
            assert path.read_text() == "1"
        bring_down(folder, "journal")
        assert (folder / "journal").read_text() == "2"
        for path in list(folder.iterdir()):
            path.unlink() if path.name in ("run", "journal") else None
        Manifest(kind="test").write(folder, [])
    assert store.listed() == ["out/tokpipe.json"]
