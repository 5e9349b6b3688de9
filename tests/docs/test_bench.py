"""The benches follow the names of what they measure; they run too long to be run here."""

from importlib import import_module
from pathlib import Path

import pytest

from tests import bench

OURS = sorted(path.stem for path in Path(bench.__path__[0]).glob("ours*.py"))


@pytest.mark.parametrize("side", OURS)
def test_our_side_of_a_bench_finds_what_it_measures(side):
    assert import_module(f"tests.bench.{side}").describe


def test_every_table_can_be_asked_for():
    assert import_module("tests.bench.__main__").TABLES
