"""The examples in docstrings, run."""

import doctest
import importlib
from pathlib import Path

import pytest

import tokpipe

PACKAGE = Path(tokpipe.__file__).parent
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_print_what_they_say(path):
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert found.failed == 0
