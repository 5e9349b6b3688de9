import errno
import json
import os
import socket

import pytest

from tests.unit.foundation.places import TAKEN, names, python, seen
from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.files import atomic_write, refuse_existing_file, write_json


def test_written_file_is_whole_and_alone(tmp_path):
    with atomic_write(tmp_path / "a") as file:
        file.write(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "a") as file:
        file.write(b"new")
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_names_of_files_that_are_not_utf8_survive_json(tmp_path):
    name = os.fsdecode(b"caf\xe9 \xc3\xa5.txt")
    write_json(tmp_path / "a", {name: 1})
    assert "å" in (tmp_path / "a").read_text("utf-8")
    assert json.loads((tmp_path / "a").read_bytes()) == {name: 1}


def test_written_file_has_the_usual_rights(tmp_path):
    write_json(tmp_path / "a", {})
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~umask


def test_next_write_removes_what_a_killed_one_left(tmp_path):
    code = """
        import os, sys
        from pathlib import Path
        from tokpipe.foundation.files import atomic_write
        with atomic_write(Path(sys.argv[1])) as file:
            os.kill(os.getpid(), 9)
    """
    python(code, tmp_path / "a")
    assert len(names(tmp_path)) == 1
    write_json(tmp_path / "a", 1)
    assert names(tmp_path) == ["a"]


def test_temporary_of_a_living_writer_is_left_alone(tmp_path):
    with atomic_write(tmp_path / "a") as outer:
        write_json(tmp_path / "a", "inner")
        outer.write(b"outer")
    assert (tmp_path / "a").read_bytes() == b"outer"


def test_longest_names_can_be_written(tmp_path):
    name = "å" * 127
    write_json(tmp_path / name, 1)
    assert names(tmp_path) == [name]


def test_json_is_readable(tmp_path):
    write_json(tmp_path / "a.json", {"ö": 1})
    assert (tmp_path / "a.json").read_text("utf-8") == '{\n  "ö": 1\n}\n'
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"ö": 1}


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
def test_what_comes_to_the_place_of_a_file_meanwhile_is_left_alone(
    tmp_path, monkeypatch, take, replace, links
):
    target = tmp_path / "out.txt"
    if not links:
        monkeypatch.setattr(os, "link", no_link)
    if replace and take is TAKEN["file"]:
        pytest.skip("a plain file is what --force replaces")
    (tmp_path / "out.txt.finished").write_text("of an earlier time")
    with (
        pytest.raises(StorageError, match=r"out\.txt was put there by another") as caught,
        atomic_write(target, replace=replace) as file,
    ):
        file.write(b"ours")
        take(target)
        before = seen(target)
    assert seen(target) == before
    assert (tmp_path / "out.txt.finished").read_text() == "of an earlier time"
    assert (tmp_path / "out.txt.finished-1").read_text() == "ours"
    assert "out.txt.finished-1 " in caught.value.hint
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def no_link(source, target):
    raise OSError(errno.EPERM, "no links here")


def test_a_socket_or_disk_is_no_place_for_a_file(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(StorageError, match="no file that can be written"):
            refuse_existing_file(tmp_path / "s", force=True)
