"""Building shards by the workers of a cluster: killed, lost, refused; and finished by others."""

import os
import re
import signal
import time

import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from tests.fault.conftest import Command, hashes, names, write_corpus
from tests.fault.dask_cluster import DaskCluster, linked, local_workers, wait_until
from tests.fault.shards import write_tokenizer

BUILD = ("--block-bytes", "512k", "--shard-size", "2m", "--validation-fraction", "0.1")
STATIC = ("--masking", "static", "--dupe-factor", "2")
RECIPES = {"static": STATIC, "dynamic": (), "without pairs": (*STATIC, "--no-nsp")}
LOCAL = ("--engine", "dask", "--workers", "2")
FILES = ("text.txt", "tokenizer.json")
UNFINISHED = ".out.partial/.unfinished"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A text of 24 MB, which is some ten items, and a vocabulary."""
    folder = tmp_path_factory.mktemp("prepared")
    write_corpus(folder / "small.txt")
    (folder / "text.txt").write_bytes((folder / "small.txt").read_bytes() * 700)
    write_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture
def folder(tmp_path, prepared):
    return linked(prepared, tmp_path, *FILES)


def build(folder, recipe, *engine):
    asked = ("text.txt", "-t", "tokenizer.json", *BUILD, *RECIPES[recipe], *engine)
    return Command(folder, "build-shards", *asked, "-o", "out")


@pytest.fixture(scope="module")
def undisturbed(prepared, tmp_path_factory):
    """Return a function that gives the hashes of what one thread makes by a recipe."""
    made = {}

    def of(recipe):
        if recipe not in made:
            folder = tmp_path_factory.mktemp("undisturbed")
            linked(prepared, folder, *FILES)
            assert build(folder, recipe, "--threads", 1).run().code == 0
            made[recipe] = hashes(folder / "out")
        return made[recipe]

    return of


def wait_for(folder, pattern, least, process):
    """Wait until so many files of unfinished work are there."""
    wait_until(lambda: len(list((folder / UNFINISHED).glob(pattern))) >= least, process)


def ends_as(folder, ran, wanted):
    assert ran.code == 0, ran.err
    assert not re.search("distributed|Traceback|Warning", ran.err), ran.err
    assert hashes(folder / "out") == wanted
    assert names(folder) == ["out", "text.txt", "tokenizer.json"]


@pytest.mark.parametrize(
    ("recipe", "engine"),
    [
        ("static", ("--threads", 2)),
        *(("static", (*LOCAL[:3], workers)) for workers in (1, 2, 4)),
        ("dynamic", LOCAL),
        ("without pairs", LOCAL),
    ],
)
def test_any_engine_and_number_of_workers_gives_the_bytes_of_one_thread(
    folder, undisturbed, recipe, engine
):
    ends_as(folder, build(folder, recipe, *engine).run(), undisturbed(recipe))


def test_a_killed_worker_costs_its_own_items_and_they_are_counted(folder, undisturbed):
    command = build(folder, "static", *LOCAL)
    process = command.started()
    wait_for(folder, "sections/train-*.json", 1, process)
    os.kill(local_workers(process.pid)[0], signal.SIGKILL)
    err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 0, err
    assert hashes(folder / "out") == undisturbed("static")
    lost = re.search(r"workers lost: 1; items that were done again: (\d+)", err)
    assert lost and int(lost[1]) <= 3, err


@pytest.mark.parametrize("seen", ["sections/*.outlines", "sections/train-*.json", "train-*.json"])
@pytest.mark.parametrize("after", [(), LOCAL], ids=["threads", "dask"])
def test_a_killed_coordinator_costs_nothing_that_was_finished(folder, undisturbed, seen, after):
    process = build(folder, "static", *LOCAL).started()
    wait_for(folder, seen, 1, process)
    process.kill()
    process.communicate()
    time.sleep(1)  # its workers see that it is gone
    kept = states(folder)
    ends_as(folder, build(folder, "static", *after).run(), undisturbed("static"))
    assert kept.items() <= finished(folder).items()


def test_a_killed_build_of_threads_is_finished_by_workers(folder, undisturbed):
    process = build(folder, "static", "--threads", 1).started()
    wait_for(folder, "train-*.json", 2, process)
    process.kill()
    process.communicate()
    kept = states(folder)
    assert len(kept) >= 2
    ends_as(folder, build(folder, "static", *LOCAL).run(), undisturbed("static"))
    assert kept.items() <= finished(folder).items()


def states(folder):
    """Return inode and time of the shards in a working folder that have a record."""
    found = {}
    for record in (folder / UNFINISHED).glob("*-*.json"):
        split, number = record.stem.split("-")
        state = (folder / f".out.partial/{split}/data-{number}.arrow").stat()
        found[state.st_ino] = state.st_mtime_ns
    return found


def finished(folder):
    return {
        path.stat().st_ino: path.stat().st_mtime_ns for path in (folder / "out").rglob("*.arrow")
    }


def test_a_killed_scheduler_is_said_and_costs_nothing(folder, undisturbed, tmp_path_factory):
    with DaskCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        asked = ("--engine", "dask", "--scheduler", cluster.address)
        process = build(folder, "static", *asked).started()
        wait_for(folder, "sections/train-*.json", 1, process)
        cluster.scheduler.kill()
        err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1, err
    assert "error: the scheduler tcp://127.0.0.1:" in err and "Traceback" not in err
    assert names(folder) == [".out.partial", "text.txt", "tokenizer.json"]
    ends_as(folder, build(folder, "static", *LOCAL).run(), undisturbed("static"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_and_the_same_command_goes_on(folder, undisturbed, number):
    command = build(folder, "static", *LOCAL)
    process = command.started()
    wait_for(folder, "sections/train-*.json", 1, process)
    process.send_signal(number)
    start = time.monotonic()
    err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 128 + number and time.monotonic() - start < 5, err
    assert "finished shards are kept" in err and "Traceback" not in err
    ends_as(folder, command.run(), undisturbed("static"))


BAD = {
    "not UTF-8": (b"harbour \xff\n", (), 3),
    "blank": (b"\n\n \n", (), 3),
    "too many shards": (b"harbour gull\n\n", ("--num-shards", "7"), 2),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_said_as_by_threads(tmp_path, prepared, what):
    (tmp_path / "tokenizer.json").hardlink_to(prepared / "tokenizer.json")
    content, more, code = BAD[what]
    (tmp_path / "text.txt").write_bytes(content)
    asked = ("build-shards", "text.txt", "-t", "tokenizer.json", *more, "-o", "out")
    one, two = (Command(tmp_path, *asked, *engine).run() for engine in ((), LOCAL))
    assert one.code == two.code == code
    assert one.err[one.err.index("error:") :] == two.err[two.err.index("error:") :]
    assert names(tmp_path) == ["text.txt", "tokenizer.json"]


def test_a_full_disk_of_a_worker_is_a_full_disk(folder):
    ran = build(folder, "static", *LOCAL).limited("FSIZE", 200_000)
    assert ran.code == 4 and "file too large" in ran.err.lower(), ran.err
    assert "Traceback" not in ran.err and names(folder) == ["text.txt", "tokenizer.json"]


def test_standard_input_is_refused(folder):
    asked = ("build-shards", "-", "-t", "tokenizer.json", "-o", "out", *LOCAL)
    ran = Command(folder, *asked).run()
    assert ran.code == 3 and "standard input: only one process can read it" in ran.err, ran.err
