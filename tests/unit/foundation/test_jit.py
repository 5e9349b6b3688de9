import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tokpipe.foundation.jit import kernel

SCRIPT = """
import numpy as np
from tokpipe.foundation.jit import kernel

def double_reference(values):
    return values * 2

@kernel(reference=double_reference)
def double(values):
    return values * 2

print(double(np.arange(3)).tolist(), sum(double.stats.cache_hits.values()))
"""


LOWERING = """
import sys
print("numba.np.arraymath" in sys.modules)
print(double(np.array([1.0, 2.0])).tolist(), "numba.np.arraymath" in sys.modules)
"""


def run_script(folder: Path, cache: Path, more: str = "") -> str:
    script = folder / "script.py"
    script.write_text(SCRIPT) if not script.exists() else None
    if more:
        script = folder / "more.py"
        script.write_text(f"from script import *\n{more}")
    environment = {"TOKPIPE_CACHE_DIR": str(cache), "PYTHONPATH": str(Path.cwd())}
    return subprocess.check_output([sys.executable, script], text=True, env=environment).strip()


def test_kernel_with_other_parameters_than_its_reference_is_refused():
    with pytest.raises(TypeError, match="different parameters"):
        kernel(reference=lambda a: a)(lambda b: b)


def test_second_process_finds_the_kernel_compiled(tmp_path):
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] 0"
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] 1"


def test_cached_kernel_loads_without_what_compiling_needs_and_others_still_compile(tmp_path):
    run_script(tmp_path, tmp_path / "cache")
    lines = run_script(tmp_path, tmp_path / "cache", LOWERING).splitlines()
    assert lines == ["[0, 2, 4] 1", "False", "[2.0, 4.0] True"]


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9], ids=["head", "middle", "tail"])
def test_damaged_cache_entry_is_rebuilt(tmp_path, place):
    run_script(tmp_path, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.nb[ci]"):
        data = bytearray(path.read_bytes())
        data[int(len(data) * place)] ^= 0x55
        path.write_bytes(data)
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] 0"
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] 1"


def test_cut_cache_entry_is_rebuilt(tmp_path):
    run_script(tmp_path, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.nb[ci]"):
        path.write_bytes(path.read_bytes()[:50])
    assert run_script(tmp_path, tmp_path / "cache") == "[0, 2, 4] 0"


def test_kernels_run_without_a_place_for_their_cache(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert run_script(tmp_path, blocked) == "[0, 2, 4] 0"


def test_a_cache_that_others_may_write_is_not_read(tmp_path):
    """A pickle is code: one that another has put there must not run."""
    cache = tmp_path / "cache"
    run_script(tmp_path, cache)
    (entry,) = cache.rglob("*.nbi")
    mark = tmp_path / "ran"
    entry.write_bytes(pickle.dumps(Hostile(str(mark))))
    folder = next(path for path in (cache / "kernels").iterdir())
    folder.chmod(0o777)
    assert run_script(tmp_path, cache) == "[0, 2, 4] 0"
    assert not mark.exists()
    assert sorted(path.name for path in folder.rglob("*.nbi")) == [entry.name]


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def test_the_folders_of_the_cache_are_private(tmp_path):
    run_script(tmp_path, tmp_path / "cache")
    for folder in (tmp_path / "cache", *(tmp_path / "cache" / "kernels").iterdir()):
        assert folder.stat().st_mode & 0o777 == 0o700
