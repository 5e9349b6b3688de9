import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from tokpipe.cli.console import Console
from tokpipe.cli.interrupts import Stopped, answering_signals

ROOT = Path(__file__).parents[3]

ORDERLY = "time.sleep(60)"
STUCK = "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"  # C code, without the GIL, for minutes
DROPPED = """
import ctypes, os, signal
def callback():
    os.kill(os.getpid(), signal.{number})
    time.sleep(0.01)
ctypes.CFUNCTYPE(None)(callback)()
time.sleep(60)
"""
COMPILER = """
import os, signal
def load():
    global is_loaded
    os.kill(os.getpid(), signal.{number})
    time.sleep(0.1)
    is_loaded = True
of_llvmlite = {{"__name__": "llvmlite.binding.ffi", "load": load}}
try:
    exec("load()", of_llvmlite)
    time.sleep(60)
finally:
    print("whole" if is_loaded else "half loaded", file=sys.stderr)
"""
FAILING = COMPILER.replace("    time.sleep(60)\n", "    raise ValueError('the input has ended')\n")
STUBBORN_ALONE = """
import os, signal
try:
    os.kill(os.getpid(), signal.{number})
finally:
    time.sleep(60)
"""
NO_MORE_THREADS = """
import threading
def start(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
"""
STUBBORN = "\ntry: time.sleep(60)\nfinally: time.sleep(60)"


def started(work):
    """Start a process that does `work` under `execute`'s care of signals, once it is under way."""
    code = textwrap.dedent("""
        import hashlib, sys, time
        from tokpipe.cli.console import Console
        from tokpipe.cli.failures import report
        from tokpipe.cli.interrupts import answering_signals
        console = Console()
        console.when_stopped = lambda: "all is kept"
        with answering_signals(console, ["work", "a b"]) as ended_by:
            try:
                print("begun", flush=True)
                exec(sys.argv[1])
            except BaseException as error:
                sys.exit(report(ended_by(error), console, ["work", "a b"]))
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", code, work],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    return process


def ended(process, limit):
    begin = time.monotonic()
    said = process.communicate(timeout=30)[1]
    assert time.monotonic() - begin < limit
    return process.returncode, said


@pytest.mark.parametrize("work", [ORDERLY, STUCK, STUBBORN])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_is_answered_within_two_seconds(work, number, code):
    process = started(work)
    process.send_signal(number)
    found, said = ended(process, 2.0)
    assert found == code
    assert "all is kept. To go on:\n  tokpipe work 'a b'\n" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_signal_that_a_callback_drops_is_answered_all_the_same(number, code):
    process = started(DROPPED.format(number=number))
    found, said = ended(process, 1.0)  # not by force
    assert found == code
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert said.count("all is kept") == 1


@pytest.mark.parametrize("module", ["llvmlite.binding.ffi", "tokpipe.foundation.machine_code"])
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_signal_does_not_interrupt_the_loading_of_kernels(number, code, module):
    loading = COMPILER.format(number=number).replace("llvmlite.binding.ffi", module)
    process = started(f"is_loaded = False\n{loading}")
    found, said = ended(process, 1.0)  # not by force
    assert found == code
    assert said.startswith("whole\n")
    assert said.count("all is kept") == 1


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_work_that_fails_before_the_signal_comes_again_was_ended_by_it(number, code):
    process = started(f"is_loaded = False\n{FAILING.format(number=number)}")
    found, said = ended(process, 1.0)
    assert found == code
    assert said.startswith("whole\n") and "the input has ended" not in said
    assert said.count("all is kept") == 1


def test_signal_is_answered_where_the_loading_of_kernels_does_not_end():
    endless = COMPILER.format(number="SIGINT").replace("sleep(0.1)", "sleep(60)")
    found, said = ended(started(f"is_loaded = False\n{endless}"), 2.0)
    assert found == 130
    assert said.count("all is kept") == 1


@pytest.mark.parametrize("work", [DROPPED, STUBBORN_ALONE])
def test_signal_is_answered_where_no_thread_can_start(work):
    process = started(NO_MORE_THREADS + work.format(number="SIGINT"))
    found, said = ended(process, 2.0)
    assert found == 130
    assert said.count("all is kept") == 1
    assert "Traceback" not in said


def test_what_else_a_finalizer_drops_is_shown():
    process = started("class A:\n  def __del__(self): 1 / 0\nA()\nsys.exit(7)")
    found, said = ended(process, 2.0)
    assert found == 7
    assert "ZeroDivisionError" in said


PARQUET = """
import io
import numpy as np
from tokpipe.cli.vector_writers import ParquetTable
class Full(io.BytesIO):
    def write(self, data):
        raise OSError(28, "No space left on device")
console.is_over = {is_over}
try:
    ParquetTable(Full(), 2)
except OSError:
    sys.exit(4)
"""


def test_what_a_finalizer_raises_after_the_failure_is_not_shown():
    process = started(
        "console.is_over = True\nclass A:\n  def __del__(self): 1 / 0\nA()\nsys.exit(7)"
    )
    assert ended(process, 2.0) == (7, "")


def test_a_table_whose_file_failed_says_nothing_more():
    assert ended(started(PARQUET.format(is_over=True)), 10.0) == (4, "")


@pytest.mark.parametrize("work", [STUCK, STUBBORN])
def test_second_signal_is_answered_at_once(work):
    process = started(work)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert ended(process, 0.5)[0] == 130


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped), answering_signals(Console(), []):
        signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    time.sleep(1.8)  # nothing ends this process late


def test_threads_other_than_the_main_one_are_left_alone():
    seen = []

    def work():
        with answering_signals(Console(), []):
            seen.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [1]
