import subprocess
import sys

import pytest

from tokpipe.foundation.memory import Memory, free_memory, machine_memory, peak_memory

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")


@linux
def test_the_machine_has_more_than_is_free():
    found = machine_memory()
    assert found is not None and 0 < found.free <= found.total
    assert 0 < peak_memory() < found.total
    assert free_memory() <= found.free + (64 << 20)  # measured a moment later


@linux
def test_a_limit_on_address_space_is_less_than_what_is_free():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))\n"
        "from tokpipe.foundation.memory import address_space_limit, free_memory\n"
        "print(address_space_limit() - free_memory() > 0, free_memory() < 200 << 20)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "True True\n"


def test_what_nobody_says_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr("tokpipe.foundation.memory.Path", lambda path: tmp_path / "none")
    assert machine_memory() is None
    assert Memory(2, 1).free == 1
