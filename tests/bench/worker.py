"""A process that waits for the word, does one job, and says how long it took.

Run as ``python worker.py JOB JSON``: loads what the job needs, prints ``ready``, and for each line
on stdin does the job once and answers with one line of JSON: seconds, and what came out. Both
sides of a comparison run this way, in processes of their own, so that neither pays for the
other's imports or memory and the runs can alternate. The file uses nothing of this package, so
that the peers' side runs in an environment without it.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path


def peak_bytes() -> int:
    """Return the most memory that this process has held, as the kernel counts it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def main() -> None:
    """Load the side named on the command line, then answer one line for each line read."""
    side, job, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    spec = importlib.util.spec_from_file_location("side", Path(__file__).with_name(f"{side}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run = getattr(module, job)(**settings)
    print("ready", flush=True)
    for _ in sys.stdin:
        start, worked = time.perf_counter(), time.process_time()
        result = run()
        seconds, worked = time.perf_counter() - start, time.process_time() - worked
        outcome = {"seconds": seconds, "processor": worked, "peak": peak_bytes()}
        outcome["result"] = module.describe(result)
        print(json.dumps(outcome), flush=True)
        del result


if __name__ == "__main__":
    main()
