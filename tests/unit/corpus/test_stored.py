"""Corpora in an object store: the same texts as from files, and no wrong byte is taken for one."""

import gzip
import io
import random
import time
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.stores import free_of_secrets
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import InputError

_RANDOM = random.Random(0)
TEXT = b"".join(b"%d gulls on the quay\n" % _RANDOM.randrange(10**9) for _ in range(300_000))
SHORT = TEXT[:2000]


def texts_of(inputs, **how):
    corpus = open_corpus(inputs, ReadConfig(**how))
    found = [text for piece in corpus.pieces() for text in piece.load().texts.iter_bytes()]
    return found, list(corpus.digest().values())


def names_of(inputs):
    return [file.name for file in open_corpus(inputs).files]


def as_parquet():
    file = io.BytesIO()
    pq.write_table(pa.table({"text": TEXT[:100_000].decode().splitlines()}), file)
    return file.getvalue()


def as_arrow():
    file = io.BytesIO()
    table = pa.table({"text": SHORT.decode().splitlines()})
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


CONTENTS = {
    "a.txt": TEXT,
    "a.txt.gz": gzip.compress(SHORT, mtime=0),
    "a.txt.zst": pa.Codec("zstd").compress(SHORT, asbytes=True),
    "a.jsonl": b'{"text": "a gull"}\n{"text": "a quay"}\n',
    "a.csv": b"text,n\na gull,1\na quay,2\n",
    "a.parquet": as_parquet(),
    "a.arrow": as_arrow(),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_objects_give_the_texts_and_digests_of_files(name, store, tmp_path):
    (tmp_path / name).write_bytes(CONTENTS[name])
    store.put(name, CONTENTS[name])
    assert texts_of([f"{store}/{name}"]) == texts_of([tmp_path / name])


def test_folders_and_patterns_are_listed_as_on_a_disk(store, tmp_path, monkeypatch):
    names = [
        "b.txt",
        "a/z.txt",
        "a/b/c.md",
        "a-b.txt",
        "a/.hidden/d.txt",
        ".e.txt",
        "f.png",
        "å +%41&b#c.txt",
        "[g].txt",
    ]
    for name in names:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SHORT)
        store.put(f"in/{name}", SHORT)
    monkeypatch.chdir(tmp_path)
    patterns = [
        "",
        "/",
        "/*.txt",
        "/**/*.txt",
        "/**",
        "/a/*",
        "/*/z.txt",
        "/?.txt",
        "/[ab]*.txt",
        "/*",
    ]
    for pattern in [*patterns, "/[!b]*.txt", "/[[]g].txt", "/a*", "/[g].txt", "/a/**/c.md"]:
        on_disk = names_of([f"in{pattern}"])
        in_store = names_of([f"{store}/in{pattern}"])
        assert [name.removeprefix(f"{store}/") for name in in_store] == on_disk, pattern


def test_saved_datasets_are_read_in_the_order_of_their_description(store):
    store.put(
        "d/state.json", b'{"_data_files": [{"filename": "2.arrow"}, {"filename": "1.arrow"}]}'
    )
    for name in ("1", "2", "3"):
        store.put(f"d/{name}.arrow", as_arrow())
    assert names_of([f"{store}/d"]) == [f"{store}/d/2.arrow", f"{store}/d/1.arrow"]
    store.remove("d/1.arrow")
    with pytest.raises(InputError, match=r"d/1\.arrow is missing"):
        names_of([f"{store}/d"])


@pytest.mark.parametrize("content", [SHORT, TEXT], ids=["one chunk", "several"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("short", "answers wrongly"),
        ("shifted", "answers wrongly"),
        ("whole", "answers wrongly"),
        ("flipped", "answers wrongly"),
        ("drop", "does not answer"),
        (503, "does not answer"),
        (403, "refuses access"),
    ],
)
def test_failing_ranges_are_told_and_not_read(fault, said, content, store):
    store.put("a.txt", content)
    corpus = open_corpus([f"{store}/a.txt"])
    store.proxy.fault = lambda method, path, asked: fault if asked else None
    with pytest.raises(InputError, match=said) as caught:
        for piece in corpus.pieces():
            piece.load()
    assert str(caught.value).startswith(f"{store}/a.txt: ")
    assert free_of_secrets(str(caught.value))


def test_an_object_is_fetched_once_for_texts_and_digest(store):
    store.put("a.txt", TEXT)
    texts_of([Path(f"{store}/a.txt")])
    asked = [range for method, _, range in store.proxy.seen if method == "GET" and range]
    assert sum("bytes=0-" in one for one in asked) == 2  # the head, and the first chunk


def test_one_wrong_answer_is_asked_for_again(store):
    store.put("a.txt", SHORT)
    left = ["short"]
    store.proxy.fault = lambda method, path, asked: left.pop() if asked and left else None
    assert b"".join(texts_of([f"{store}/a.txt"])[0]) == SHORT


def test_bytes_that_are_always_wrong_are_found_by_the_etag(store):
    store.put("a.txt", TEXT)
    corpus = open_corpus([f"{store}/a.txt"])
    chunk = f"bytes={4 << 20}-"
    store.proxy.fault = lambda method, path, asked: (
        "flipped" if (asked or "").startswith(chunk) else None
    )
    with pytest.raises(InputError, match="answers wrongly"):
        for piece in corpus.pieces():
            piece.load()


def test_an_object_that_changes_while_it_is_read_is_an_error(store):
    store.put("a.txt", TEXT)
    corpus = open_corpus([f"{store}/a.txt"])
    pieces = corpus.pieces()
    store.put("a.txt", TEXT[::-1])
    with pytest.raises(InputError, match="changed while it was read"):
        next(pieces).load()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.txt", "no such object"),
        ("*.txt", "no object matches"),
        ("../no-such-bucket-here/a.txt", "no such"),
    ],
)
def test_what_is_not_there_is_said(name, said, store):
    store.put("other/a.md", SHORT)
    with pytest.raises(InputError, match=said):
        open_corpus([f"{store}/{name}".replace(f"{store}/..", "s3:/")])


def test_a_slow_store_does_not_wait_for_each_chunk_in_turn(store):
    for number in range(24):
        store.put(f"many/{number:02}.txt", SHORT)
    store.proxy.fault = lambda method, path, asked: 0.1
    begin = time.monotonic()
    found, _ = texts_of([f"{store}/many"])
    assert len(found) == 24 * len(SHORT.splitlines())
    requests = len(store.proxy.seen)
    assert time.monotonic() - begin < 0.1 * requests / 2


def test_any_scheme_of_fsspec_is_read():
    files = fsspec.filesystem("memory")
    for name in ("b/1.txt", "b/2.txt.gz"):
        content = gzip.compress(SHORT) if name.endswith("gz") else SHORT
        files.pipe_file(f"/tokpipe-test/{name}", content)
    try:
        assert names_of(["memory://tokpipe-test/b"]) == [
            "memory://tokpipe-test/b/1.txt",
            "memory://tokpipe-test/b/2.txt.gz",
        ]
        assert texts_of(["memory://tokpipe-test/b/*.txt"])[0] == SHORT.splitlines(keepends=True)
        assert len(texts_of(["memory://tokpipe-test/b"])[0]) == 2 * len(SHORT.splitlines())
    finally:
        files.rm("/tokpipe-test", recursive=True)
