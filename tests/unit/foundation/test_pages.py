import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import re
from pathlib import Path
import numpy as np
from tokpipe.foundation.jit import kernel
from tokpipe.foundation.pages import release_compiler_pages

def resident():
    return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

assert release_compiler_pages() >= 0

def first_reference(values):
    return values[0]

@kernel(reference=first_reference)
def first(values):
    return values[0]

first(np.zeros(1, np.int8))
before = resident()
assert release_compiler_pages() > 0
print(before - resident())
assert first(np.zeros(1, np.int64)) == 0  # compiles another version: LLVM is still there
"""


@pytest.mark.skipif(sys.platform != "linux", reason="pages are given back on Linux only")
def test_compiler_pages_go_and_the_compiler_still_works(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {"TOKPIPE_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    freed = subprocess.check_output([sys.executable, script], text=True, env=environment)
    assert int(freed) > 20_000  # kB
