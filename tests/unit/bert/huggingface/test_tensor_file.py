import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.bert.huggingface.tensor_file import MOST_HEADER, TensorFile, write_tensors
from tokpipe.foundation.errors import ConfigError, InputError, TokpipeError

VALUES = {
    "a": np.array([[1.5, -2.0, 0.0], [3.0, -0.0, 1e-3]], np.float32),
    "b": np.array([7.0], np.float32),
}


def read_all(path):
    with TensorFile(path) as file:
        out = {}
        for name, entry in file.entries.items():
            out[name] = np.empty(entry.shape, np.float32)
            file.read(name, out[name])
        return out


def write_raw(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def entry(begin, end, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_what_was_written_is_read_and_the_library_agrees(tmp_path, dtype):
    numpy_file = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "x.safetensors"
    write_tensors(path, VALUES, dtype)
    found = read_all(path)
    for name, values in VALUES.items():
        near = {"F32": 0, "F16": 1e-3, "BF16": 8e-3}[dtype]
        np.testing.assert_allclose(found[name], values, rtol=near)
    if dtype != "BF16":  # which numpy has not
        theirs = numpy_file.load_file(path)
        assert {n: v.astype(np.float32).tobytes() for n, v in theirs.items()} == {
            n: v.tobytes() for n, v in found.items()
        }


def test_a_file_of_the_library_is_read(tmp_path):
    numpy_file = pytest.importorskip("safetensors.numpy")
    numpy_file.save_file(VALUES, tmp_path / "x.safetensors")
    found = read_all(tmp_path / "x.safetensors")
    assert {n: v.tobytes() for n, v in found.items()} == {n: v.tobytes() for n, v in VALUES.items()}


def test_every_value_of_16_bits_survives_reading_and_writing(tmp_path):
    path = tmp_path / "x.safetensors"
    bits = np.arange(1 << 16, dtype=np.uint16)
    half = bits[np.isfinite(bits.view(np.float16))].view(np.float16).astype(np.float32)
    brain = (bits.astype(np.uint32) << 16).view(np.float32)
    brain = brain[np.isfinite(brain)]
    for values, dtype in ((half, "F16"), (brain, "BF16")):
        write_tensors(path, {"x": values}, dtype)
        assert read_all(path)["x"].tobytes() == values.tobytes()


def test_bfloat16_is_rounded_to_the_nearest_even(tmp_path):
    path = tmp_path / "x.safetensors"
    values = np.array([0x3F808000, 0x3F818000, 0x3F808001], np.uint32).view(np.float32)
    write_tensors(path, {"x": values}, "BF16")
    assert [hex(v) for v in read_all(path)["x"].view(np.uint32)] == [
        "0x3f800000",
        "0x3f820000",
        "0x3f810000",
    ]


@pytest.mark.parametrize(("dtype", "value"), [("F16", 70_000.0), ("BF16", 3.4e38)])
def test_a_value_that_does_not_fit_is_refused(tmp_path, dtype, value):
    with pytest.raises(ConfigError, match="too large"):
        write_tensors(tmp_path / "x", {"x": np.array([value], np.float32)}, dtype)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, bad):
    path = tmp_path / "x.safetensors"
    values = np.ones(1000, np.float32)
    values[[700, 800]] = bad
    write_tensors(path, {"x": values})
    with pytest.raises(InputError, match="value 700 is"):
        read_all(path)


BAD = {
    "no JSON": (b"{", b""),
    "no object": (b"[]", b""),
    "deep": (b'{"a":' * 50_000, b""),
    "key twice": (b'{"a":1,"a":2}', b""),
    "NaN": (b'{"a":NaN}', b""),
    "no UTF-8": (b'{"\xff":1}', b""),
    "huge number": ({"a": {"dtype": "F32", "shape": [10**40], "data_offsets": [0, 4]}}, b"1234"),
    "entry is no object": ({"a": 3}, b""),
    "key missing": ({"a": {"dtype": "F32", "shape": [1]}}, b"1234"),
    "key too many": ({"a": entry(0, 4) | {"x": 1}}, b"1234"),
    "unknown dtype": ({"a": entry(0, 4, dtype="F31")}, b"1234"),
    "dtype is a list": ({"a": entry(0, 4, dtype=["F32"])}, b"1234"),
    "negative size": ({"a": entry(0, 4, shape=(-1, -1))}, b"1234"),
    "size is true": ({"a": entry(0, 4, shape=(True,))}, b"1234"),
    "too many dimensions": ({"a": entry(0, 4, shape=(1,) * 9)}, b"1234"),
    "borders backwards": ({"a": entry(4, 0)}, b"1234"),
    "borders do not fit the shape": ({"a": entry(0, 8)}, b"12345678"),
    "overlap": ({"a": entry(0, 4), "b": entry(0, 4)}, b"1234"),
    "gap": ({"a": entry(0, 4), "b": entry(8, 12)}, b"1234" * 3),
    "does not begin at 0": ({"a": entry(4, 8)}, b"1234" * 2),
    "bytes behind": ({"a": entry(0, 4)}, b"12345"),
    "bytes missing": ({"a": entry(0, 4)}, b"123"),
    "metadata": ({"__metadata__": {"a": 1}}, b""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_header_is_refused(tmp_path, name):
    path = tmp_path / "x.safetensors"
    write_raw(path, *BAD[name])
    with pytest.raises(InputError):
        TensorFile(path)


def test_a_long_header_is_refused_unread(tmp_path):
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write((88 << 20).to_bytes(8, "little"))
        file.truncate(90 << 20)
    with pytest.raises(InputError, match=f"at most {MOST_HEADER:,}"):
        TensorFile(path)


@pytest.mark.parametrize("content", [b"", b"1234567", (5).to_bytes(8, "little") + b"{}"])
def test_a_short_file_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="too few"):
        TensorFile(path)


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError):
            TensorFile(path)


@given(st.data())
def test_a_changed_byte_is_refused_or_gives_finite_numbers(data):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        write_tensors(path, VALUES)
        raw = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        raw = raw[: data.draw(st.sampled_from([len(raw), len(raw) - 1, len(raw) // 2]))]
        path.write_bytes(raw)
        try:
            found = read_all(path)
        except TokpipeError:
            return
        assert all(np.isfinite(values).all() for values in found.values())
