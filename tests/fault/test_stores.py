"""Commands from and to an object store: the bytes of local ones, and whole or not at all."""

import hashlib
import json
import signal
import time

import pytest

from tests.fault.conftest import Command, hashes, write_corpus
from tests.stores import free_of_secrets

SMALL = ("--preset", "tiny", "--batch-tokens", "256")
SHORT = ("--vocab-size", "220")


def refused(ran, code, *said):
    assert ran.code == code, ran.err
    for words in said:
        assert words in ran.err
    assert ran.err.count("error:") == 1
    assert "Traceback" not in ran.err
    assert free_of_secrets(ran.err + ran.out)


def same_but_for_names(store, key, folder, names):
    """Compare all files; in those that name the inputs, after the names are made the same."""
    found = store.contents(key)
    wanted = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found.keys() == wanted.keys()
    for name, content in found.items():
        if not name.endswith(("tokpipe.json", "state.json")):  # a fingerprint of all, names too
            assert content == wanted[name], name
    stored = found["tokpipe.json"].decode()
    for theirs, ours in names.items():
        stored = stored.replace(theirs, ours)
    manifests = [json.loads(text) for text in (stored, wanted["tokpipe.json"])]
    for manifest in manifests:
        del manifest["sha256"]
        files = manifest["files"].items()
        manifest["files"] = {k: v for k, v in files if not k.endswith("state.json")}
    assert manifests[0] == manifests[1]


@pytest.fixture
def corpus(store, tmp_path):
    write_corpus(tmp_path / "text.txt")
    store.put("in/text.txt", (tmp_path / "text.txt").read_bytes())
    return f"{store}/in/text.txt"


def test_the_whole_way_gives_the_bytes_of_local_files(store, corpus, tmp_path):
    def both(*line):
        local = Command(tmp_path, *line).run()
        assert local.code == 0, local.err
        places = {"text.txt": corpus, "counts": f"{store}/counts", "tok": f"{store}/tok"}
        places |= {"shards": f"{store}/shards", "run": f"{store}/run", "ids": f"{store}/ids"}
        stored = Command(tmp_path, *(places.get(word, word) for word in line)).run()
        assert stored.code == 0, stored.err
        assert not (tmp_path / "s3:").exists()

    names = {corpus: "text.txt"}
    both("count-words", "text.txt", "-o", "counts")
    same_but_for_names(store, "counts", tmp_path / "counts", names)
    both("train-vocab", "--from-counts", "counts", *SHORT, "-o", "tok")
    same_but_for_names(store, "tok", tmp_path / "tok", names)
    both("encode", "text.txt", "-t", "tok", "-o", "ids")
    assert store.get("ids") == (tmp_path / "ids").read_bytes()
    both("build-shards", "text.txt", "-t", "tok", "--max-seq-length", "32", "-o", "shards")
    same_but_for_names(store, "shards", tmp_path / "shards", names)
    both("pretrain", "shards", *SMALL, "--steps", "6", "--save-steps", "3", "-o", "run")
    for key, content in hashes(tmp_path / "run").items():
        if key.endswith(".safetensors"):  # the others tell of the shards, and so of names
            assert content == hashlib.sha256(store.get(f"run/{key}")).hexdigest(), key
    assert not [key for key in store.listed() if "/." in key]


def test_a_pretraining_goes_on_from_the_store_on_another_machine(store, corpus, tmp_path):
    for line in (
        ("train-vocab", "text.txt", *SHORT, "-o", "tok"),
        ("build-shards", "text.txt", "-t", "tok", "--max-seq-length", "32", "-o", "shards"),
    ):
        assert Command(tmp_path, *line).run().code == 0
    small = ("pretrain", "shards", *SMALL, "--steps", "40", "--save-steps", "10", "-o")
    whole = Command(tmp_path, *small, "run").run()
    assert whole.code == 0, whole.err
    stopped = Command(tmp_path, *small, f"{store}/run")
    process, keys = stopped.started(), []
    while process.poll() is None and not any("checkpoint-000010/tokpipe" in key for key in keys):
        keys = store.listed()
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1].decode()
    assert process.returncode == 143, said
    assert f"{store}/run/checkpoint-" in said
    assert store.get("run/tokpipe.json") is None
    elsewhere = {"TOKPIPE_STORE_DIR": str(tmp_path / "another machine")}
    ran = stopped.run(env=elsewhere)
    assert ran.code == 0, ran.err
    assert store.get("run/model.safetensors") == (tmp_path / "run/model.safetensors").read_bytes()
    found = {key.split("/")[1] for key in store.listed() if key.startswith("run/")}
    assert found == {path.name for path in (tmp_path / "run").iterdir()}
    again = Command(tmp_path, *small, f"{store}/run").run()
    refused(again, 4, f"{store}/run exists already")
    shown = Command(tmp_path, "inspect", "run", f"{store}/run").run()
    assert shown.code == 0, shown.err


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_command_stopped_while_it_stores_goes_on(stop, store, corpus, tmp_path):
    whole = Command(tmp_path, "train-vocab", "text.txt", *SHORT, "-o", "tok").run()
    assert whole.code == 0, whole.err
    command = Command(tmp_path, "train-vocab", corpus, *SHORT, "-o", f"{store}/tok")
    store.proxy.fault = lambda method, path, asked: 2.0 if method in ("PUT", "POST") else None
    process = command.started()
    while process.poll() is None and not any("tok/tokenizer" in key for key in store.listed()):
        time.sleep(0.05)
    process.send_signal(stop)
    process.communicate()
    assert process.returncode in (-9, 130)
    assert store.get("tok/tokpipe.json") is None
    store.proxy.fault = lambda *request: None
    ran = command.run()
    assert ran.code == 0, ran.err
    assert store.get("tok/tokenizer.json") == (tmp_path / "tok/tokenizer.json").read_bytes()
    assert not [key for key in store.listed() if "/." in key]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (403, "refuses access"),
        ("drop", "does not answer"),
    ],
)
def test_a_store_that_refuses_what_is_made_is_said_and_the_work_kept(
    fault, said, store, corpus, tmp_path
):
    command = Command(tmp_path, "train-vocab", corpus, *SHORT, "-o", f"{store}/tok")
    store.proxy.fault = lambda method, path, asked: (
        fault if (method in ("PUT", "POST") and "merges" in path) or "vocab" in path else None
    )
    refused(command.run(), 4, f"{store}/tok/", said)
    assert store.get("tok/tokpipe.json") is None
    store.proxy.fault = lambda *request: None
    ran = command.run()
    assert ran.code == 0, ran.err


def test_what_cannot_be_read_or_written_is_said_before_the_work(store, corpus, tmp_path):
    count = ("count-words", corpus, "-o")
    refused(Command(tmp_path, *count, "s3://no-such-bucket-here/x").run(), 4, "no such bucket")
    refused(Command(tmp_path, *count, f"{store}").run(), 4, "exists already")
    refused(Command(tmp_path, *count, "nosuch://a/x").run(), 2, "no store that is known")
    refused(Command(tmp_path, *count, "s3://k:topsecret@b/x").run(), 2, "s3://***@b/x")
    refused(Command(tmp_path, "count-words", f"{store}/no.txt", "-o", "x").run(), 3, "/no.txt: ")
    store.put("taken/a.txt", b"a")
    refused(Command(tmp_path, *count, f"{store}/taken").run(), 4, "exists already")
    refused(Command(tmp_path, *count, f"{store}/taken", "--force").run(), 4, "not written by")
    store.put("busy/.tokpipe-writer.json", b'{"pid": 1, "host": "other", "start": "today"}')
    refused(Command(tmp_path, *count, f"{store}/busy").run(), 4, "process 1 on other since today")
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "s3:").exists()


def test_a_store_that_is_lost_while_it_is_read_is_bad_input(store, corpus, tmp_path):
    store.proxy.fault = lambda method, path, asked: "drop" if asked else None
    for line in (("count-words", corpus, "-o", "out"), ("encode", corpus, "-t", "x", "-o", "ids")):
        ran = Command(tmp_path, *line).run()
        if line[0] == "count-words":
            refused(ran, 3, f"{corpus}: the store does not answer")
        assert not (tmp_path / line[-1]).exists()


def test_file_addresses_are_paths(tmp_path):
    write_corpus(tmp_path / "text.txt")
    place = tmp_path.as_uri()
    ran = Command(tmp_path, "count-words", f"{place}/text.txt", "-o", f"{place}/counts").run()
    assert ran.code == 0, ran.err
    line = ("train-vocab", "--from-counts", f"{place}/counts", *SHORT, "-o", f"{place}/tok")
    ran = Command(tmp_path, *line).run()
    assert ran.code == 0, ran.err
    ran = Command(tmp_path, "encode", "text.txt", "-t", f"{place}/tok", "-o", f"{place}/ids").run()
    assert ran.code == 0, ran.err
    assert {path.name for path in tmp_path.iterdir()} == {"text.txt", "counts", "tok", "ids"}
