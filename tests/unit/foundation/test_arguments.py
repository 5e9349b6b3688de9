"""Kinds of arguments are as fine as numba's types, and arguments can be made of their text."""

from typing import NamedTuple

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.arguments import as_text, examples_of, kinds_of


class Pair(NamedTuple):
    left: object
    right: object


RECORD = np.dtype([("count", np.int64), ("place", np.int32, (2,)), ("share", np.float32)])
ALIGNED = np.dtype([("flag", np.uint8), ("count", np.int64)], align=True)
NESTED = np.dtype([("inner", RECORD), ("flag", np.bool_)])


def read_only(array):
    array.flags.writeable = False
    return array


def of_file(folder):
    path = folder / "values"
    np.arange(4.0).tofile(path)
    return np.memmap(path, np.float64, mode="r")


VALUES = {
    "int": 3, "negative": -3, "large int": 2**63, "float": 0.5, "bool": True, "none": None,
    "uint64": np.uint64(3), "int32": np.int32(3), "float32": np.float32(3), "bool_": np.bool_(1),
    "vector": np.zeros(3), "empty": np.zeros(0), "scalar array": np.zeros(()),
    "bytes": np.zeros(3, np.uint8), "matrix": np.zeros((2, 3)), "by columns": np.zeros((3, 2)).T,
    "strided": np.zeros(6)[::2], "strided matrix": np.zeros((4, 4))[::2, ::2],
    "one row": np.zeros((1, 4)), "read only": read_only(np.zeros(3)),
    "record": np.zeros(1, RECORD)[0], "records": np.zeros(2, RECORD),
    "nested": np.zeros(2, NESTED),
    "tuple": (1, 2.0), "no tuple": (), "named": Pair(1, np.zeros(2, np.int32)),
    "named in named": Pair(Pair(1, 2), (np.zeros(1, RECORD)[0],)),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_examples_of_a_text_are_of_the_same_kinds_and_types(name):
    arguments = (VALUES[name], 1)
    text = as_text(kinds_of(arguments))
    made = examples_of(text)
    assert as_text(kinds_of(made)) == text
    assert [numba.typeof(value) for value in made] == [numba.typeof(value) for value in arguments]


@given(st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=2))
def test_texts_are_as_fine_as_types_and_kinds_are_finer(names):
    one, other = ([VALUES[name]] for name in names)
    is_same = as_text(kinds_of(one)) == as_text(kinds_of(other))
    assert not is_same or numba.typeof(one[0]) == numba.typeof(other[0])
    assert is_same or kinds_of(one) != kinds_of(other)


@pytest.mark.parametrize(
    "value", [np.zeros(1, ALIGNED), np.zeros(1, ALIGNED)[0], (np.zeros(1, ALIGNED),)]
)
def test_aligned_fields_are_left_to_numba(value):
    assert as_text(kinds_of([value])) == ""


def test_memory_of_a_file_is_an_array(tmp_path):
    mapped = of_file(tmp_path)
    assert as_text(kinds_of([mapped])) == as_text(kinds_of([read_only(np.zeros(4))]))
    assert numba.typeof(mapped) == numba.typeof(read_only(np.zeros(4)))


@pytest.mark.parametrize(
    "value", ["text", b"bytes", [1], {1: 2}, np.ma.array([1]), (1, "x"), len, np.float16(1)]
)
def test_what_only_numba_can_tell_has_no_kinds(value):
    assert kinds_of([1, value]) is None
