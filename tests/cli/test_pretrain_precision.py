"""--precision on the command line: what a run was begun in stays, and what is lacking is named."""

import pytest

from tests.cli.test_pretrain import SMALL
from tests.unit.training.folders import write_shards
from tokpipe.foundation import processors
from tokpipe.foundation.processors import multiplies


@pytest.fixture
def shards(tmp_path):
    return write_shards(tmp_path / "shards")


@pytest.mark.skipif(not multiplies("bfloat16"), reason="this processor has no products in bfloat16")
def test_a_longer_run_keeps_its_precision(tokpipe, shards):
    begun = ("pretrain", shards, *SMALL, "-o", "run")
    assert tokpipe(*begun, "--precision", "bfloat16").code == 0
    assert tokpipe("check", "run").code == 0
    ran = tokpipe(*begun, "--steps", 12, "--precision", "float32")
    assert ran.code == 4
    assert 'training.precision was "bfloat16", now it is "float32"' in ran.err
    assert tokpipe(*begun, "--steps", 12, "--precision", "bfloat16").code == 0


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_processor_without_it_is_named_in_one_line(tokpipe, shards, tmp_path, monkeypatch, more):
    monkeypatch.setattr(processors, "multiplies", lambda kind: kind == "float32")
    ran = tokpipe("pretrain", shards, *SMALL, "-o", "run", "--precision", "bfloat16", *more)
    assert ran.code == 2
    assert ran.err.startswith(
        "error: precision='bfloat16' takes AVX-512, which this processor has not\nhint:"
    )
    assert not list((tmp_path).glob("run/checkpoint-*"))
