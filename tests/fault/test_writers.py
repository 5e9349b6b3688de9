"""L1: one writer a folder."""

import os
import subprocess
import time

from tests.fault.conftest import Command, names, write_corpus


def test_second_writer_is_told_who_writes_and_a_killed_one_lets_go(tmp_path):
    write_corpus(tmp_path / "text.txt")
    # It reads standard input, which does not end: so it holds the lock as long as we like.
    holder = Command(tmp_path, "count-words", "-", "-o", "out").started(stdin=subprocess.PIPE)
    limit = time.monotonic() + 60
    while not (tmp_path / ".out.lock").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    time.sleep(0.1)
    second = Command(tmp_path, "count-words", "text.txt", "-o", "out")
    ran = second.run()
    assert ran.code == 4, ran.err
    assert f"is being written by process {holder.pid} on {os.uname().nodename} since 20" in ran.err
    holder.kill()
    holder.communicate()
    ran = second.run()
    assert ran.code == 0, ran.err
    assert names(tmp_path) == ["out", "text.txt"]
