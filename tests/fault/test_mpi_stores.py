"""Processes of machines that share no folder, only a store: each fetches what it reads."""

import json
import os
import shutil
import signal

import pytest

from tests.fault.conftest import Command, hashes
from tests.fault.test_mpi import MPIEXEC, Ranks, ended, pytestmark, rank_pids  # noqa: F401
from tests.unit.training.folders import write_shards
from tests.unit.training.stopping import contents

TRAIN = (
    *("--save-steps", "8", "--eval-steps", "8", "-q", "--batch-tokens", "300"),
    *("--hidden-size", "16", "--num-hidden-layers", "2", "--num-attention-heads", "2"),
    *("--intermediate-size", "32", "--gradient-shards", "4"),
)
SHORT = ("--steps", "24")
ONCE = ("--epochs", "1", "--seeds", "2", "-q")

# A rank's machine: a working folder and a place for what is of stores, which no other one sees.
_MACHINE = """
import json, os, runpy, sys
own = os.path.abspath("machine-" + os.environ["PMI_RANK"])
os.makedirs(own, exist_ok=True)
os.chdir(own)
os.environ["TOKPIPE_STORE_DIR"] = os.path.join(own, "stores")
if own.endswith("-1"):
    os.environ.update(json.loads(os.environ.get("OF_THE_SECOND", "{}")))
del sys.argv[0]
runpy.run_module("tokpipe", run_name="__main__", alter_sys=True)
"""


class Machines(Command):
    """A command by several ranks, each on a machine of its own."""

    def __init__(self, folder, count, *arguments):
        super().__init__(folder, *arguments, "--engine", "mpi")
        self.before = (str(MPIEXEC) if MPIEXEC.is_file() else "mpiexec", "-n", str(count))
        self.program = ("-c", _MACHINE, "tokpipe")

    def started(self, *more, **settings):
        return super().started(*more, before=self.before, **settings)


@pytest.fixture
def shards(store, tmp_path):
    write_shards(tmp_path / "shards", rows=200, longest=20)
    store.put_folder(tmp_path / "shards", "shards")
    return f"{store}/shards"


@pytest.fixture
def wanted(shards, tmp_path):
    """What one process makes of the training, on one machine."""
    ran = Command(tmp_path, "pretrain", "shards", "-o", "alone", *TRAIN, *SHORT).run()
    assert ran.code == 0, ran.err
    return contents(tmp_path / "alone")


def in_store(store, key, folder):
    """Return the contents of a folder of the store."""
    for name, content in store.contents(key).items():
        path = folder / key / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return contents(folder / key)


def fetched(store, key):
    """Return the requests of an object that began at its first byte."""
    return [
        path
        for method, path, asked in store.proxy.seen
        if method == "GET" and f"/{key}" in path and str(asked).startswith("bytes=0-")
    ]


def test_a_training_from_store_to_store_has_the_bytes_of_one_machine(
    store, shards, wanted, tmp_path
):
    ran = Machines(tmp_path, 2, "pretrain", shards, "-o", f"{store}/run", *TRAIN, *SHORT).run()
    assert ran.code == 0, ran.err
    assert in_store(store, "run", tmp_path / "found") == wanted
    assert not list((tmp_path / "machine-1").rglob("checkpoint-*"))


def slow_at_storing(store):
    """Make what is stored behind the first checkpoint take a while."""
    store.proxy.fault = lambda method, path, asked: (
        0.2 if method in ("PUT", "POST") and "checkpoint-000016" in path else None
    )


def begun(store, process):
    """Wait for the first checkpoint in the store."""
    while process.poll() is None and not any("000008/tokpipe" in key for key in store.listed()):
        pass


@pytest.mark.parametrize(("before", "then"), [(4, 2), (2, 0)])
def test_stopped_it_goes_on_from_the_store_on_other_machines(
    before, then, store, shards, wanted, tmp_path
):
    words = ("pretrain", shards, "-o", f"{store}/run", *TRAIN, *SHORT)
    slow_at_storing(store)
    process = Machines(tmp_path, before, *words).started()
    begun(store, process)
    os.kill(process.pid, signal.SIGTERM)
    code, err, _ = ended(process, 30)
    assert code == 143 and f"{store}/run/checkpoint-" in err, err
    store.proxy.fault = lambda *request: None
    for place in tmp_path.glob("machine-*"):
        shutil.rmtree(place)
    ran = (Machines(tmp_path, then, *words) if then else Command(tmp_path, *words)).run()
    assert ran.code == 0, ran.err
    assert in_store(store, "run", tmp_path / "found") == wanted


def test_a_killed_rank_of_another_machine_costs_what_was_not_stored(
    store, shards, wanted, tmp_path
):
    words = ("pretrain", shards, "-o", f"{store}/run", *TRAIN, *SHORT)
    slow_at_storing(store)
    process = Machines(tmp_path, 2, *words).started()
    begun(store, process)
    os.kill(rank_pids(tmp_path / "machine-1")[1], signal.SIGKILL)
    code, err, _ = ended(process, 30)
    assert code and f"the last checkpoint is {store}/run/checkpoint-0000" in err, err
    store.proxy.fault = lambda *request: None
    ran = Machines(tmp_path, 4, *words).run()
    assert ran.code == 0, ran.err
    assert in_store(store, "run", tmp_path / "found") == wanted


def test_a_local_output_is_on_the_machine_of_the_first_rank_alone(store, shards, wanted, tmp_path):
    ran = Machines(tmp_path, 2, "pretrain", shards, "-o", "run", *TRAIN, *SHORT).run()
    assert ran.code == 0, ran.err
    assert not (tmp_path / "machine-1/run").exists()
    assert contents(tmp_path / "machine-0/run") == wanted


@pytest.mark.slow
def test_models_in_a_store_are_trained_further_and_asked_by_all_machines(
    store, shards, wanted, tmp_path
):
    """The way from a model in a store to another, and what is said of both."""
    words = ("good", "bad", "fine", "film", "plot", "a", "the")
    texts = [" ".join(words[(n * k) % 7] for k in range(1, 2 + n % 8)) for n in range(60)]
    rows = "".join(f"{text}\t{int('good' in text)}\n" for text in texts)
    given = {"train.tsv": f"sentence\tlabel\n{rows}", "texts.txt": "\n".join(texts)}
    for name, content in given.items():
        (tmp_path / name).write_text(content)
        store.put(name, content.encode())
    store.put_folder(tmp_path / "alone", "model")
    lines = [
        ("pretrain", "{shards}", "--from", "{model}", "-o", "{more}", "--steps", "8", "-q"),
        ("finetune", "classification", "{model}", "--train", "{train.tsv}", "-o", "{job}", *ONCE),
        ("embed", "{model}", "{texts.txt}", "-o", "{vectors.npy}", "-q"),
        ("evaluate", "{job}", "{train.tsv}", "--json", "-q"),
        ("evaluate", "{more}", "{shards}", "--json", "-q"),
    ]
    here = {"shards": "shards", "model": "alone", **{name: name for name in given}}
    there = {"shards": shards, "model": f"{store}/model", **{n: f"{store}/{n}" for n in given}}
    for name in ("more", "job", "vectors.npy"):
        here[name], there[name] = name, f"{store}/{name}"

    def filled(line, places):
        return [places.get(word[1:-1], word) if word[0] == "{" else word for word in line]

    for line in lines:
        one = Command(tmp_path, *filled(line, here)).run()
        several = Machines(tmp_path, 2, *filled(line, there)).run()
        assert one.code == several.code == 0, one.err + several.err
        if "--json" in line:
            said = [
                {name: value for name, value in json.loads(ran.out).items() if "second" not in name}
                for ran in (one, several)
            ]
            assert said[0] == said[1]
    assert store.get("vectors.npy") == (tmp_path / "vectors.npy").read_bytes()
    for name in ("more", "job"):
        for path, content in hashes(tmp_path / name).items():
            if path.endswith((".safetensors", "predictions.tsv", "vocab.txt")):
                assert in_store(store, name, tmp_path / "found")[path] == content, path


def test_ranks_of_one_machine_fetch_what_they_read_once(store, shards, tmp_path):
    words = ("pretrain", shards, "-o", "run", *TRAIN, "--steps", "4")
    ran = Ranks(tmp_path, 4, *words).run()
    assert ran.code == 0, ran.err
    names = [key for key in store.listed() if key.endswith(".arrow")]
    assert names
    for name in names:
        assert len(fetched(store, name)) == 1, name


@pytest.mark.parametrize("place", ["{store}/none", "s3://there-is-no-such-bucket/x"])
def test_what_is_not_there_is_said_once(place, store, shards, tmp_path):
    for words in (
        ("pretrain", place.format(store=store), "-o", "run", *TRAIN, *SHORT),
        ("evaluate", place.format(store=store), shards),
    ):
        ran = Machines(tmp_path, 2, *words).run()
        assert ran.code in (3, 4), ran.err
        assert ran.err.count("error:") == 1 and "Traceback" not in ran.err


def test_a_machine_that_does_not_reach_the_store_stops_all(store, shards, tmp_path):
    unreachable = json.dumps({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    words = ("pretrain", shards, "-o", "run", *TRAIN, *SHORT)
    ran = Machines(tmp_path, 2, *words).run(env={"OF_THE_SECOND": unreachable})
    assert ran.code == 4, ran.err
    assert ran.err.count("error:") == 1 and "does not answer" in ran.err
    assert "Traceback" not in ran.err
