import bz2
import gzip
import json

import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

import pyarrow as pa
import pyarrow.parquet as pq

from tokpipe.corpus.config import ReadConfig
from tokpipe.engines.config import EngineConfig
from tokpipe.engines.dask import counts as module
from tokpipe.engines.dask.counts import count_words
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.words import count as plain
from tokpipe.words.config import GPT2
from tokpipe.words.journal import Journal

TEXTS = [f"the {n} gulls of Åsa's café, 東京 low lower lowest {n % 7}" for n in range(900)]


def texts(folder):
    (folder / "a.txt").write_text("\n".join(TEXTS), "utf-8")
    (folder / "b.txt").write_bytes(b"")
    (folder / "c.txt").write_bytes(b"one\r\ntwo \xff three\n\n\n" * 300)


def lines_of_json(folder):
    lines = (json.dumps({"text": text, "n": 1}) for text in TEXTS)
    (folder / "a.jsonl").write_text("\n".join(lines), "utf-8")


def packed(folder):
    data = "\n".join(TEXTS).encode()
    (folder / "a.txt.gz").write_bytes(gzip.compress(data))
    (folder / "b.txt.bz2").write_bytes(bz2.compress(data))
    (folder / "c.txt.gz").write_bytes(gzip.compress(b""))


def tables(folder):
    table = pa.table({"text": [*TEXTS, None]})
    pq.write_table(table, folder / "a.parquet", row_group_size=200)
    with pa.ipc.new_file(folder / "b.arrow", table.schema) as writer:
        writer.write_table(table, 100)
    rows = (f'{n},"{text}"' for n, text in enumerate(TEXTS))
    (folder / "c.csv").write_text("n,text\n" + "\n".join(rows), "utf-8")


@pytest.fixture
def engine(cluster, monkeypatch):
    monkeypatch.setattr(module, "PIECE_BYTES", 3000)
    monkeypatch.setattr(module, "_ITEMS", 5)
    return EngineConfig(engine="dask", scheduler=cluster.address)


def saved(counts, folder):
    counts.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("make", [texts, lines_of_json, packed, tables])
@pytest.mark.parametrize("held_out", [0.0, 0.3])
def test_counts_facts_and_hashes_are_those_of_one_thread(engine, tmp_path, make, held_out):
    (tmp_path / "in").mkdir()
    make(tmp_path / "in")
    asked = ([tmp_path / "in"], GPT2, ReadConfig(errors="replace"))
    ours = count_words(*asked, engine=engine, held_out=held_out, workdir=tmp_path / "work")
    theirs = plain.count_words(*asked, threads=1, held_out=held_out)
    assert saved(ours, tmp_path / "ours") == saved(theirs, tmp_path / "theirs")


def test_a_bound_on_memory_leaves_the_bytes(engine, tmp_path):
    texts(tmp_path)
    asked = ([tmp_path / "a.txt"], GPT2)
    ours = count_words(*asked, engine=engine, memory=400_000_000, workdir=tmp_path / "work")
    assert saved(ours, tmp_path / "ours") == saved(plain.count_words(*asked), tmp_path / "theirs")


def test_many_runs_are_merged_in_rounds(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FAN_IN", 2)
    monkeypatch.setattr(module, "_LAST_RUNS", 1)
    texts(tmp_path)
    asked = ([tmp_path / "a.txt"], GPT2)
    ours = count_words(*asked, engine=engine, workdir=tmp_path / "work")
    assert saved(ours, tmp_path / "ours") == saved(plain.count_words(*asked), tmp_path / "theirs")
    rounds = list((tmp_path / "work" / "items").glob("merge-*.json"))
    assert len(rounds) >= 4


@pytest.mark.parametrize("make", [texts, packed, tables])
def test_a_plain_counting_goes_on_from_half_of_it_and_the_other_way_round(
    engine, tmp_path, make, monkeypatch
):
    (tmp_path / "in").mkdir()
    make(tmp_path / "in")
    asked = ([tmp_path / "in"], GPT2, ReadConfig(errors="skip"))
    whole = saved(plain.count_words(*asked, threads=1), tmp_path / "whole")
    commit, left = Journal.commit, [2]

    def commit_twice(*arguments):
        commit(*arguments)
        left[0] -= 1
        if not left[0]:
            raise InterruptedError

    monkeypatch.setattr(module, "_COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(plain, "PIECE_BYTES", 3000)
    on_dask = {"engine": engine}
    for first, then in ((on_dask, {"threads": 1}), ({"threads": 1, "commit_bytes": 1}, on_dask)):
        work, left[0] = tmp_path / f"work-{len(first)}", 2
        monkeypatch.setattr(Journal, "commit", commit_twice)
        with pytest.raises(InterruptedError):
            (count_words if first is on_dask else plain.count_words)(*asked, **first, workdir=work)
        monkeypatch.setattr(Journal, "commit", commit)
        found = (count_words if then is on_dask else plain.count_words)(
            *asked, **then, workdir=work
        )
        assert saved(found, tmp_path / f"found-{len(first)}") == whole


@pytest.mark.parametrize("name", ["-", "hub:owner/name", "pipe.txt"])
def test_what_one_process_only_can_read_is_refused(engine, tmp_path, name, monkeypatch):
    import os

    os.mkfifo(tmp_path / "pipe.txt")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="only one process can read it"):
        count_words([name], engine=engine)


def test_an_error_in_the_text_is_that_of_one_thread(engine, tmp_path):
    good = "\n".join(TEXTS).encode()
    (tmp_path / "a.txt").write_bytes(good + b"\nbad \xff byte\n" + good + b"\n \xfe\n")
    said = []
    for count in (count_words, plain.count_words):
        more = {"engine": engine} if count is count_words else {"threads": 1}
        with pytest.raises(InputError) as caught:
            count([tmp_path / "a.txt"], **more)
        said.append((caught.value.problem, caught.value.hint))
    assert said[0] == said[1]


def test_nothing_to_read_is_what_one_thread_says(engine, tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(InputError, match="nothing to read, the input is empty"):
        count_words([tmp_path / "a.txt.gz"], engine=engine)


def test_arguments_are_checked_before_any_worker_starts(tmp_path):
    with pytest.raises(ConfigError, match="held_out"):
        count_words([tmp_path], engine=EngineConfig(engine="dask"), held_out=2)
