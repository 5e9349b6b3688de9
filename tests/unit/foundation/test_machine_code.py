"""Machine code put into memory: by us, and by LLVM where we do not know the processor."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from tokpipe.foundation import machine_code
from tokpipe.foundation.compiling import compile_for, dispatcher_of
from tokpipe.foundation.linking import NotLinkableError, linked
from tokpipe.foundation.machine_code import ObjectFile, load
from tokpipe.foundation.processors import levels

OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}
needs_level = pytest.mark.skipif(not levels(), reason="images are made for x86-64")


def running_sums(values, limit):
    """Use what compiled code may: new arrays, tuples, mathematics, constants, errors."""
    if limit < 0:
        raise ValueError("a negative limit")
    out = np.zeros(len(values))
    total = 0.0
    for i in range(len(values)):
        total += np.exp(values[i]) if total < limit else 1.0
        out[i] = total
    return out, total, limit > 3


@pytest.fixture(scope="module")
def codes():
    """Return the image of the function, and the object file that it was made of."""
    dispatcher = dispatcher_of(running_sums, OPTIONS, is_part=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tokpipe.foundation.compiling.linked", refuse)
        file = compile_for(dispatcher, (np.zeros(3), 1), next(iter(levels()), None))[1]
    assert isinstance(file, ObjectFile)
    return {"llvm": file} | ({"image": linked(file)} if levels() else {})


def refuse(code):
    raise NotLinkableError("as for another processor")


WAYS = ["llvm", pytest.param("image", marks=needs_level)]


@pytest.mark.parametrize("way", WAYS)
def test_loaded_code_does_what_the_function_does(codes, way):
    call = load(codes[way])
    values = np.linspace(0, 1, 7)
    out, total, large = call(values, 4)
    expected = running_sums(values, 4)
    np.testing.assert_allclose(out, expected[0], rtol=1e-14)
    assert (out.dtype, out.flags.writeable, large) == (np.float64, True, True)
    assert total == out[-1]


@pytest.mark.parametrize("way", WAYS)
def test_loaded_code_raises_what_the_function_raises(codes, way):
    with pytest.raises(ValueError, match="a negative limit"):
        load(codes[way])(np.zeros(2), -1)


@pytest.mark.parametrize("way", WAYS)
def test_loaded_code_runs_in_threads_and_frees_its_arrays(codes, way):
    call, values = load(codes[way]), np.zeros(100_000)

    def many():
        for _ in range(200):
            call(values, 4)

    threads = [threading.Thread(target=many) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()  # 480 MB, if nothing were freed
    assert call(values, 4)[1] == 100_000


@needs_level
def test_an_image_is_loaded_without_numba_and_beside_it(codes, tmp_path):
    script = tmp_path / "script.py"
    (tmp_path / "image").write_bytes(repr(tuple(codes["image"]._replace(module="sys"))).encode())
    script.write_text(
        "import sys, numpy as np\n"
        "from tokpipe.foundation.machine_code import Image, load\n"
        "call = load(Image(*eval(open(sys.argv[1]).read(), {'dtype': np.dtype})))\n"
        "print(call(np.zeros(3), 9)[1], [name for name in sys.modules if 'numba' in name])\n"
        "import numba\n"
        "print(numba.njit(lambda n: np.zeros(n).sum())(3), call(np.zeros(2), 9)[1])\n"
        "try: call(np.zeros(3), -1)\n"
        "except ValueError as error: print(error)\n"
    )
    command = [sys.executable, str(script), str(tmp_path / "image")]
    lines = subprocess.check_output(command, text=True, cwd=tmp_path.cwd()).splitlines()
    assert lines == ["3.0 []", "0.0 2.0", "a negative limit"]


@needs_level
def test_code_that_calls_what_is_not_there_is_not_loaded(codes):
    outer = {**codes["image"].outer, "no_such_function": [(0, 0)]}
    with pytest.raises(LookupError, match="no_such_function"):
        load(codes["image"]._replace(outer=outer))


def test_an_object_file_for_another_machine_is_not_linked(codes):
    content = bytearray(codes["llvm"].content)
    content[18] = 183  # aarch64
    with pytest.raises(NotLinkableError, match="x86-64"):
        linked(codes["llvm"]._replace(content=bytes(content)))
    with pytest.raises(NotLinkableError, match="x86-64"):
        linked(codes["llvm"]._replace(content=b"MZ" + bytes(content[2:])))


def test_numba_s_own_extensions_are_found_by_their_files():
    path = machine_code._extension("_helperlib")
    assert path.exists() and path.parent.name == "numba"
    with pytest.raises(LookupError, match="no_such"):
        machine_code._extension("no_such")
