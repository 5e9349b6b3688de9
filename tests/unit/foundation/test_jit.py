import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tokpipe.foundation import code_store, jit
from tokpipe.foundation.arguments import as_text, kinds_of
from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.foundation.jit import kernel

SCRIPT = """
import sys
import numpy as np
from tokpipe.foundation.jit import kernel

def double_reference(values):
    return values * 2

@kernel(reference=double_reference)
def double(values):
    return values * 2

print(double(np.arange(3)).tolist(), *double.origins)
"""


LOADED = """
loaded = {"numba", "llvmlite"} & {*sys.modules}
print(loaded)
print(double(np.array([1.0, 2.0])).tolist(), *double.origins)
"""

OTHERS = """
print(double(values=np.arange(2)).tolist(), double(np.arange(4)[::2]).tolist(), len(double.origins))
try:
    double([1, 2], 3)
except TypeError as error:
    print(error)
"""


def run_script(folder: Path, cache: Path, more: str = "", **environment: str) -> str:
    script = folder / "script.py"
    script.write_text(SCRIPT) if not script.exists() else None
    if more:
        script = folder / "more.py"
        script.write_text(f"from script import *\n{more}")
    environment |= {"TOKPIPE_CACHE_DIR": str(cache), "PYTHONPATH": str(Path.cwd())}
    return subprocess.check_output([sys.executable, script], text=True, env=environment).strip()


def test_kernel_with_other_parameters_than_its_reference_is_refused():
    with pytest.raises(TypeError, match="different parameters"):
        kernel(reference=lambda a: a)(lambda b: b)


def test_second_process_finds_the_kernel_compiled(tmp_path):
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] compiled"
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] cache"


def test_a_copy_of_the_sources_elsewhere_and_later_finds_it_too(tmp_path):
    run_script(tmp_path, tmp_path / "cache")
    copy = tmp_path / "copy"
    copy.mkdir()
    assert run_script(copy, tmp_path / "cache") == "[0, 2, 4] cache"


def test_a_changed_source_is_compiled_anew(tmp_path):
    run_script(tmp_path, tmp_path / "cache")
    (tmp_path / "script.py").write_text(SCRIPT.replace("* 2", "* 3"))
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 3, 6] compiled"


def test_code_for_another_processor_is_not_found(tmp_path):
    run_script(tmp_path, tmp_path / "cache")
    generic = {"NUMBA_CPU_NAME": "x86-64-v2", "NUMBA_CPU_FEATURES": ""}
    assert run_script(tmp_path, tmp_path / "cache", **generic) == "[0, 2, 4] compiled"
    assert run_script(tmp_path, tmp_path / "cache", **generic) == "[0, 2, 4] cache"


def test_cached_kernel_loads_without_a_compiler_and_others_still_compile(tmp_path):
    run_script(tmp_path, tmp_path / "cache", LOADED)
    script = tmp_path / "script.py"
    lines = run_script(tmp_path, tmp_path / "cache", LOADED).splitlines()
    assert lines == ["[0, 2, 4] cache", "set()", "[2.0, 4.0] cache cache"]
    script.write_text(SCRIPT + LOADED.replace("1.0, 2.0", "1 + 0j"))
    first, loaded, last = run_script(tmp_path, tmp_path / "cache").splitlines()
    assert (first, loaded) == ("[0, 2, 4] compiled", "{'llvmlite', 'numba'}") or loaded
    assert last.startswith("[(2+0j)] ")


def test_arguments_may_be_named_and_wrong_ones_are_refused(tmp_path):
    lines = run_script(tmp_path, tmp_path / "cache", OTHERS).splitlines()
    assert lines[1] == "[0, 2] [0, 4] 2"
    assert "argument" in lines[2]


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9], ids=["head", "middle", "tail"])
def test_damaged_cache_entry_is_rebuilt(tmp_path, place):
    run_script(tmp_path, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.code"):
        data = bytearray(path.read_bytes())
        data[int(len(data) * place)] ^= 0x55
        path.write_bytes(data)
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] compiled"
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] cache"


@pytest.mark.parametrize("length", [0, 20, 50])
def test_cut_cache_entry_is_rebuilt(tmp_path, length):
    run_script(tmp_path, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.code"):
        path.write_bytes(path.read_bytes()[:length])
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] compiled"


def test_kernels_run_without_a_place_for_their_cache(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert run_script(tmp_path, blocked) == "[0, 2, 4] compiled"


def test_a_cache_that_others_may_write_is_not_read(tmp_path):
    """A pickle is code: one that another has put there must not run."""
    cache = tmp_path / "cache"
    run_script(tmp_path, cache)
    (entry,) = cache.rglob("*.code")
    mark = tmp_path / "ran"
    entry.write_bytes(code_store.sealed(pickle.dumps(Hostile(str(mark)))))
    folder = next(path for path in (cache / "kernels").iterdir())
    folder.chmod(0o777)
    assert run_script(tmp_path, cache) == "[0, 2, 4] compiled"
    assert not mark.exists()
    assert sorted(path.name for path in folder.rglob("*.code")) == [entry.name]


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def test_the_folders_of_the_cache_are_private(tmp_path):
    run_script(tmp_path, tmp_path / "cache")
    for folder in (tmp_path / "cache", *(tmp_path / "cache" / "kernels").iterdir()):
        assert folder.stat().st_mode & 0o777 == 0o700


def halved_reference(values):
    return values // 2


@pytest.fixture
def halved(monkeypatch, tmp_path):
    """A kernel, with a cache of its own and a folder for packs of the wheel."""
    monkeypatch.setattr(jit, "KERNELS", {})  # which the parity tests walk
    monkeypatch.setattr(jit, "_cache_place", lambda: (tmp_path, ""))
    monkeypatch.setattr(jit, "PACKS", tmp_path / "packs")
    (tmp_path / "packs").mkdir()
    code_store.open_pack.cache_clear()

    def made():
        @kernel(reference=halved_reference)
        def halved(values):
            return values // 2

        return halved

    yield made
    code_store.open_pack.cache_clear()


VALUES = np.arange(4)


def packed(made, folder: Path) -> Path:
    """Compile for one kind of arguments, into a pack as the wheel would have it."""
    made().compile_ahead(as_text(kinds_of((VALUES,))), folder, jit.levels()[0])
    path = jit.pack_path(jit.levels()[0])
    code_store.write_pack(path, folder)
    for entry in folder.glob("*.code"):
        entry.unlink()
    return path


needs_level = pytest.mark.skipif(not jit.levels(), reason="code is made for x86-64-v3 and better")


@needs_level
def test_code_of_the_wheel_is_used_and_compiled_no_more(halved, tmp_path):
    packed(halved, tmp_path)
    kernel = halved()
    assert kernel(VALUES).tolist() == [0, 0, 1, 1]
    assert kernel.origins == ["wheel"]
    assert not [*tmp_path.glob("*.code")]


@needs_level
@pytest.mark.parametrize("place", [0, 60, -40], ids=["magic", "index", "entry"])
def test_damaged_code_of_the_wheel_is_compiled_anew(halved, tmp_path, place):
    path = packed(halved, tmp_path)
    data = bytearray(path.read_bytes())
    data[place] ^= 0x55
    path.write_bytes(data)
    kernel = halved()
    assert kernel(VALUES).tolist() == [0, 0, 1, 1]
    assert kernel.origins == ["compiled"]
    again = halved()
    assert again(VALUES).tolist() == [0, 0, 1, 1]
    assert again.origins == ["cache"]


@needs_level
@pytest.mark.parametrize("changed", ["python", "numba", "llvmlite"])
def test_code_of_the_wheel_for_another_version_is_not_used(halved, tmp_path, monkeypatch, changed):
    packed(halved, tmp_path)
    versions = {**jit.versions(), changed: "99.0"}
    monkeypatch.setattr(jit, "versions", lambda: versions)
    kernel = halved()
    assert kernel(VALUES).tolist() == [0, 0, 1, 1]
    assert kernel.origins == ["compiled"]


@needs_level
def test_code_of_the_wheel_for_other_sources_is_not_used(halved, tmp_path, monkeypatch):
    packed(halved, tmp_path)
    monkeypatch.setattr(jit, "sources_digest", lambda: "0" * 16)
    kernel = halved()
    kernel(VALUES)
    assert kernel.origins == ["compiled"]


@pytest.fixture
def announced(monkeypatch):
    """What `before_compiling` was given says so here, and fails the first time."""
    calls = []

    def announce():
        calls.append(len(calls))
        if len(calls) == 1:
            raise MemoryLimitError("too little room")

    monkeypatch.setattr(jit, "_announcements", [])
    jit.before_compiling(announce)
    return calls


def test_compiling_is_announced_once_and_not_begun_where_the_announcement_fails(halved, announced):
    kernel = halved()
    with pytest.raises(MemoryLimitError):
        kernel(VALUES)
    assert not kernel.origins
    for values in (VALUES, VALUES.astype(np.uint8)):
        assert kernel(values).tolist() == [0, 0, 1, 1]
    assert (kernel.origins, announced) == (["compiled"] * 2, [0, 1])


def test_loading_is_not_announced(halved, announced, monkeypatch):
    monkeypatch.setattr(jit, "_announcements", [])
    halved()(VALUES)
    jit.before_compiling(lambda: announced.append("loaded"))
    kernel = halved()
    assert kernel(VALUES).tolist() == [0, 0, 1, 1]
    assert (kernel.origins, announced) == (["cache"], [])
