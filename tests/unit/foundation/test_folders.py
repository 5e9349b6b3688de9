import errno
import itertools
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.foundation.places import TAKEN, names, python, seen
from tokpipe.foundation import folders
from tokpipe.foundation.errors import ArtifactError, StorageError
from tokpipe.foundation.files import write_json
from tokpipe.foundation.folders import build_folder, working_folder


def make(target, content="new", **settings):
    with build_folder(target, **settings) as folder:
        (folder / "content").write_text(content)
        write_json(folder / "tokpipe.json", {})


def test_built_folder_is_whole_and_alone(tmp_path):
    make(tmp_path / "deep" / "tok")
    assert names(tmp_path / "deep") == ["tok"]
    assert names(tmp_path / "deep" / "tok") == ["content", "tokpipe.json"]


def test_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "tok").mkdir()
    make(tmp_path / "tok")
    assert names(tmp_path) == ["tok"]


def test_existing_folder_is_refused(tmp_path):
    make(tmp_path / "tok", "old")
    with pytest.raises(StorageError, match="exists already"):
        make(tmp_path / "tok")
    assert (tmp_path / "tok" / "content").read_text() == "old"
    assert names(tmp_path) == ["tok"]


def test_rest_of_a_writer_killed_in_its_last_step_is_cleared(tmp_path):
    make(tmp_path / "tok", "old")
    make(tmp_path / "other", "older")
    (tmp_path / "other").rename(tmp_path / ".tok.old")
    (tmp_path / ".tok.lock").touch()
    with pytest.raises(StorageError, match="exists already"):
        make(tmp_path / "tok")
    assert names(tmp_path) == ["tok"]


@pytest.mark.parametrize("exchange", [True, False])
def test_force_replaces_what_tokpipe_wrote(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    make(tmp_path / "tok", "old")
    make(tmp_path / "tok", force=True)
    assert (tmp_path / "tok" / "content").read_text() == "new"
    assert names(tmp_path) == ["tok"]


def test_force_does_not_replace_foreign_folders(tmp_path):
    (tmp_path / "thesis").write_text("three years")
    with pytest.raises(StorageError, match="not written by tokpipe"):
        make(tmp_path, force=True)
    assert (tmp_path / "thesis").read_text() == "three years"


def test_failed_force_leaves_the_old_folder(tmp_path):
    make(tmp_path / "tok", "old")
    with pytest.raises(RuntimeError), build_folder(tmp_path / "tok", force=True):
        raise RuntimeError
    assert (tmp_path / "tok" / "content").read_text() == "old"
    assert names(tmp_path) == ["tok"]


def test_replacement_killed_between_two_renames_is_put_back(tmp_path):
    make(tmp_path / "tok", "old")
    (tmp_path / "tok").rename(tmp_path / ".tok.old")
    with pytest.raises(StorageError, match="exists already"):
        make(tmp_path / "tok")
    make(tmp_path / "tok", force=True)
    assert (tmp_path / "tok" / "content").read_text() == "new"
    assert names(tmp_path) == ["tok"]


def test_rest_of_a_replaced_folder_is_not_taken_for_unfinished_work(tmp_path):
    (tmp_path / ".tok.partial").mkdir()
    (tmp_path / ".tok.partial" / "old").touch()
    with build_folder(tmp_path / "tok", identity={"seed": 1}) as folder:
        assert names(folder) == [".tokpipe-resume.json"]


def test_interrupted_work_is_found_again(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        build_folder(tmp_path / "tok", identity={"seed": 1}) as folder,
    ):
        (folder / "half").touch()
        (folder / ".half.12345678.tmp").touch()
        raise KeyboardInterrupt
    assert names(tmp_path) == [".tok.partial"]
    with build_folder(tmp_path / "tok", identity={"seed": 1}) as folder:
        assert names(folder) == [".tokpipe-resume.json", "half"]
    assert names(tmp_path / "tok") == ["half"]


@pytest.mark.parametrize("step", ["_take_out", "_sync_tree", "_put_in_place"])
def test_work_is_kept_until_the_folder_stands_in_its_place(tmp_path, monkeypatch, step):
    def work(expected):
        with build_folder(tmp_path / "tok", identity={"seed": 1}) as folder:
            unfinished = folder / folders.UNFINISHED
            assert unfinished.exists() == expected
            unfinished.mkdir(exist_ok=True)
            (unfinished / "counts").touch()
            (folder / "content").touch()

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folders, step, interrupted)
        work(expected=False)
    work(expected=True)
    assert names(tmp_path) == ["tok"]
    assert names(tmp_path / "tok") == ["content"]


def interrupted(*arguments):
    raise KeyboardInterrupt


def test_unfinished_work_of_a_folder_in_place_is_cleared(tmp_path):
    make(tmp_path / "tok", identity={})
    (tmp_path / ".tok.unfinished").mkdir()
    (tmp_path / ".tok.lock").touch()
    with pytest.raises(StorageError, match="exists already"):
        make(tmp_path / "tok", identity={})
    assert names(tmp_path) == ["tok"]


def test_force_starts_over_from_unfinished_work_too(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folders, "_put_in_place", interrupted)
        make(tmp_path / "tok", identity={})
    with build_folder(tmp_path / "tok", identity={}, force=True) as folder:
        assert names(folder) == [".tokpipe-resume.json"]
    assert names(tmp_path) == ["tok"]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({"words": {"lowercase": True}}, {"words": {"lowercase": False}}, "words.lowercase = true"),
        ({"seed": 1}, {"seed": 2}, "seed = 1, now it is 2"),
        ({"version": "1"}, {"version": "1", "input": "a"}, "input = null"),
    ],
)
def test_interrupted_work_of_other_settings_is_refused(tmp_path, before, now, said):
    with (
        pytest.raises(KeyboardInterrupt),
        build_folder(tmp_path / "tok", identity=before) as folder,
    ):
        (folder / "half").touch()
        raise KeyboardInterrupt
    with (
        pytest.raises(ArtifactError, match=said) as caught,
        build_folder(tmp_path / "tok", identity=now),
    ):
        pass
    assert caught.value.exit_code == 4
    with build_folder(tmp_path / "tok", identity=now, force=True):
        pass


def test_refused_work_is_still_there_for_the_right_command(tmp_path):
    with pytest.raises(KeyboardInterrupt), build_folder(tmp_path / "tok", identity={}) as folder:
        (folder / "half").touch()
        raise KeyboardInterrupt
    with pytest.raises(ArtifactError), build_folder(tmp_path / "tok", identity={}):
        raise ArtifactError("the corpus has changed")
    assert names(tmp_path / ".tok.partial") == [".tokpipe-resume.json", "half"]


def test_interrupted_work_that_had_not_begun_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), build_folder(tmp_path / "tok", identity={}) as folder:
        (folder / "work").mkdir()
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_failed_work_leaves_nothing(tmp_path):
    with pytest.raises(ValueError), build_folder(tmp_path / "tok", identity={}):
        raise ValueError
    assert names(tmp_path) == []


def written_into(folder):
    """Write files until the folder is gone, as a worker does who has not heard of the end."""
    for number in itertools.count():
        try:
            (folder / f"section-{number}").write_text("gulls")
        except FileNotFoundError:
            return


@pytest.mark.parametrize("end", ["failed folder", "failed file", "file"])
def test_what_workers_write_meanwhile_goes_as_well(tmp_path, end):
    writing = build_folder if end == "failed folder" else working_folder
    with (
        ThreadPoolExecutor(3) as workers,
        suppress(ValueError),
        writing(tmp_path / "out", force=False, identity={"seed": 0}) as folder,
    ):
        for _ in range(3):
            workers.submit(written_into, folder)
        time.sleep(0.05)
        if end != "file":
            raise ValueError
    assert names(tmp_path) == []


def test_full_disk_names_the_target_and_leaves_nothing(tmp_path):
    with (
        pytest.raises(StorageError, match=r"tok: no space left on device \(.* free\)") as caught,
        build_folder(tmp_path / "tok", identity={}),
    ):
        raise OSError(errno.ENOSPC, "", str(tmp_path / ".x.tmp"))
    assert caught.value.exit_code == 4
    assert names(tmp_path) == []


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_name_that_the_disk_does_not_confirm_is_taken_back(tmp_path, monkeypatch, exchange, old):
    if old:
        make(tmp_path / "out", "old")
    if not exchange:
        monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    real = os.fsync

    def fsync(handle):
        if os.path.samestat(os.fstat(handle), tmp_path.stat()):
            raise OSError(errno.EIO, "no")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError):
        make(tmp_path / "out", force=True)
    assert names(tmp_path) == (["out"] if old else [])
    assert not old or (tmp_path / "out" / "content").read_text() == "old"


def test_too_large_an_estimate_is_refused_before_the_start(tmp_path):
    with (
        pytest.raises(StorageError, match=r"about 1000000\.0 TB needed"),
        build_folder(tmp_path / "tok", needed_bytes=10**18),
    ):
        pytest.fail("began")
    assert names(tmp_path) == []


def test_second_writer_is_told_who_writes(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from tokpipe.foundation.folders import build_folder, working_folder
        with build_folder(Path(sys.argv[1])):
            print("held", flush=True)
            sys.stdin.read()
    """
    first = python(code, tmp_path / "tok", wait=False)
    assert first.stdout.readline() == "held\n"
    host = os.uname().nodename
    with pytest.raises(StorageError, match=f"process {first.pid} on {host} since 20"):
        make(tmp_path / "tok")
    first.kill()
    first.communicate()
    make(tmp_path / "tok")
    assert names(tmp_path) == ["tok"]


def test_force_sees_the_old_or_the_new_folder_at_every_moment(tmp_path):
    make(tmp_path / "tok", "0")
    code = """
        import sys
        from pathlib import Path
        from tokpipe.foundation.folders import build_folder, working_folder
        for i in range(1, 60):
            with build_folder(Path(sys.argv[1]), force=True) as folder:
                (folder / "content").write_text(str(i))
                (folder / "tokpipe.json").touch()
    """
    writer, seen = python(code, tmp_path / "tok", wait=False), set()
    while writer.poll() is None:
        seen.add((tmp_path / "tok").stat().st_ino)  # raises if it is not there
    writer.communicate()
    assert writer.returncode == 0
    assert len(seen) > 1


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
def test_what_comes_to_the_place_of_a_folder_meanwhile_is_left_alone(tmp_path, take, force):
    target = tmp_path / "tok"
    with (
        pytest.raises(StorageError, match="put there by another while the work ran") as caught,
        build_folder(target, identity={}, force=force) as folder,
    ):
        (folder / "content").write_text("ours")
        write_json(folder / "tokpipe.json", {})
        take(target)
        before = seen(target)
    assert seen(target) == before
    kept = tmp_path / "tok.finished"
    assert names(kept) == ["content", "tokpipe.json"] and str(kept) in caught.value.problem
    assert not [name for name in names(tmp_path) if name.startswith(".")]
    target.rename(tmp_path / "away")
    subprocess.run(caught.value.hint.split(": ", 1)[1], shell=True, check=True)
    assert (target / "content").read_text() == "ours"


def test_a_folder_of_ours_that_comes_meanwhile_is_replaced_by_force_only(tmp_path):
    def come():
        (tmp_path / "tok").mkdir()
        (tmp_path / "tok" / "tokpipe.json").touch()

    with (
        pytest.raises(StorageError, match="put there by another"),
        build_folder(tmp_path / "tok") as folder,
    ):
        (folder / "content").touch()
        come()
    assert names(tmp_path) == ["tok", "tok.finished"]
    with build_folder(tmp_path / "tok", force=True) as folder:
        (folder / "content").touch()
    assert names(tmp_path / "tok") == ["content"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_foreign_folder_that_comes_in_the_last_moment_is_put_back(
    tmp_path, monkeypatch, exchange
):
    make(tmp_path / "tok", "old")
    real = folders.exchange

    def swap(one, other):
        if not (tmp_path / "old").exists():
            (tmp_path / "tok").rename(tmp_path / "old")
            (tmp_path / "tok").mkdir()
            (tmp_path / "tok" / "theirs").touch()
        return exchange and real(one, other)

    monkeypatch.setattr(folders, "exchange", swap)
    with pytest.raises(StorageError, match="put there by another"):
        make(tmp_path / "tok", force=True)
    assert names(tmp_path) == ["old", "tok", "tok.finished"]
    assert names(tmp_path / "tok") == ["theirs"]


def test_damaged_leftovers_of_an_interrupted_run_are_met_with_the_way_out(tmp_path):
    target = tmp_path / "tok"
    with pytest.raises(KeyboardInterrupt), build_folder(target, identity={}) as folder:
        (folder / "half").touch()
        raise KeyboardInterrupt
    with pytest.raises(ArtifactError) as caught, build_folder(target, identity={}) as folder:
        raise ArtifactError(f"{folder / 'half'}: damaged", hint="Make the folder again.")
    assert caught.value.hint == "An interrupted run left it: pass --force to start over."
    assert str(caught.value).endswith(caught.value.hint)
    make(target, identity={}, force=True)
    assert names(tmp_path) == ["tok"]


def test_force_is_offered_only_where_it_helps(tmp_path):
    make(tmp_path / "ours")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").touch()
    (tmp_path / "file").touch()
    for name, offered in (("ours", True), ("theirs", False), ("file", False)):
        with pytest.raises(StorageError, match="exists already") as caught:
            make(tmp_path / name)
        assert ("--force" in caught.value.hint) == offered


@pytest.mark.parametrize("found", [3, None, "x" * 10_000, [{"seed": 1}]])
def test_an_identity_that_is_none_is_not_gone_on_with_and_not_printed(tmp_path, found):
    partial = tmp_path / ".tok.partial"
    partial.mkdir()
    (partial / "half").touch()
    write_json(partial / ".tokpipe-resume.json", found)
    with build_folder(tmp_path / "tok", identity={"seed": 1}) as folder:
        assert names(folder) == [".tokpipe-resume.json"]


def test_of_a_long_setting_only_the_beginning_is_printed(tmp_path):
    with pytest.raises(KeyboardInterrupt), build_folder(tmp_path / "tok", identity={"a": 3}) as out:
        (out / "half").touch()
        raise KeyboardInterrupt
    wanted = {"a": {f"setting {i}": i for i in range(1000)}}
    with pytest.raises(ArtifactError) as caught, build_folder(tmp_path / "tok", identity=wanted):
        pass
    assert "a = 3, now it is {" in caught.value.problem and len(caught.value.problem) < 200


@pytest.mark.parametrize("target", ["/", "/..", "//"])
def test_the_root_is_no_name_for_a_folder(target):
    with pytest.raises(StorageError, match="the root of all folders"):
        make(Path(target), force=True)
