"""Machine code of all kernels, made while a wheel is built and put into it, if that is asked for.

    TOKPIPE_MACHINE_CODE=x86-64-v3,x86-64-v4 pip wheel --no-deps .

Not asked for, nothing is compiled: it takes minutes, and whoever installs from the sources on his
own machine has the same code after his first runs. The code fits the versions of Python, numba and
llvmlite that it was made with; with others, and on other processors, the wheel works without it.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_ASKED = "TOKPIPE_MACHINE_CODE"  # levels of x86-64, as LLVM names them
_COMPILERS = ("numba", "numpy", "scipy")  # what the modules of kernels import


class MachineCode(BuildHookInterface):
    """Puts packs of machine code into the wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what building needs, in the versions that the project asks for."""
        asked = self.metadata.core.dependencies if os.environ.get(_ASKED) else []
        return [one for one in asked if re.match(r"[\w-]+", one)[0] in _COMPILERS]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the files."""
        levels = os.environ.get(_ASKED, "").replace(",", " ").split()
        if not levels or version != "standard":
            return
        self.place = tempfile.TemporaryDirectory(prefix="tokpipe-")
        command = [sys.executable, "-m", "tokpipe.foundation.compile_ahead", "--packs"]
        environment = os.environ | {"PYTHONPATH": self.root, "TOKPIPE_CACHE_DIR": self.place.name}
        subprocess.run([*command, self.place.name, *levels], check=True, env=environment)
        for pack in Path(self.place.name).glob("*.pack"):
            build_data["force_include"][str(pack)] = f"tokpipe/machine_code/{pack.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the wheel holds now."""
        if hasattr(self, "place"):
            self.place.cleanup()
