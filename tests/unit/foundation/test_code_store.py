import pytest

from tokpipe.foundation.code_store import (
    DamagedCodeError,
    Pack,
    open_pack,
    packed,
    read_entry,
    unpacked,
    write_entry,
    write_pack,
)
from tokpipe.foundation.machine_code import Image, ObjectFile

IMAGE = Image("m", "f", b"\x90" * 99, 128, 16, b"", {"memcpy": [(1, 2)]}, {96: ("m", [1])}, 96)
OBJECT = ObjectFile("m", "g", b"\x7fELF", "entry", {"env": ("m", [])}, "env")


@pytest.mark.parametrize("code", [IMAGE, OBJECT])
def test_what_is_kept_comes_back(tmp_path, code):
    assert unpacked(packed(code)) == code
    write_entry(tmp_path, "m.f-0", code)
    assert read_entry(tmp_path, "m.f-0") == code
    assert read_entry(tmp_path, "m.f-1") is None
    assert [path.name for path in tmp_path.iterdir()] == ["m.f-0.code"]


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path):
    write_entry(tmp_path / "missing", "m.f-0", IMAGE)
    assert not (tmp_path / "missing").exists()


@pytest.fixture
def pack(tmp_path):
    write_entry(tmp_path, "m.f-0", IMAGE)
    write_entry(tmp_path, "m.g-0", OBJECT)
    path = tmp_path / "some.pack"
    write_pack(path, tmp_path)
    open_pack.cache_clear()
    return path


def test_a_pack_has_the_entries_of_its_folder(pack):
    found = open_pack(pack)
    assert isinstance(found, Pack) and len(found) == 2
    assert (found.read("m.f-0"), found.read("m.g-0")) == (IMAGE, OBJECT)
    assert found.read("m.h-0") is None and "m.h-0" not in found
    found.check()


def test_a_pack_that_is_not_there_is_no_problem(tmp_path):
    assert open_pack(tmp_path / "none.pack") == ""


def test_each_changed_byte_of_a_pack_is_seen(pack):
    whole = pack.read_bytes()
    for place in range(len(whole)):
        pack.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DamagedCodeError):
            Pack(pack).check()


def test_a_pack_cut_anywhere_is_seen(pack):
    whole = pack.read_bytes()
    for length in range(len(whole)):
        pack.write_bytes(whole[:length])
        with pytest.raises(DamagedCodeError):
            Pack(pack).check()
