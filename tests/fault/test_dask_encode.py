"""Encoding by the workers of a cluster: any number of them, killed, and going on."""

import os
import signal
import time

import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from tests.fault.conftest import Command, names, write_corpus
from tests.fault.dask_cluster import linked, local_workers, wait_until
from tests.fault.shards import write_tokenizer

LOCAL = ("--engine", "dask", "--workers", "2")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A text of 40 MB, which is ten items, a vocabulary, and what one thread makes of both."""
    folder = tmp_path_factory.mktemp("prepared")
    write_corpus(folder / "small.txt")
    (folder / "text.txt").write_bytes((folder / "small.txt").read_bytes() * 1_200)
    write_tokenizer(folder / "tok.json")
    assert encode(folder, "--threads", "1").run().code == 0
    return folder


@pytest.fixture
def folder(tmp_path, prepared):
    return linked(prepared, tmp_path, "text.txt", "tok.json")


def encode(folder, *engine):
    return Command(folder, "encode", "text.txt", "-t", "tok.json", "-o", "out.arrow", *engine)


def is_whole(folder, prepared):
    same = (folder / "out.arrow").read_bytes() == (prepared / "out.arrow").read_bytes()
    return same and names(folder) == ["out.arrow", "text.txt", "tok.json"]


def finished_parts(folder):
    """Return when each part was written that has a record; one without is made again."""
    records = folder.glob(".out.arrow.partial/[!.]*.json")
    parts = (record.with_suffix(".part") for record in records)
    return {path: path.stat().st_mtime_ns for path in parts}


def wait_for_parts(folder, least, process):
    wait_until(lambda: len(finished_parts(folder)) >= least, process)


@pytest.mark.parametrize("workers", [1, 2])
def test_bytes_are_those_of_one_thread(folder, prepared, workers):
    ran = encode(folder, *LOCAL[:3], workers).run()
    assert ran.code == 0, ran.err
    assert is_whole(folder, prepared)


def test_a_killed_worker_costs_its_own_items(folder, prepared):
    process = encode(folder, *LOCAL).started()
    wait_for_parts(folder, 1, process)
    os.kill(local_workers(process.pid)[0], signal.SIGKILL)
    err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 0 and "workers lost: 1" in err, err
    assert is_whole(folder, prepared)


def test_a_killed_command_goes_on_from_the_parts_that_are_there(folder, prepared):
    process = encode(folder, *LOCAL).started()
    wait_for_parts(folder, 2, process)
    process.kill()
    process.communicate()
    time.sleep(1)  # its workers see that it is gone
    kept = finished_parts(folder)
    assert kept and not (folder / "out.arrow").exists()
    process = encode(folder, *LOCAL).started()
    wait_for_parts(folder, len(kept) + 1, process)
    assert kept.items() <= finished_parts(folder).items()
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert is_whole(folder, prepared)
