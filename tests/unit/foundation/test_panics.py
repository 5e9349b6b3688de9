import subprocess
import sys

PROGRAM = """
import os, sys, threading
import tokenizers
from tokpipe.foundation.panics import without_panic_text

def panic():
    try:
        with without_panic_text():
            os.write(2, b"before\\n")
            os.write(2, b"\\nthread '<unnamed>' (12) panicked at tokenizers-lib/src/x.rs:1:2:\\n"
                b"it holds nothing\\nnote: run with `RUST_BACKTRACE=1` environment variable to "
                b"display a backtrace\\n")
            os.write(2, b"behind\\n")
            raise ValueError
    except ValueError:
        pass

def panics():
    for _ in range(50):
        panic()

threads = [threading.Thread(target=panics) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
os.write(2, b"end\\n")
"""


def test_the_text_of_a_panic_is_dropped_and_all_else_passed_on():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stderr.split()
    assert sorted(lines) == sorted(["before", "behind"] * 400 + ["end"])
    assert lines[-1] == "end"
