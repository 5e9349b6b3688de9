"""Profiles and fixtures shared by all tests."""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.stores import store, store_server  # noqa: F401 - fixtures

settings.register_profile("tokpipe", deadline=None)  # the first call of a kernel compiles it
settings.load_profile("tokpipe")

# hundreds of processes are started: each would compile all modules anew
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # a shell starts what runs in its background like this, and every process that a test starts
    # and interrupts would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(os.environ.get("TOKPIPE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora and vocabularies; tests that want it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("no real corpora beside the checkout (set TOKPIPE_TEST_DATA)")
    return SHARED


_COMPARED: Counter[tuple[str, str]] = Counter()  # what the parity suites compared


@pytest.fixture(scope="session")
def compared() -> Callable[..., None]:
    """Return a function to say what was compared: ``compared("words", texts=3, bytes=900)``."""

    def add(subject: str, **amounts: int) -> None:
        for unit, amount in amounts.items():
            _COMPARED[subject, unit] += amount

    return add


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # a process of pytest-xdist: it has no terminal
        session.config.workeroutput["compared"] = [[*key, n] for key, n in _COMPARED.items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for subject, unit, amount in getattr(node, "workeroutput", {}).get("compared", []):
        _COMPARED[subject, unit] += amount


def pytest_terminal_summary(terminalreporter):
    for subject in sorted({subject for subject, _ in _COMPARED}):
        amounts = [f"{n:,} {unit}" for (s, unit), n in _COMPARED.items() if s == subject]
        terminalreporter.write_line(f"parity of {subject}: compared {', '.join(amounts)}")
