"""A scheduler and workers as processes of their own, as a user would start them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds, on a busy machine


class DaskCluster:
    """A scheduler on the loopback address, and workers of one thread; all of them may be killed.

    Parameters
    ----------
    folder
        Where it keeps what it needs.
    security
        Options of both programs: TLS files.
    """

    def __init__(self, folder, workers=2, *, security=()):
        self.folder, self.security = folder, [*map(str, security)]
        self.workers = []
        self._file = folder / "scheduler.json"
        self._file.unlink(missing_ok=True)
        protocol = "tls" if security else "tcp"
        self.scheduler = self._started(
            "dask_scheduler", f"--protocol={protocol}", "--host=127.0.0.1", "--port=0",
            "--no-dashboard", "--dashboard-address=127.0.0.1:0", f"--scheduler-file={self._file}",
        )  # fmt: skip
        self.address = self._wait_for_address()
        for _ in range(workers):
            self.add_worker()

    def _started(self, program, *options, before=(), env=None):
        return subprocess.Popen(
            [*before, sys.executable, "-m", f"distributed.cli.{program}", *options, *self.security],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _wait_for_address(self):
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            try:
                return json.loads(self._file.read_text())["address"]
            except (OSError, ValueError):
                time.sleep(0.05)
        raise AssertionError("the scheduler did not start")

    def add_worker(self, **settings):
        """Start a worker; it needs no nanny, nobody starts it again."""
        worker = self._started(
            "dask_worker", self.address, "--no-nanny", "--nthreads=1", "--memory-limit=0",
            "--no-dashboard", "--dashboard-address=127.0.0.1:0", **settings,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def close(self):
        """Kill all that is left."""
        for process in (self.scheduler, *self.workers):
            process.kill()
            process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def children(pid):
    """Return the processes that a process has started, as they are."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, path.read_text().split())
    return found


def local_workers(pid):
    """Return the processes that count for a command that has started its own workers."""
    return [child for child in children(pid) if b"spawn_main" in command_of(child)]


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_until(is_done, process):
    """Wait until something is done while a process is at work, which is to be disturbed then."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit and process.poll() is None:
        if is_done():
            return
        time.sleep(0.002)
    raise AssertionError("it ended before it could be disturbed")


def linked(source, folder, *names):
    """Have files of another folder in one, and return it."""
    for name in names:
        (folder / name).hardlink_to(source / name)
    return folder


def stop(pid):
    """Hold a process, so that what it has to do stays undone."""
    os.kill(pid, signal.SIGSTOP)
