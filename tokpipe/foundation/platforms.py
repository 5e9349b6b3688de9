"""Where tokpipe runs: Linux, and other Unixes as far as they have what it needs."""

import importlib
import os
import sys


def missing_here() -> str:
    """Return what keeps tokpipe from running on this system, as a sentence; nothing on Linux.

    What makes it only slower or less talkative (``/proc``, `resource`, memory files) is not asked.
    """
    try:
        importlib.import_module("fcntl")
    except ImportError:
        lacking = "file locks (fcntl)"
    else:
        if hasattr(os, "preadv"):
            return ""
        lacking = "reading at a place (preadv)"
    return f"tokpipe runs on Linux; this system ({sys.platform}) has no {lacking}"
