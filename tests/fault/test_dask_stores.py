"""Work of many processes whose output is in a store, which is all that they share."""

import os
import re
import signal
import time
from fnmatch import fnmatch

import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from tests.fault.conftest import Command, write_corpus
from tests.fault.dask_cluster import DaskCluster, linked, local_workers, wait_until
from tests.fault.shards import write_tokenizer
from tests.stores import Proxy, free_of_secrets

LOCAL = ("--engine", "dask", "--workers", "2")
ELSEWHERE = {"TOKPIPE_STORE_DIR": "another machine's"}  # below the folder that the command runs in
VOCABULARY = ("--vocab-size", "220", "--held-out", "0.2")
STATIC = ("--masking", "static", "--dupe-factor", "2")
WORK = {  # a command, what is before its output, and what of it is there when some is done
    "count": (("count-words", "IN"), "out/.partial/.unfinished/items/count-*.json"),
    "train": (("train-vocab", "IN", *VOCABULARY), "out/.partial/.unfinished/items/count-*.json"),
    "encode": (("encode", "IN", "-t", "TOK", "--to", "arrow"), ".out.partial/*.part"),
    "static": (("build-shards", "IN", "-t", "TOK", *STATIC), "*/sections/train-*.json"),
    "dynamic": (("build-shards", "IN", "-t", "TOK"), "*/sections/train-*.json"),
    "single": (("build-shards", "IN", "-t", "TOK", *STATIC, "--no-nsp"), "*/train-0000?.json"),
}
FILES = ("text.txt", "tok.json")
SIZES = ("--block-bytes", "256k", "--shard-size", "1m", "--validation-fraction", "0.1")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Make a text of 12 MB, which is some items, and a vocabulary."""
    folder = tmp_path_factory.mktemp("text")
    write_corpus(folder / "small.txt")
    (folder / "text.txt").write_bytes((folder / "small.txt").read_bytes() * 350)
    write_tokenizer(folder / "tok.json")
    return folder


@pytest.fixture
def folder(tmp_path, text):
    return linked(text, tmp_path, *FILES)


def command(output, folder, work, *engine, places=(("IN", "text.txt"), ("TOK", "tok.json"))):
    words, _ = WORK[work]
    sizes = SIZES if words[0] == "build-shards" else ()
    line = [dict(places).get(word, word) for word in words]
    return Command(folder, *line, *sizes, "-o", f"{output}/out", *engine)


@pytest.fixture(scope="module")
def by_threads(text, tmp_path_factory):
    """Return a function that gives what one thread makes here: the content of each file."""
    made = {}

    def of(work):
        if work not in made:
            folder = linked(text, tmp_path_factory.mktemp("threads"), *FILES)
            ran = command(folder, folder, work, "--threads", 1).run()
            assert ran.code == 0, ran.err
            files = [path for path in folder.rglob("*") if path.is_file()]
            contents = {str(path.relative_to(folder)): path.read_bytes() for path in files}
            made[work] = {name: made for name, made in contents.items() if name not in FILES}
        return made[work]

    return of


def holds(store, wanted):
    """Compare all that a store holds: no object more, no object less."""
    assert store.listed() == sorted(wanted)
    assert not [name for name in wanted if store.get(name) != wanted[name]]


def wait_for(store, work, process, least=1):
    pattern = WORK[work][1]
    wait_until(lambda: sum(fnmatch(key, pattern) for key in store.listed()) >= least, process)


def done_items(store):
    """Return the objects of unfinished work that say that an item is done."""
    return [key for key in store.listed() if re.search(r"(/items/count|sections/train).*json", key)]


def stored_again(store, keys):
    written = [path for method, path, _ in store.proxy.seen if method in ("PUT", "POST")]
    return [key for key in keys if any(path.split("?")[0].endswith(key) for path in written)]


def and_slowly(*cases):
    """Return cases that stand for no kind of their own: 20 s each."""
    return [pytest.param(*case, marks=pytest.mark.slow) for case in cases]


@pytest.mark.parametrize(
    "work", ["count", "static", *and_slowly(*((w,) for w in WORK if w not in ("count", "static")))]
)
def test_workers_that_share_a_store_alone_leave_the_bytes_of_threads(
    store, text, folder, tmp_path_factory, work
):
    for name in FILES:
        store.put(f"in/{name}", (text / name).read_bytes())
    places = (("IN", f"{store}/in/text.txt"), ("TOK", f"{store}/in/tok.json"))
    with DaskCluster(tmp_path_factory.mktemp("cluster"), workers=0) as cluster:
        for number in range(2):
            cache = str(tmp_path_factory.mktemp(f"worker{number}"))
            cluster.add_worker(env={"TOKPIPE_STORE_DIR": cache})
        engine = ("--engine", "dask", "--scheduler", cluster.address, "--workers", 2)
        ran = command(store, folder, work, *engine, places=places).run()
    assert ran.code == 0, ran.err
    assert not re.search("distributed|Traceback|Warning", ran.err), ran.err
    found = {key: store.get(key) for key in store.listed() if not key.startswith("in/")}
    for key in found:
        store.remove(key)
    ran = command(store, folder, work, "--threads", 2, places=places).run()
    assert ran.code == 0, ran.err
    for name in FILES:
        store.remove(f"in/{name}")
    holds(store, found)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_leaves_the_same(store, by_threads, folder, workers):
    for work in ("static", "count"):
        ran = command(store, folder, work, *LOCAL[:3], workers, "--force").run()
        assert ran.code == 0, ran.err
        holds(store, by_threads(work))


@pytest.mark.parametrize("work", ["static", *and_slowly(("count",), ("encode",))])
def test_a_killed_worker_costs_its_own_items(store, by_threads, folder, work):
    process = command(store, folder, work, *LOCAL).started()
    wait_for(store, work, process)
    os.kill(local_workers(process.pid)[0], signal.SIGKILL)
    err = process.communicate(timeout=200)[1].decode()
    assert process.returncode == 0 and "workers lost: 1" in err, err
    holds(store, by_threads(work))


@pytest.mark.parametrize(
    ("work", "after"),
    [
        ("static", "dask"),
        ("single", "threads"),
        *and_slowly(*((work, "dask") for work in ("count", "encode", "train", "single"))),
        *and_slowly(*((work, "threads") for work in ("count", "train"))),
    ],
)
def test_a_killed_coordinator_is_gone_on_with_by_another_machine(
    store, by_threads, folder, work, after
):
    process = command(store, folder, work, *LOCAL).started()
    wait_for(store, work, process, 2)
    process.kill()
    process.communicate()
    time.sleep(1)  # its workers see that it is gone
    kept = done_items(store)
    assert "out/tokpipe.json" not in store.listed() and "out" not in store.listed()
    looked = Command(folder, "inspect", "shards", f"{store}/out").run()
    assert looked.code == 4, looked.out
    store.proxy.seen.clear()
    engine = (*LOCAL[:3], 3) if after == "dask" else ("--threads", 2)
    ran = command(store, folder, work, *engine).run(env=ELSEWHERE)
    assert ran.code == 0, ran.err
    assert not stored_again(store, kept)
    holds(store, by_threads(work))


@pytest.mark.slow  # test_stored_work.py has it without a command
def test_other_settings_do_not_go_on_and_force_starts_over(store, by_threads, folder):
    process = command(store, folder, "static", *LOCAL).started()
    wait_for(store, "static", process)
    process.kill()
    process.communicate()
    time.sleep(1)
    ran = command(store, folder, "dynamic", *LOCAL).run(env=ELSEWHERE)
    assert ran.code == 4 and "interrupted work was begun with settings.masks" in ran.err, ran.err
    ran = command(store, folder, "dynamic", *LOCAL, "--force").run(env=ELSEWHERE)
    assert ran.code == 0, ran.err
    holds(store, by_threads("dynamic"))


def test_a_killed_build_of_threads_is_gone_on_with_by_another_machine(store, by_threads, folder):
    process = command(store, folder, "single", "--threads", 1).started()
    wait_for(store, "single", process, 2)
    process.kill()
    process.communicate()
    kept = [key for key in store.listed() if re.search("partial/train/data-.*arrow", key)][:2]
    store.proxy.seen.clear()
    ran = command(store, folder, "single", *LOCAL).run(env=ELSEWHERE)
    assert ran.code == 0, ran.err
    assert not stored_again(store, kept)
    holds(store, by_threads("single"))


@pytest.mark.parametrize(
    ("work", "fault", "said"),
    [
        ("count", 403, "refuses access"),
        *and_slowly(
            ("static", "drop", "does not answer"),  # asked again for minutes
            ("static", 403, "refuses access"),
            ("count", "drop", "does not answer"),
            ("encode", 403, "refuses access"),
            ("encode", "drop", "does not answer"),
        ),
    ],
)
def test_a_store_that_is_lost_is_said_and_the_work_goes_on(
    store, by_threads, folder, work, fault, said
):
    process = command(store, folder, work, *LOCAL).started()
    wait_for(store, work, process)
    store.proxy.fault = lambda method, path, asked: fault if "out" in path else None
    err = process.communicate(timeout=200)[1].decode()
    assert process.returncode == 4, err
    assert f"error: {store}/" in err and said in err and "Traceback" not in err, err
    assert free_of_secrets(err)
    store.proxy.fault = lambda *request: None
    kept = done_items(store)
    store.proxy.seen.clear()
    ran = command(store, folder, work, *LOCAL).run()
    assert ran.code == 0, ran.err
    assert not stored_again(store, kept)
    holds(store, by_threads(work))


@pytest.mark.parametrize("fault", ["shifted", *and_slowly(("short",), ("flipped",))])
def test_wrong_answers_about_items_are_noticed(store, by_threads, folder, fault):
    store.proxy.fault = lambda method, path, asked: fault if "/sections/" in path else None
    ran = command(store, folder, "static", *LOCAL).run()
    assert ran.code == 4 and "the store answers wrongly" in ran.err, ran.err
    store.proxy.fault = lambda *request: None
    ran = command(store, folder, "static", *LOCAL).run()
    assert ran.code == 0, ran.err
    holds(store, by_threads("static"))


@pytest.mark.parametrize("work", ["static", *and_slowly(("count",), ("encode",))])
def test_a_worker_that_may_not_write_is_named_before_any_work(
    store, folder, tmp_path_factory, work
):
    refusing = Proxy(store.proxy.port)
    refusing.fault = lambda method, path, asked: 403 if "out" in path else None
    with DaskCluster(tmp_path_factory.mktemp("cluster"), workers=1) as cluster:
        endpoint = f"http://127.0.0.1:{refusing.server_port}"
        cluster.add_worker(env={"AWS_ENDPOINT_URL": endpoint, "AWS_SECRET_ACCESS_KEY": "another!"})
        engine = ("--engine", "dask", "--scheduler", cluster.address, "--workers", 2)
        ran = command(store, folder, work, *engine).run()
    refusing.shutdown()
    refusing.server_close()
    assert ran.code == 1, ran.err
    assert re.search(rf"worker tcp://\S+: {store}/\S+: the store refuses access", ran.err), ran.err
    assert free_of_secrets(ran.err) and "another!" not in ran.err
    assert not done_items(store)


def test_a_store_of_one_process_is_not_shared(store, folder):
    ran = command("memory:/", folder, "count", *LOCAL).run()
    assert ran.code == 1 and re.search(r"worker \S+: the folder memory://out/\S+ is not", ran.err)
