"""Says what is to be said when ranks are killed, for then none of them can.

`mpiexec` kills all ranks as soon as one has died. So the first rank starts this small process,
which ends with it: silently if it is told that all is well, else with a message.
"""

import shlex
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_WELL = b"well"


def last_words(run: str, command: str) -> tuple[str, str]:
    """Return problem and hint of ranks that were killed.

    Parameters
    ----------
    run
        The folder that they worked in, here or in a store; empty: none that holds checkpoints.
    command
        That starts them again.
    """
    found = sorted(
        (path.parent.name for path in _place(run).glob("checkpoint-*/tokpipe.json") if run),
        key=lambda name: (len(name), name),
    )
    problem = "one of the processes has died, and the others were stopped"
    if run:
        last = f"the last checkpoint is {run.rstrip('/')}/{found[-1]}" if found else ""
        problem += f"; {last or 'there is no checkpoint yet'}"
    return problem, f"To go on: {command}"


def _place(run: str) -> Path:
    """Return where on this machine it is."""
    from tokpipe.foundation.stores.publishing import run_place

    return run_place(run)


@contextmanager
def guarded(run: str, command: Sequence[str]) -> Generator[None, None, None]:
    """Have somebody who speaks if this process is killed while the block runs."""
    words = [sys.executable, "-m", __name__, run, shlex.join(command)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdin is not None
    try:
        yield
    finally:
        with suppress(OSError):  # somebody has killed it
            process.stdin.write(_WELL)
            process.stdin.close()
        process.wait()


def main() -> None:
    """Wait for the end of the first rank."""
    run, command = sys.argv[1:]
    if sys.stdin.buffer.read() != _WELL:
        problem, hint = last_words(run, command)
        sys.stderr.write(f"error: {problem}\nhint:  {hint}\n")


if __name__ == "__main__":
    main()
