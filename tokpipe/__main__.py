"""`python -m tokpipe`, and the command `tokpipe`."""

import gc
import os
import signal
import sys
from types import FrameType

# Objects between two collections: the imports of a command make 120,000 that stay. Looking through
# them again and again, as the usual 700 does, costs 0.07 s of a `train-vocab`; once, 0.02 s.
_GARBAGE = 300_000


def run() -> None:
    """Run the command line of this process, and leave with its exit code."""
    gc.set_threshold(_GARBAGE)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)  # until the commands can answer: no traceback of imports
    from tokpipe.cli.main import execute

    code = execute(sys.argv[1:])
    os._exit(code)  # all is flushed; taking numba apart object by object would cost 0.11 s


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    run()
