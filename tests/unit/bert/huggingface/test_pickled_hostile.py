"""Files of ``torch.save`` that would run code, take memory, or are damaged: refused."""

import io
import pickle
import resource
import struct
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.bert.huggingface.pickles import (
    DICT,
    HEAD,
    TENSOR,
    archive,
    number,
    saved,
    storage,
    stream,
    tensor,
    text,
)
from tests.unit.bert.huggingface.test_pickled import BOTH, PLAIN, VALUES, read_bytes
from tokpipe.bert.huggingface.pickled import read_pickled_entries
from tokpipe.bert.huggingface.tensor_file import TensorFile
from tokpipe.foundation.errors import InputError, TokpipeError


class Called:
    """An object whose pickle calls a function."""

    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


def dict_of(value):
    return b"\x80\x02}" + text("a") + value + b"s."


def named(module, name, protocol=b"\x80\x02"):
    return protocol + f"c{module}\n{name}\n".encode() + b"(" + text("touch ran") + b"tR."


STORED = storage("0", "Float", 6)
WHOLE = tensor(STORED, (2, 3), (3, 1))
MEMO = b"".join(b"r" + struct.pack("<I", 40_000 * i) for i in range(100_000))
MADE = [pickle.dumps(Called(eval, "open('ran', 'w')"), protocol=n) for n in range(6)]
HOSTILE = {  # pickle -> a part of the message
    "os.system": (named("os", "system"), r"os\.system"),
    "posix.system": (named("posix", "system"), r"posix\.system"),
    "subprocess": (named("subprocess", "check_output"), r"subprocess\.check_output"),
    "eval": (named("builtins", "eval"), r"builtins\.eval"),
    "exec of Python 2": (named("__builtin__", "exec"), r"__builtin__\.exec"),
    "getattr": (named("builtins", "getattr"), r"builtins\.getattr"),
    "import": (named("importlib", "import_module"), r"importlib\.import_module"),
    "torch.load": (named("torch", "load"), r"torch\.load"),
    "torch.hub": (named("torch.hub", "load"), r"torch\.hub\.load"),
    "a module of torch": (named("torch.nn.modules.linear", "Linear"), r"linear\.Linear"),
    "dots in the name": (named("torch", "_utils._rebuild_tensor_v2.__globals__"), "__globals__"),
    "the same name cut elsewhere": (named("torch", "_utils._rebuild_tensor_v2"), "no part"),
    "a name with a blank": (named("torch FloatStorage", ""), "no part"),
    "an empty name": (b"c\n\n.", "GLOBAL"),
    "a terminal's codes": (named("\x1b[31m", "x"), r"\\x1b"),
    "a long name": (named("o" * 100_000, "x"), r"\.\.\."),
    "a name that is no text": (b"c\xff\n\xff\n.", "UTF-8"),
    "a name from the stack": (
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
        r"STACK_GLOBAL: os\.system",
    ),
    "a name of numbers": (b"\x80\x04K\x01K\x02\x93.", "1 and 2 as a name"),
    "a name of dicts": (b"\x80\x04}}\x93.", "a dict and a dict as a name"),
    **{f"eval, protocol {n}": (made, r"builtin.*eval") for n, made in enumerate(MADE)},
    "a storage is called": (b"ctorch\nFloatStorage\n)R.", r"torch\.FloatStorage is called"),
    "a text is called": (text("os.system") + b")R.", r"REDUCE: os\.system is called"),
    "a tensor is called": (WHOLE + b")R.", "a tensor is called"),
    "no arguments but a list": (b"ccollections\nOrderedDict\n]R.", "a list as arguments"),
    "a dict of arguments": (b"ccollections\nOrderedDict\n(K\x01tR.", "with arguments"),
    "state of a name": (b"ccollections\nOrderedDict\n}b.", "state of a global"),
    "state of a text": (text("x") + b"}b.", "state of x"),
    "__setstate__": (DICT + b"}" + text("__setstate__") + text("x") + b"sb.", "__setstate__"),
    "__class__": (DICT + b"}" + text("__class__") + text("x") + b"sb.", "__class__"),
    "state in a tuple": (DICT + b"N}\x86b.", "a tuple as the state"),
    "INST": (b"(" + text("ls") + b"ios\nsystem\n.", "INST"),
    "OBJ": (b"(cos\nsystem\no.", r"os\.system"),
    "OBJ of what is known": (b"(ccollections\nOrderedDict\no.", "OBJ"),
    "NEWOBJ": (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
    "NEWOBJ_EX": (b"\x80\x04ccollections\nOrderedDict\n)}\x92.", "NEWOBJ_EX"),
    "EXT1": (b"\x80\x02\x82\x01.", "EXT1"),
    "EXT2": (b"\x80\x02\x83\x01\x00.", "EXT2"),
    "EXT4": (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
    "PERSID": (b"Pstorage\n.", "PERSID"),
    "a storage that is a text": (text("x") + b"Q.", "x where a storage is needed"),
    "a storage of another word": (b"(" + text("module") + b"NNNNtQ.", "module of None"),
    "a storage of no kind": (b"(" + text("storage") + b"NNNNtQ.", "storage of None"),
    "a storage of a function": (
        b"(" + text("storage") + DICT[:-2] + b"NNNtQ.",
        "storage of a global",
    ),
    "a part of a storage": (storage("0", "Float", 6, b"(K\x01K\x01K\x01t") + b".", "a part of"),
    "a storage of many values": (storage("0", "Float", 1 << 63) + b".", "of 9223372036854775808"),
    "a storage of fewer than none": (storage("0", "Float", -1) + b".", "of -1 values"),
    "a storage without a name": (storage("0", "Float", 6).replace(text("0"), b"]") + b".", "list"),
    "a buffer from outside": (b"\x80\x05\x97.", "NEXT_BUFFER"),
    "bytes": (b"\x80\x05\x96" + struct.pack("<Q", 1 << 60) + b".", "BYTEARRAY8"),
    "a set": (b"\x80\x04\x8f.", "EMPTY_SET"),
    "protocol 200": (b"\x80\xc8.", "protocol 200"),
    "no opcode": (b"\xff.", "opcode 0xff"),
    "a giant number": (b"\x8b" + struct.pack("<i", 1 << 30) + b".", "LONG4"),
    "a giant decimal number": (b"L" + b"9" * 900_000 + b"L\n.", "LONG"),
    "a giant text": (b"\x8d" + struct.pack("<Q", (1 << 64) - 1) + b".", "BINUNICODE8"),
    "a giant text of 4 GB": (b"X\xff\xff\xff\xff.", "4,294,967,295 bytes needed"),
    "a text that is none": (b"X\x01\x00\x00\x00\xff.", "UTF-8"),
    "a text with escapes": (b"S'\\z\\x'\n.", "STRING"),
    "a memo of much": (
        b"}" + b"".join(b"r" + struct.pack("<I", 40_000 * i) for i in range(100_000)) + b"0.",
        "POP",
    ),
    "a memo that is empty": (b"h\x07.", "value 7 of the memo"),
    "a memo of nothing": (b"q\x00.", "where none is"),
    "doubling": (b")" + b"q\x00h\x00\x86" * 100_000 + b".", "a tuple, a dict of tensors"),
    "doubling as a name": (b")" + b"q\x00h\x00\x86" * 100_000 + b"Q.", "a tuple where"),
    "doubling as a shape": (
        TENSOR + b"(" + STORED + b"K\x00)" + b"q\x00h\x00\x86" * 1000 + b")NNtR.",
        "a tuple in its shape",
    ),
    "keys of one hash": (
        b"}(" + b"".join(number(i * ((1 << 61) - 1)) + b"N" for i in range(60_000)) + b"u.",
        "0 as a key",
    ),
    "doubling as a key": (b"})" + b"q\x00h\x00\x86" * 1000 + b"Ns.", "a tuple as a key"),
    "deep tuples": (b")" + b"\x85" * 900_000 + b".", "a tuple, a dict of tensors"),
    "deep lists": (b"]" * 400_000 + b"a" * 399_999 + b".", "a list, a dict of tensors"),
    "deep marks": (b"(" * 900_000 + b".", "STOP"),
    "a dict in itself": (b"}q\x00" + text("a") + b"h\x00s.", "a is a dict, a tensor"),
    "a list in itself": (b"]q\x00h\x00a.", "a list, a dict of tensors"),
    "no stop": (b"\x80\x02}", "its end"),
    "nothing": (b"", "its end"),
    "an empty stack": (b".", "STOP"),
    "below the mark": (b"}(K\x01.(0.", "ends at byte 5"),
    "a value below the mark": (b"K\x01(\x85.", "TUPLE1"),
    "no mark": (b"t.", "no.* mark|a mark, where none is"),
    "keys without values": (b"}(" + text("a") + b"u.", "1 keys and values"),
    "a key twice": (b"}(" + (text("a") + WHOLE) * 2 + b"u.", "the key a twice"),
    "items of a list": (b"](" + text("a") + WHOLE + b"u.", "for a list"),
    "appended to a dict": (b"}K\x01a.", "a dict where a list"),
    "a list": (b"].", "a list, a dict of tensors"),
    "a tensor": (WHOLE + b".", "a tensor, a dict of tensors"),
    "a number among tensors": (dict_of(b"K\x07"), "a is 7, a tensor is needed"),
    "a dict among tensors": (dict_of(b"}"), "a is a dict"),
    "a number for a name": (b"}K\x01" + WHOLE + b"s.", "1 as a key"),
    "more behind": (dict_of(WHOLE) + b"x", "ends at byte"),
    "a parameter of nothing": (
        b"ctorch._utils\n_rebuild_parameter\n(N\x88" + DICT + b"tR.",
        "made of no tensor",
    ),
    "a tensor of nothing": (TENSOR + b")R.", "made of no storage"),
    "a tensor of a text": (TENSOR + b"(" + text("x") + b"NNNNNtR.", "made of no storage"),
    "another storage": (dict_of(tensor(storage("7", "Float", 6), (6,), (1,))), "no storage 7"),
    "a path as a storage": (
        dict_of(tensor(storage("../../x", "Float", 6), (6,), (1,))),
        r"no storage \.\./\.\./x",
    ),
    "a larger storage": (dict_of(tensor(storage("0", "Float", 7), (6,), (1,))), "24 bytes for 7"),
    "a wider storage": (dict_of(tensor(storage("0", "Double", 6), (6,), (1,))), "24 bytes for 6"),
    "outside": (dict_of(tensor(STORED, (7,), (1,))), "lead out of a storage of 6"),
    "outside by an offset": (dict_of(tensor(STORED, (6,), (1,), 1)), "lead out"),
    "outside by nothing": (dict_of(tensor(STORED, (0,), (1,), 7)), "lead out"),
    "outside by a stride": (dict_of(tensor(STORED, (2, 3), (4, 1))), "lead out"),
    "outside by a giant stride": (dict_of(tensor(STORED, (2,), ((1 << 63) - 1,))), "lead out"),
    "an overflow": (dict_of(tensor(STORED, (1 << 32, 1 << 32), (0, 0))), "lead out"),
    "an overflow to nothing": (dict_of(tensor(STORED, (1 << 62, 4, 1), (1, 1, 1))), "lead out"),
    "repeated without end": (dict_of(tensor(STORED, (7, 3), (0, 1))), "lead out"),
    "a negative stride": (dict_of(tensor(STORED, (6,), (-1,), 5)), "-1 in its strides"),
    "a negative size": (dict_of(tensor(STORED, (-2, -3), (3, 1))), "-2 in its shape"),
    "a negative offset": (dict_of(tensor(STORED, (2,), (1,), -1)), "-1 in its offset"),
    "a giant size": (dict_of(tensor(STORED, (1 << 900,), (1,))), "a number of 901 bits"),
    "a size that is true": (
        dict_of(TENSOR + b"(" + STORED + b"K\x00\x88\x85K\x01\x85\x89NtR"),
        "True in its shape",
    ),
    "a shape that is a list": (TENSOR + b"(" + STORED + b"K\x00])\x89NtR.", "a list as its shape"),
    "many sizes": (dict_of(tensor(STORED, (1,) * 9, (1,) * 9)), "a tuple as its shape"),
    "fewer strides": (dict_of(tensor(STORED, (2, 3), (1,))), "2 sizes and 1 strides"),
    "negated": (
        dict_of(tensor(STORED, (6,), (1,), 0, b"}" + text("neg") + b"\x88s")),
        "to be changed",
    ),
}


@BOTH
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pickle_is_refused_by_what_it_has_and_never_run(
    case, is_archive, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    content, message = HOSTILE[case]
    only_of_archives = {"more behind", "below the mark", "a larger storage", "a wider storage"}
    if is_archive:
        content = archive(content, [bytes(24)])
    elif case in only_of_archives | {"another storage", "a path as a storage"}:
        content, message = stream(content, [(6, bytes(24))]), "."
    else:
        content = stream(content, [(6, bytes(24))])
        message = "." if case in ("no stop", "nothing") else message
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(InputError, match=message) as caught:
        read_bytes(tmp_path, content)
    assert str(tmp_path / "pytorch_model.bin") in caught.value.problem
    assert len(caught.value.problem) < 400 + len(str(tmp_path))
    assert time.process_time() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10
    assert [path.name for path in tmp_path.iterdir()] == ["pytorch_model.bin"]


@pytest.mark.parametrize(
    ("shape", "strides"), [((1 << 20,), (1,)), ((2,), ((1 << 20) - 1,)), ((1 << 20,), (0,))]
)
def test_few_bytes_do_not_stand_for_a_large_model(shape, strides, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    view = tensor(storage("0", "Byte", 1 << 20), shape, strides)
    for count, is_right in ((60, True), (100, False)):
        views = b"".join(text(str(i)) + view for i in range(count))
        path.write_bytes(archive(b"\x80\x02}(" + views + b"u.", [bytes(1 << 20)]))
        if is_right:
            with TensorFile(path, read_pickled_entries) as file:
                assert len(file.entries) == count
        else:
            with pytest.raises(InputError, match="so often"):
                TensorFile(path, read_pickled_entries)


def test_there_are_fifty_hostile_pickles():
    assert len(HOSTILE) >= 50


def changed(**facts):
    """Return an archive whose list at the end says something else of its first file."""
    content = archive(PLAIN, [VALUES.tobytes()])
    start = content.index(b"PK\1\2")
    for place, data in facts.values():
        content = content[: start + place] + data + content[start + place + len(data) :]
    return content


def with_more(name, content=b"x"):
    return archive(PLAIN, [VALUES.tobytes()], [(name, content)])


def far_away():
    """Return an archive whose list puts its last file at byte 2**64 - 1."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("archive/data.pkl", PLAIN)
        info = zipfile.ZipInfo("archive/data/0")
        info.extra = struct.pack("<HHQ", 1, 8, (1 << 64) - 1)
        file.writestr(info, VALUES.tobytes())
    data = bytearray(content.getvalue())
    place = data.rindex(b"PK\1\2") + 42
    data[place : place + 4] = b"\xff" * 4
    return bytes(data)


def giant(kind, count):
    """Return a stream with a storage of any size, and one behind it."""
    made = [storage(str(i), kind, count) for i in range(2)]
    pair = b"".join(text(str(i)) + tensor(one, (), ()) for i, one in enumerate(made))
    return stream(b"\x80\x02}(" + pair + b"u.", [(count, b""), (count, b"")])


BOMB = archive(PLAIN, [bytes(10 << 20)], compression=zipfile.ZIP_DEFLATED)
TWICE = with_more("archive/data/1").replace(b"archive/data/1", b"archive/data/0")
ARCHIVES = {
    "packed": (BOMB, "is packed"),
    "another method": (changed(a=(10, b"\x09\x00")), "is packed"),
    "sizes that differ": (changed(a=(20, b"\x01\x00\x00\x00")), "is packed"),
    "encrypted": (changed(a=(8, b"\x01\x00")), "encrypted"),
    "a version to come": (changed(a=(6, b"\xff\x00")), "damaged zip"),
    "larger than the file": (changed(a=(20, b"\xff\xff\xff\x7f" * 2)), "more than there are"),
    "far away": (far_away(), "lies behind the last"),
    "a list longer than any": (
        archive(PLAIN)[:-22]
        + struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, (1 << 64) - 1, 0)
        + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, (1 << 32) - 1, (1 << 32) - 1, 0),
        "damaged zip",
    ),
    "a storage larger than any file": (giant("Double", (1 << 63) - 1), "values at byte|holds"),
    "a storage behind the file": (giant("Byte", 1 << 40), "values at byte|holds"),
    "overlapping": (changed(a=(20, struct.pack("<II", *[len(PLAIN) + 9] * 2))), "overlaps"),
    "a file at another's place": (changed(a=(42, b"\x01\x00\x00\x00")), "no header"),
    "there twice": (TWICE, "there twice"),
    "a path upwards": (with_more("archive/../x"), "no plain name"),
    "a path from the root": (with_more("/etc/passwd"), "no plain name"),
    "a path of another system": (with_more("archive/..\\x"), "no plain name"),
    "a file in no folder": (with_more("x"), "no plain name"),
    "another folder": (with_more("other/x"), "not in one folder"),
    "no pickle": (archive(PLAIN).replace(b"data.pkl", b"data.pkk"), r"without data\.pkl"),
    "big-endian": (
        archive(PLAIN, [VALUES.tobytes()], [("archive/byteorder", b"big")]),
        "byteorder",
    ),
    "a long pickle": (archive(PLAIN + bytes(1 << 20), [VALUES.tobytes()]), "at most 1,048,576"),
    "a long list": (
        archive(PLAIN, [], [(f"archive/{i:0>900}", b"") for i in range(1200)]),
        "more than 1,048,576",
    ),
    "nothing but a sign": (b"PK", "damaged zip"),
    "another order": (HEAD.replace(b"\x88s.", b"\x89s.") + PLAIN + b"].", "little_endian"),
    "another version": (HEAD.replace(b"M\xe9\x03", b"M\xea\x03") + PLAIN + b"].", "version 1001"),
    "other pickles": (PLAIN * 5, "none of torch.save"),
    "fewer storages listed": (stream(PLAIN), "not those of the tensors"),
    "more storages listed": (stream(PLAIN, [], ["0", "1"]), "not those of the tensors"),
    "a storage listed twice": (stream(PLAIN, [], ["0", "0"]), "not those of the tensors"),
    "no list of storages": (HEAD + PLAIN + b"K\x01.", "no list of storages"),
    "numbers as a list of storages": (HEAD + PLAIN + b"](K\x01e.", "no list of storages"),
    "fewer values": (stream(PLAIN, [(5, VALUES.tobytes())]), "has 5 values"),
    "many values": (stream(PLAIN, [((1 << 64) - 1, VALUES.tobytes())]), "has 18,446,744"),
    "bytes behind": (stream(PLAIN, [(6, VALUES.tobytes() + b"x")]), "the file holds"),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_a_hostile_container_is_refused(case, tmp_path):
    content, message = ARCHIVES[case]
    with pytest.raises(InputError, match=message) as caught:
        read_bytes(tmp_path, content)
    assert str(tmp_path / "pytorch_model.bin") in caught.value.problem


@BOTH
def test_a_file_cut_anywhere_is_refused(is_archive, tmp_path):
    whole = saved({"a": VALUES, "b": VALUES[0]}, is_archive)
    assert len(read_bytes(tmp_path, whole)) == 2
    for length in range(len(whole)):
        with pytest.raises(InputError, match=r"pytorch_model\.bin"):
            read_bytes(tmp_path, whole[:length])


@BOTH
@given(data=st.data())
def test_a_changed_byte_is_refused_or_gives_finite_numbers(is_archive, data, tmp_path_factory):
    raw = bytearray(saved({"a": VALUES, "b": VALUES[0]}, is_archive))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_bytes(tmp_path_factory.getbasetemp(), bytes(raw))
    except TokpipeError:
        return
    assert all(np.isfinite(values).all() for values in found.values())
