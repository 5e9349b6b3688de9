"""Everything that can be checked in the present environment, a line a step.

``python -m tests.check`` runs all steps, ``python -m tests.check fast`` leaves the long tests out,
``python -m tests.check lint types`` runs steps by name. A step whose tool is not installed is
skipped with a sentence. ``--figures`` prints the size of the code instead, with ``--against REV``
that of a git revision beside it, and ``--constants`` the numbers that say nothing of where they
come from. The exit code is 0 if no step failed, else 1.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests import figures

ROOT = Path(__file__).parents[1]
_PYTEST = ("-m", "pytest", "-q")


@dataclass(frozen=True)
class Step:
    """One thing to check.

    Attributes
    ----------
    module
        What must be importable for it.
    arguments
        What the interpreter is given.
    """

    module: str
    arguments: tuple[str, ...]


STEPS = {
    "lint": Step("ruff", ("-m", "ruff", "check", ".")),
    "format": Step("ruff", ("-m", "ruff", "format", "--check", ".")),
    "types": Step("pyright", ("-m", "pyright", "--pythonpath", sys.executable)),
    "architecture": Step("importlinter", (*_PYTEST, "-n", "0", "tests/architecture")),
    "docs": Step("pytest", (*_PYTEST, "tests/docs")),
    "unit": Step("pytest", (*_PYTEST, "tests/unit")),
    "tests": Step(
        "pytest", (*_PYTEST, *(f"--ignore=tests/{part}" for part in ("architecture", "docs")))
    ),
}
ALL = tuple(name for name in STEPS if name != "unit")  # which "tests" holds
FAST = tuple(name for name in STEPS if name != "tests")


def run(names: list[str]) -> int:
    """Run steps in order, a line each, with the output of those that failed under it."""
    failed = [name for name in names if not _passes(name, STEPS[name])]
    print(f"{', '.join(failed)} failed" if failed else "all passed")
    return 1 if failed else 0


def _passes(name: str, step: Step) -> bool:
    if importlib.util.find_spec(step.module) is None:
        print(f"{name:<14} skipped: {step.module} is not installed; pip install '.[test,dev]'")
        return True
    print(f"{name:<14} ", end="", flush=True)
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *step.arguments],
        **{"cwd": ROOT, "env": os.environ | {"PYTHONUTF8": "1"}},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
    )
    output = done.stdout.decode("utf-8", "replace").rstrip()
    last = output.rsplit("\n", 1)[-1].strip("= ")
    verdict = f"failed ({done.returncode})" if done.returncode else "passed"
    print(f"{verdict} in {time.perf_counter() - begun:.1f} s: {last}", flush=True)
    if done.returncode:
        print(output, flush=True)
    return done.returncode == 0


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.check", description=__doc__)
    parser.add_argument("steps", nargs="*", metavar="fast|STEP", help=f"of {', '.join(STEPS)}")
    parser.add_argument("--figures", action="store_true", help="the size of the code instead")
    parser.add_argument("--against", metavar="REV", help="with --figures: beside this revision")
    parser.add_argument("--constants", action="store_true", help="numbers without a word of why")
    options = parser.parse_args()
    if options.figures or options.against:
        print(figures.report(ROOT, options.against))
        return 0
    if options.constants:
        print("\n".join(figures.bare_constants(ROOT)))
        return 0
    names = list(FAST) if options.steps == ["fast"] else options.steps or list(ALL)
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        parser.error(f"no step {', '.join(unknown)}; there are: fast, {', '.join(STEPS)}")
    return run(names)


if __name__ == "__main__":
    raise SystemExit(main())
