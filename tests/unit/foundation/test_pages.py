import os
import subprocess
import sys
from pathlib import Path

import pytest

from tokpipe.foundation import pages

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


FORKS = """
import multiprocessing, sys, tempfile, threading
import tokpipe
from pathlib import Path

def count(path):
    counts = tokpipe.count_words([path])
    assert counts.total == 9000, counts.total
    sys.stdout.flush()

def children(method, path):
    context = multiprocessing.get_context(method)
    started = [context.Process(target=count, args=(path,)) for _ in range(3)]
    for child in started:
        child.start()
    for child in started:
        child.join()
    assert [child.exitcode for child in started] == [0, 0, 0], started

if __name__ == "__main__":
    path, method, first = sys.argv[1:]
    if first == "count":
        count(path)
    if first == "thread":
        threads = [threading.Thread(target=count, args=(path,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    starter = threading.Thread(target=children, args=(method, path))
    starter.start() if first == "thread" else children(method, path)
    if first == "thread":
        starter.join()
    count(path)
    print("whole")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="pages are given back on Linux only")
@pytest.mark.parametrize(
    ("method", "first"),
    [("fork", "count"), ("fork", "nothing"), ("fork", "thread"), ("spawn", "count")],
)
def test_children_count_as_their_parent_does(tmp_path, method, first):
    """The loader wrote to some pages; in a forked child these are shared, and still written."""
    script, text = tmp_path / "script.py", tmp_path / "text.txt"
    script.write_text(FORKS)
    text.write_text("to be or not\n" * 2250)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    ran = subprocess.run(
        [sys.executable, script, text, method, first],
        capture_output=True, text=True, env=environment, timeout=300, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout.split()) == (0, ["whole"]), ran.stderr


@pytest.mark.parametrize(
    ("fields", "clean"),
    [
        ("Private_Dirty: 0 kB\nShared_Dirty: 0 kB\nAnonymous: 0 kB\nSwap: 0 kB\n", True),
        ("Private_Dirty: 0 kB\nShared_Dirty: 8 kB\nAnonymous: 8 kB\nSwap: 0 kB\n", False),
        ("Private_Dirty: 0 kB\nShared_Dirty: 0 kB\nAnonymous: 8 kB\nSwap: 0 kB\n", False),
        ("Private_Dirty: 0 kB\nShared_Dirty: 0 kB\nAnonymous: 0 kB\nSwap: 8 kB\n", False),
        ("Private_Dirty: 8 kB\nShared_Dirty: 0 kB\nAnonymous: 8 kB\nSwap: 0 kB\n", False),
        ("Private_Dirty: 0 kB\n", False),  # a system that does not say
        ("", False),
    ],
)
def test_only_mappings_that_nobody_wrote_to_are_given_back(tmp_path, monkeypatch, fields, clean):
    maps = tmp_path / "smaps"
    other = "1000-2000 r-xp 0 00:00 7 /usr/lib/libother.so\nPrivate_Dirty: 0 kB\n"
    head = "2000-4000 r-xp 0 00:00 8 /usr/lib/libllvmlite.so\n"
    written = "4000-5000 rw-p 0 00:00 8 /usr/lib/libllvmlite.so\n"
    maps.write_text(other + head + fields + written + "Anonymous: 0 kB\n")
    monkeypatch.setattr(pages, "_MAPS", maps)
    assert list(pages._clean_mappings("libllvmlite")) == [(0x2000, 0x4000)] * clean


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone has such thresholds")
def test_freed_memory_is_kept_where_the_environment_says_otherwise():
    script = (
        "import resource, sys\n"
        "import numpy as np\n"
        "from tokpipe.foundation.pages import keep_freed_memory\n"
        "if sys.argv[1:]:\n"
        "    keep_freed_memory()\n"
        "def faults():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "before = faults()\n"
        "for _ in range(20):\n"
        "    np.ones(4 << 20, np.uint8)\n"
        "print(faults() - before)\n"
    )
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    given_back, kept = (
        int(subprocess.check_output([sys.executable, "-c", script, *more], env=environment))
        for more in ([], ["keep"])
    )
    assert kept < given_back / 5  # 4 MB are asked for once, not twenty times
