"""Profiles and fixtures shared by all tests."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

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
