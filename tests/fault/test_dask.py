"""Counting and training by the workers of a cluster, which are killed, lost, late and strange."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from tests.fault.conftest import ROOT, Command, hashes, names
from tests.fault.dask_cluster import DaskCluster, command_of, local_workers, stop, wait_until

MEGABYTES = 48  # twelve pieces, six items
COUNT = ("count-words", "text.txt", "-o", "out")
LOCAL = ("--engine", "dask", "--workers", "2")
ITEMS = ".out.partial/.unfinished/items"


def write_text(path, megabytes=MEGABYTES):
    """Write plain text: the same words in every megabyte, and some of its own."""
    line = "the harbour of Åsa's gulls: 東京 café, low lower lowest {0} newer{0} newest!\n"
    with path.open("w", encoding="utf-8") as file:
        for number in range(megabytes):
            some = "".join(line.format(number * 1000 + n) for n in range(100))
            file.write(some * (1_000_000 // len(some.encode())) + "\n")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    write_text(path)
    return path


@pytest.fixture
def folder(tmp_path, text):
    (tmp_path / "text.txt").hardlink_to(text)
    return tmp_path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, text):
    """Return the hashes of what one thread makes of the text."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "text.txt").hardlink_to(text)
    assert Command(folder, *COUNT, "--threads", 1).run().code == 0
    return hashes(folder / "out")


@pytest.fixture
def cluster(tmp_path_factory):
    with DaskCluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def wait_for_items(folder, least, process):
    """Wait until so many items are finished."""
    wait_until(lambda: len(list(folder.glob(f"{ITEMS}/count-*.json"))) >= least, process)


def finished_items(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob(f"{ITEMS}/count-*.json")}


@pytest.mark.parametrize("engine", [("--threads", 2), *((*LOCAL[:3], n) for n in (1, 2, 4))])
def test_any_engine_and_number_of_workers_gives_the_bytes_of_one_thread(
    folder, undisturbed, engine
):
    ran = Command(folder, *COUNT, *engine).run()
    assert ran.code == 0, ran.err
    assert hashes(folder / "out") == undisturbed
    assert names(folder) == ["out", "text.txt"]
    assert not re.search("distributed|Traceback|Warning", ran.err), ran.err


def test_a_vocabulary_with_texts_held_out_has_the_bytes_of_one_thread(folder):
    write_text(folder / "more.txt", 6)
    train = ("train-vocab", "text.txt", "more.txt", "--vocab-size", "300", "--held-out", "0.2")
    for output, engine in (("one", ("--threads", 1)), ("two", LOCAL)):
        ran = Command(folder, *train, "-o", output, *engine).run()
        assert ran.code == 0, ran.err
    assert hashes(folder / "one") == hashes(folder / "two")


def test_a_killed_worker_costs_its_own_items_and_they_are_counted(folder, undisturbed):
    process = Command(folder, *COUNT, *LOCAL).started()
    wait_for_items(folder, 1, process)
    worker = local_workers(process.pid)[0]
    stop(worker)
    before = finished_items(folder)
    time.sleep(1)
    os.kill(worker, signal.SIGKILL)
    err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 0, err
    assert hashes(folder / "out") == undisturbed
    lost = re.search(r"workers lost: 1; items that were done again: (\d+)", err)
    assert lost and 1 <= int(lost[1]) <= 3, err
    assert before


@pytest.mark.parametrize("after", ["dask", "threads"])
def test_a_killed_scheduler_costs_nothing_that_was_finished(folder, undisturbed, cluster, after):
    asked = (*COUNT, "--engine", "dask", "--scheduler", cluster.address)
    process = Command(folder, *asked).started()
    wait_for_items(folder, 3, process)
    stop(cluster.workers[0].pid)
    cluster.scheduler.kill()
    start = time.monotonic()
    err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1 and time.monotonic() - start < 5, err
    assert "error: the scheduler tcp://127.0.0.1:" in err and "is lost" in err
    assert "Traceback" not in err and "it goes on" in err
    cluster.workers[0].send_signal(signal.SIGCONT)
    kept = finished_items(folder)
    assert len(kept) >= 3 and not (folder / "out").exists()
    again = Command(folder, *COUNT, *(LOCAL if after == "dask" else ()))
    process = again.started()
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert hashes(folder / "out") == undisturbed
    assert names(folder) == ["out", "text.txt"]


def test_a_killed_coordinator_costs_nothing_that_was_finished(folder, undisturbed):
    first = Command(folder, *COUNT, *LOCAL).started()
    wait_for_items(folder, 3, first)
    first.kill()
    first.communicate()
    time.sleep(1)  # its workers see that it is gone
    kept = finished_items(folder)
    second = Command(folder, *COUNT, *LOCAL).started()
    wait_for_items(folder, len(kept) + 1, second)
    found = finished_items(folder)
    assert {name: found[name] for name in kept} == kept  # and not made again
    second.communicate(timeout=120)
    assert second.returncode == 0
    assert hashes(folder / "out") == undisturbed
    assert names(folder) == ["out", "text.txt"]


KILLED_AT_A_COMMIT = """
import os, signal, sys
from tokpipe.cli.main import execute
from tokpipe.words import counter, journal
commit = journal.Journal.commit
def once(*arguments):
    commit(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
journal.Journal.commit = once
counter.ThreadCounter._is_time = lambda self: True
execute(sys.argv[1:])
"""


class KilledAtACommit(Command):
    program = ("-c", KILLED_AT_A_COMMIT)


@pytest.mark.parametrize(("first", "second"), [((), LOCAL), (LOCAL, ())])
def test_each_engine_goes_on_from_what_the_other_has_left(folder, undisturbed, first, second):
    assert KilledAtACommit(folder, *COUNT, *first).run().code == -signal.SIGKILL
    ran = Command(folder, *COUNT, *second).run()
    assert ran.code == 0, ran.err
    assert "going on: " in ran.err
    assert hashes(folder / "out") == undisturbed


def wait_until_gone(workers):
    """Wait for workers to end: one that was about to be born sees later that nobody is there."""
    limit = time.monotonic() + 10
    while any(map(command_of, workers)):
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_within_two_seconds_and_no_worker_stays(folder, number):
    process = Command(folder, *COUNT, *LOCAL).started()
    wait_for_items(folder, 1, process)
    workers = local_workers(process.pid)
    assert len(workers) == 2
    process.send_signal(number)
    start = time.monotonic()
    err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 128 + number and time.monotonic() - start < 2, err
    assert "Traceback" not in err and "distributed" not in err, err
    assert "the words counted so far are kept" in err
    wait_until_gone(workers)


@pytest.mark.parametrize("seconds", [1.0, 2.0, 3.0, 4.5])
def test_ctrl_c_to_the_whole_group_while_workers_start_is_answered_without_a_word(folder, seconds):
    often = ["text.txt"] * 40  # work that goes on behind the last of these moments
    process = Command(folder, *COUNT, *often, *LOCAL).started(start_new_session=True)
    time.sleep(seconds)
    workers = local_workers(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    start = time.monotonic()
    err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130 and time.monotonic() - start < 3, err
    assert not re.search("Traceback|KeyboardInterrupt|Warning|distributed", err), err
    wait_until_gone(workers)


def test_a_scheduler_that_is_not_there_is_said_within_seconds(folder):
    start = time.monotonic()
    asked = ("--engine", "dask", "--scheduler", "127.0.0.1:9")
    ran = Command(folder, *COUNT, *asked).run()
    assert ran.code == 1 and time.monotonic() - start < 20
    assert "error: no Dask scheduler can be reached at tcp://127.0.0.1:9" in ran.err, ran.err
    assert "Traceback" not in ran.err and names(folder) == ["text.txt"]


def test_a_worker_of_another_version_is_refused_with_both(folder, cluster, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(ROOT / "tokpipe", other / "tokpipe", ignore=shutil.ignore_patterns("*.pyc"))
    (other / "tokpipe/foundation/version.py").write_text('"""Other."""\n\n__version__ = "9.9"\n')
    cluster.add_worker(env={"PYTHONPATH": str(other)})
    asked = ("--engine", "dask", "--scheduler", cluster.address, "--workers", 3)
    ran = Command(folder, *COUNT, *asked).run()
    assert ran.code == 1, ran.err
    assert re.search(r"worker tcp://\S+ has tokpipe 9.9, here \d", ran.err), ran.err
    assert names(folder) == ["text.txt"]


def test_a_full_disk_of_a_worker_is_a_full_disk(folder):
    ran = Command(folder, *COUNT, *LOCAL).limited("FSIZE", 3000)
    assert ran.code == 4 and "file too large" in ran.err.lower(), ran.err
    assert "Traceback" not in ran.err and names(folder) == ["text.txt"]


def test_a_worker_that_does_not_see_the_folder_is_refused_before_any_work(folder, cluster):
    hidden = 'mount -t tmpfs none "$0" && exec "$@"'
    before = ("unshare", "-m", "sh", "-c", hidden, str(folder))
    if not shutil.which("unshare") or subprocess.run([*before, "true"]).returncode:
        pytest.skip("a mount of its own may not be made here")
    cluster.add_worker(before=before)
    asked = ("--engine", "dask", "--scheduler", cluster.address, "--workers", 3)
    ran = Command(folder, *COUNT, *asked).run()
    assert ran.code == 1, ran.err
    assert re.search(rf"worker tcp://\S+: the folder {folder}\S+ is not the one", ran.err), ran.err
    assert "-o to a folder that all machines share" in ran.err and names(folder) == ["text.txt"]
    looked = Command(folder, "doctor", "--scheduler", cluster.address).run()
    assert looked.code == 1 and "1 of 3 workers differ" in looked.out, looked.err
    said = "".join(looked.out.split())  # a long path is broken anywhere
    assert f"thefolder{folder}isnottheone" in said, looked.out


def test_doctor_finds_nothing_wrong_with_workers_of_this_machine(folder, cluster):
    wait_for_workers(cluster, 2)
    ran = Command(folder, "doctor", "--scheduler", cluster.address, "--json").run()
    found = json.loads(ran.out)
    assert ran.code == 0, ran.err
    assert len(found["workers"]) == 2 and not any(w["problems"] for w in found["workers"])
    assert found["findings"][-1]["name"] == "cluster" and names(folder) == ["text.txt"]


def wait_for_workers(cluster, count):
    from distributed import Client

    with Client(cluster.address) as client:
        client.wait_for_workers(count, timeout=60)


@pytest.fixture
def certificate(tmp_path_factory):
    """A certificate that vouches for itself, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificates of this test")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    asked = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    command = ["openssl", "req", *asked, "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def test_tls_files_are_handed_through(folder, undisturbed, certificate, tmp_path_factory):
    cert, key = certificate
    given = (f"--tls-ca-file={cert}", f"--tls-cert={cert}", f"--tls-key={key}")
    tls = ("--tls-ca", cert, "--tls-cert", cert, "--tls-key", key)
    with DaskCluster(tmp_path_factory.mktemp("cluster"), security=given) as cluster:
        address = cluster.address.removeprefix("tls://")
        asked = (*COUNT, "--engine", "dask", "--scheduler", address)
        without = Command(folder, *asked).run()
        assert without.code == 1 and "can be reached" in without.err, without.err
        assert "Traceback" not in without.err and names(folder) == ["text.txt"]
        ran = Command(folder, *asked, *tls).run()
    assert ran.code == 0, ran.err
    assert hashes(folder / "out") == undisturbed
    local = Command(folder, *COUNT, "--force", *LOCAL, *tls).run()
    assert local.code == 0, local.err
    assert hashes(folder / "out") == undisturbed


def test_another_program_at_the_port_is_no_scheduler(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        start = time.monotonic()
        ran = Command(folder, *COUNT, "--engine", "dask", "--scheduler", address).run()
    assert ran.code == 1 and time.monotonic() - start < 20
    assert f"no Dask scheduler can be reached at tcp://{address}" in ran.err, ran.err
    assert "Traceback" not in ran.err and names(folder) == ["text.txt"]


WITHOUT = """
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("dask", "distributed"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nowhere())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in ("dask", "distributed") else found(name)
from tokpipe.cli.main import execute
sys.exit(execute(sys.argv[1:]))
"""


class WithoutTheExtra(Command):
    program = ("-c", WITHOUT)


@pytest.mark.parametrize("command", [COUNT, ("train-vocab", *COUNT[1:], "--vocab-size", "300")])
def test_without_the_extra_dask_is_refused_and_threads_work(folder, command):
    ran = WithoutTheExtra(folder, *command, *LOCAL).run()
    assert ran.code == 2 and "--engine dask needs dask and distributed, which are" in ran.err
    assert "pip install 'tokpipe[dask]'" in ran.err and names(folder) == ["text.txt"]
    assert WithoutTheExtra(folder, *command).run().code == 0
