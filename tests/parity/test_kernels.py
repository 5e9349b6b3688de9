"""Every registered kernel against its twin: the same results, and the same changes in place."""

import copy
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokpipe
from tokpipe.foundation.jit import KERNELS

CASES: dict[str, st.SearchStrategy] = {}
TOLERANCES: dict[str, float] = {}  # where sums are in another order: of the greatest magnitude
PRODUCTS: dict[str, str] = {}  # which products of our own a kernel takes
for _path in sorted(Path(__file__).parent.glob("cases_*.py")):
    _cases = importlib.import_module(f"tests.parity.{_path.stem}")
    CASES |= _cases.CASES
    TOLERANCES |= getattr(_cases, "TOLERANCES", {})
    PRODUCTS |= getattr(_cases, "PRODUCTS", {})
for _module in pkgutil.walk_packages(tokpipe.__path__, "tokpipe."):
    if "kernels" in _module.name.split("."):
        importlib.import_module(_module.name)  # registers its kernels


def assert_same(ours, theirs, tolerance=0.0):
    if isinstance(theirs, tuple | list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other, tolerance)
    elif isinstance(theirs, np.ndarray) and tolerance and theirs.dtype.kind == "f":
        largest = np.abs(theirs[np.isfinite(theirs)]).max(initial=1.0)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * largest)
        assert ours.dtype == theirs.dtype
    elif isinstance(theirs, np.ndarray):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    elif tolerance and isinstance(theirs, float | np.floating):
        assert abs(ours - theirs) <= tolerance * max(1.0, abs(theirs))
    else:
        assert ours == theirs


def test_every_kernel_has_cases_and_every_case_a_kernel():
    assert set(CASES) == set(KERNELS)
    assert set(TOLERANCES) <= set(KERNELS)


@pytest.mark.parametrize("name", sorted(KERNELS))
@given(data=st.data())
def test_kernel_equals_its_reference(name, data):
    if not PRODUCTS.get(name, True):
        pytest.skip("this processor has no such products")
    arguments = data.draw(CASES[name])
    for_reference = copy.deepcopy(arguments)
    ours = KERNELS[name](*arguments)
    tolerance = TOLERANCES.get(name, 0.0)
    assert_same(ours, KERNELS[name].reference(*for_reference), tolerance)
    assert_same(arguments, for_reference, tolerance)
