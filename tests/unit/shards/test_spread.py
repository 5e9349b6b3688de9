"""A build as work items, done in any order, leaves the bytes of the build in one process."""

import bz2
import gzip
import json
import lzma
import random
import re
import shutil
from fnmatch import fnmatch

import fsspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fault.conftest import WORDS, hashes
from tests.fault.shards import write_tokenizer
from tests.unit.corpus.elsewhere import Elsewhere
from tokpipe.corpus import spans
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.workers import Workers
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import ArtifactError, InputError, TokpipeError
from tokpipe.foundation.folders import UNFINISHED
from tokpipe.foundation.stores.copies import all_objects, here
from tokpipe.shards import sections
from tokpipe.shards.build import build_shards
from tokpipe.shards.config import BuildConfig, ShardConfig
from tokpipe.shards.spread import Spread

SMALL = {"block_bytes": 1 << 10, "shard_bytes": 4 << 10, "validation_fraction": 0.2}


def spread(run):
    return Spread(Workers(run))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return write_tokenizer(tmp_path_factory.mktemp("vocabulary") / "tokenizer.json")


@pytest.fixture(autouse=True)
def small_items(monkeypatch):
    """Make items of a few blocks, where they have many millions of bytes."""
    monkeypatch.setattr(sections, "_TEXT", 3_000)
    monkeypatch.setattr(sections, "_STORED", 6_000)
    monkeypatch.setattr(spans, "SPAN_BYTES", 4_000)


def documents(seed, count=120, longest=30):
    """Return documents of lines; some are blank, some long, some lines too."""
    rng, found = random.Random(seed), []
    for _ in range(count):
        lines = rng.choice([0, 1, 2, 3, 3, 4, 5, longest])
        words = rng.choice([3, 6, 8, 8, 12]) if rng.random() < 0.98 else 300
        found.append([" ".join(rng.choices(WORDS, k=words)) for _ in range(lines)])
    return found


def as_text(found):
    return "\n\n\n".join("\n".join(lines) for lines in found) + "\n"


def as_json(found):
    return "".join(json.dumps({"text": "\n".join(lines) or None}) + "\n" for lines in found)


def as_csv(found):
    quoted = ("\n".join(lines).replace('"', '""') for lines in found)
    return "text\n" + "".join(f'"{text}"\n' for text in quoted)


def write_inputs(folder, kind, seed=1, counts=(90, 45, 2)):
    """Write three files of a kind; the last one is small, one is blank."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    write = {"txt": as_text, "jsonl": as_json, "csv": as_csv}
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    folder.mkdir()
    for number, count in enumerate(counts):
        found = documents(seed + number, count)
        if kind == "parquet":
            table = pa.table({"text": ["\n".join(lines) for lines in found]})
            pq.write_table(table, folder / f"{number}.parquet", row_group_size=20)
            continue
        ending, _, codec = kind.partition(".")
        data = write[ending](found).encode()
        path = folder / f"{number}.{kind}"
        path.write_bytes(pack[codec](data) if codec else data)
    if kind == "txt":
        (folder / "blank.txt").write_bytes(b"\n \n\t\n")
        (folder / "empty.txt").write_bytes(b"")
    return folder


KINDS = ["txt", "jsonl", "csv", "txt.gz", "jsonl.xz", "txt.bz2", "parquet"]
RECIPES = {
    "dynamic": {},
    "static": {"masks": MaskConfig(masking="static", dupe_factor=2)},
    "copies": {"masks": MaskConfig(masking="static", dupe_factor=19)},
    "packed": {"examples": ExampleConfig(recipe="roberta", max_seq_length=32)},
    "number": {"shards": ShardConfig(num_shards=3, **{**SMALL, "shard_bytes": 64 << 20})},
    "lz4": {"shards": ShardConfig(compression="lz4", **SMALL)},
    "one split": {"shards": ShardConfig(**{**SMALL, "validation_fraction": 0})},
    "whole files": {"read": ReadConfig(documents="file")},
}


def config_of(recipe):
    return BuildConfig(**{"shards": ShardConfig(**SMALL), **RECIPES[recipe]})


@pytest.mark.parametrize(
    ("kind", "recipe"),
    [*((kind, "static") for kind in KINDS), *(("txt", recipe) for recipe in RECIPES)],
)
def test_bytes_are_those_of_one_process(kind, recipe, tokenizer, tmp_path):
    inputs, config = [write_inputs(tmp_path / "in", kind)], config_of(recipe)
    for piece_bytes in (700, 5_000):  # which split counts what was cut follows from them
        how, out = {"piece_bytes": piece_bytes}, tmp_path / f"spread-{piece_bytes}"
        build_shards(inputs, tokenizer, tmp_path / f"plain-{piece_bytes}", config, threads=1, **how)
        build_shards(inputs, tokenizer, out, config, engine=spread(Elsewhere()), **how)
        assert len(list((out / "train").glob("*.arrow"))) > 2
        assert hashes(out) == hashes(tmp_path / f"plain-{piece_bytes}")
    assert not list(tmp_path.glob(".*"))


@given(data=st.data())
@settings(max_examples=12, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
def test_bytes_are_those_of_one_process_for_any_corpus_and_settings(
    data, tokenizer, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("any")
    kind = data.draw(st.sampled_from(["txt", "jsonl"]))
    inputs = [write_inputs(folder / "in", kind, data.draw(st.integers(0, 1000)), (30, 10, 1))]
    shards = ShardConfig(
        block_bytes=data.draw(st.sampled_from([1 << 10, 3_000, 20_000])),
        shard_bytes=data.draw(st.sampled_from([1 << 10, 9_000, 1 << 20])),
        validation_fraction=data.draw(st.sampled_from([0, 0.01, 0.3, 0.5])),
    )
    masks = MaskConfig(
        masking=data.draw(st.sampled_from(["static", "dynamic"])),
        dupe_factor=data.draw(st.sampled_from([1, 9])),
    )
    config = BuildConfig(shards=shards, masks=masks, seed=data.draw(st.integers(0, 9)))
    how = {"piece_bytes": data.draw(st.sampled_from([100, 900, 8_000]))}
    build_shards(inputs, tokenizer, folder / "plain", config, threads=1, **how)
    engine = spread(Elsewhere(data.draw(st.integers(1, 5))))
    build_shards(inputs, tokenizer, folder / "out", config, engine=engine, **how)
    assert hashes(folder / "out") == hashes(folder / "plain")
    shutil.rmtree(folder)


@pytest.mark.parametrize("recipe", ["static", "copies", "number"])
@pytest.mark.parametrize("order", ["spread first", "spread twice", "threads first"])
def test_one_engine_finishes_what_another_began(order, recipe, tokenizer, tmp_path, monkeypatch):
    inputs, config = [write_inputs(tmp_path / "in", "txt")], config_of(recipe)
    build_shards(inputs, tokenizer, tmp_path / "plain", config)
    wanted, out = hashes(tmp_path / "plain"), tmp_path / "out"

    for left in (16,) if recipe == "number" else (4, 6, 8):
        with pytest.raises(KeyboardInterrupt):
            if order == "threads first":
                with monkeypatch.context() as patch:
                    stop_after(left, patch)
                    build_shards(inputs, tokenizer, out, config, threads=1)
            else:
                build_shards(inputs, tokenizer, out, config, engine=spread(Elsewhere(left=left)))
    kept = list((tmp_path / ".out.partial" / UNFINISHED).rglob("train-*.json"))
    assert kept
    engine = None if order == "spread first" else spread(Elsewhere())
    build_shards(inputs, tokenizer, out, config, engine=engine)
    assert hashes(out) == wanted


def stop_after(jobs, monkeypatch):
    """Interrupt a build by threads after some jobs."""
    from tokpipe.shards import split_files

    write, left = split_files.SplitFiles.write, [jobs]

    def counted(self, result):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        write(self, result)

    monkeypatch.setattr(split_files.SplitFiles, "write", counted)


def test_what_is_finished_is_not_made_again(tokenizer, tmp_path):
    inputs, config = [write_inputs(tmp_path / "in", "txt")], config_of("static")
    whole = Elsewhere()
    build_shards(inputs, tokenizer, tmp_path / "whole", config, engine=spread(whole))
    first, second = Elsewhere(left=15), Elsewhere()
    with pytest.raises(KeyboardInterrupt):
        build_shards(inputs, tokenizer, tmp_path / "out", config, engine=spread(first))
    build_shards(inputs, tokenizer, tmp_path / "out", config, engine=spread(second))
    assert len(second.called) < len(whole.called) - 10


@pytest.mark.parametrize("name", ["index", "train-*.arrow", "train-*.json"])
def test_what_was_damaged_is_named_or_made_again(name, tokenizer, tmp_path):
    inputs, config = [write_inputs(tmp_path / "in", "txt")], config_of("static")
    build_shards(inputs, tokenizer, tmp_path / "plain", config)
    with pytest.raises(KeyboardInterrupt):
        build_shards(inputs, tokenizer, tmp_path / "out", config, engine=spread(Elsewhere(left=12)))
    for path in (tmp_path / ".out.partial" / UNFINISHED / "sections").glob(name):
        path.write_bytes(path.read_bytes()[:-9])
    engine = spread(Elsewhere())
    if name == "index":
        with pytest.raises(ArtifactError, match="no index of blocks") as raised:
            build_shards(inputs, tokenizer, tmp_path / "out", config, engine=engine)
        assert "--force" in raised.value.hint
        build_shards(inputs, tokenizer, tmp_path / "out", config, engine=engine, force=True)
    else:
        build_shards(inputs, tokenizer, tmp_path / "out", config, engine=engine)
    assert hashes(tmp_path / "out") == hashes(tmp_path / "plain")


@pytest.mark.parametrize("name", ["sections/train-*.arrow", "sections", "sections/index"])
def test_a_folder_in_the_place_of_a_file_or_the_other_way_round_is_refused(
    name, tokenizer, tmp_path
):
    inputs, config = [write_inputs(tmp_path / "in", "txt")], config_of("static")
    with pytest.raises(KeyboardInterrupt):
        engine = spread(Elsewhere(left=12))
        build_shards(inputs, tokenizer, tmp_path / "out", config, engine=engine)
    for path in list((tmp_path / ".out.partial" / UNFINISHED).glob(name)):
        if path.is_dir():
            shutil.rmtree(path)
            path.write_text("mine")
        else:
            path.unlink()
            path.mkdir()
    with pytest.raises(ArtifactError, match="left by no build of shards") as raised:
        engine = spread(Elsewhere())
        build_shards(inputs, tokenizer, tmp_path / "out", config, engine=engine)
    assert "--force" in raised.value.hint
    build_shards(inputs, tokenizer, tmp_path / "out", config, engine=engine, force=True)


BAD = {
    "bytes": b"one line\nanother \xff line\n" + b"harbour\n" * 900,
    "blank": b"\n\n \n",
    "late": b"harbour gull quay\n\n" * 700 + b"\xfe\n",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_as_in_one_process(name, tokenizer, tmp_path):
    (tmp_path / "a.txt").write_bytes(BAD[name])
    told = []
    for engine in (None, spread(Elsewhere())):
        with pytest.raises(TokpipeError) as raised:
            build_shards(
                [tmp_path / "a.txt"],
                tokenizer,
                tmp_path / "out",
                config_of("static"),
                engine=engine,
            )
        told.append((type(raised.value), raised.value.problem, raised.value.hint))
        assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert told[0] == told[1]
    assert told[0][0] is InputError


def test_a_stream_is_refused(tokenizer, tmp_path):
    with pytest.raises(InputError, match="standard input: only one process"):
        build_shards(["-"], tokenizer, tmp_path / "out", engine=spread(Elsewhere()))
    assert not list(tmp_path.iterdir())


@pytest.fixture(params=["s3", "memory"])
def bucket(request, tmp_path, monkeypatch):
    """Return where a store begins, of two kinds."""
    monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path / "copies"))
    if request.param == "s3":
        return f"{request.getfixturevalue('store')}"
    files = fsspec.filesystem("memory")
    request.addfinalizer(lambda: files.rm("/bucket", recursive=True))
    return "memory://bucket"


@pytest.mark.parametrize(
    ("engine", "recipe"),
    [("threads", "static"), ("threads", "one split"), ("spread", "number")],
)
def test_a_build_for_a_store_leaves_the_bytes_of_one_for_a_folder(
    engine, recipe, bucket, tokenizer, tmp_path
):
    inputs, config = [write_inputs(tmp_path / "in", "txt")], config_of(recipe)
    build_shards(inputs, tokenizer, tmp_path / "plain", config)
    how = {"engine": spread(Elsewhere()) if engine == "spread" else None}
    build_shards(inputs, tokenizer, f"{bucket}/out", config, **how)
    assert hashes(here(f"{bucket}/out")) == hashes(tmp_path / "plain")
    assert not [name for name in all_objects(address_of(bucket + "/out")) if "/." in f"/{name}"]


@pytest.mark.parametrize("order", ["spread twice", "spread first", "threads first"])
def test_a_build_for_a_store_is_finished_by_any_engine_of_another_machine(
    order, store, tokenizer, tmp_path, monkeypatch
):
    inputs, config = [write_inputs(tmp_path / "in", "txt")], config_of("static")
    build_shards(inputs, tokenizer, tmp_path / "plain", config)
    out = f"{store}/out"
    for left in (14,) if order == "threads first" else (14, 20):
        monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path / f"machine{left}"))
        with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
            if order == "threads first":
                stop_after(left, patch)
            engine = None if order == "threads first" else spread(Elsewhere(left=left))
            build_shards(inputs, tokenizer, out, config, engine=engine, threads=1)
    done = [key for key in store.listed() if re.search(r"(sections|unfinished)/train-.*json", key)]
    assert done and not [key for key in store.listed() if "/." not in key]
    store.proxy.seen.clear()
    monkeypatch.setenv("TOKPIPE_STORE_DIR", str(tmp_path / "another"))
    engine = None if order == "spread first" else spread(Elsewhere())
    build_shards(inputs, tokenizer, out, config, engine=engine)
    again = [path for method, path, _ in store.proxy.seen if method in ("PUT", "POST")]
    assert not [key for key in done if any(path.split("?")[0].endswith(key) for path in again)]
    assert hashes(here(out)) == hashes(tmp_path / "plain")
    assert not [key for key in store.listed() if "/." in key]


@pytest.mark.parametrize("name", ["index", "train-*.arrow", "train-*.json"])
def test_what_was_damaged_in_a_store_is_named_or_made_again(name, store, tokenizer, tmp_path):
    inputs, config = [write_inputs(tmp_path / "in", "txt")], config_of("static")
    build_shards(inputs, tokenizer, tmp_path / "plain", config)
    out = f"{store}/out"
    with pytest.raises(KeyboardInterrupt):
        build_shards(inputs, tokenizer, out, config, engine=spread(Elsewhere(left=12)))
    damaged = [key for key in store.listed() if fnmatch(key, f"*/sections/{name}")]
    for key in damaged:
        store.put(key, store.get(key)[:-9])
    assert damaged
    if name == "index":
        with pytest.raises(ArtifactError, match="no index of blocks") as raised:
            build_shards(inputs, tokenizer, out, config, engine=spread(Elsewhere()))
        assert str(raised.value).startswith(f"{out}/.partial/")
    force = name == "index"
    build_shards(inputs, tokenizer, out, config, engine=spread(Elsewhere()), force=force)
    assert hashes(here(out)) == hashes(tmp_path / "plain")
