"""What the workers of the tests are asked to do; they import it from here."""

import os
import signal
import time
from pathlib import Path

from tokpipe.foundation.errors import InputError


def doubled(number):
    return 2 * number


def slower_if_early(number):
    time.sleep(0.3 if number % 3 == 0 else 0.0)
    return number


def refused_from_five(number):
    time.sleep(0.2 if number == 5 else 0.0)  # later ones fail earlier
    if number >= 5:
        raise InputError(f"item {number} is bad", hint="Take another.")
    return number


def full(number):
    raise OSError(28, "No space left on device", "/data/counts")


def buggy(number):
    return {}["nowhere"]


def killed_once(item):
    """Kill the own worker the first time that an item is done."""
    folder, number = item
    (Path(folder) / f"{number}.{os.getpid()}").touch()
    if number == 4 and len(list(Path(folder).glob("4.*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return number


def deadly(number):
    os.kill(os.getpid(), signal.SIGKILL)


def asleep(number):
    time.sleep(20)


def pid(number):
    return os.getpid()
