import contextlib
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.corpus.reference import texts_of
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import InputError, MemoryLimitError

TEXTS = ["one", "", "zwei Wörter", None, "東京\n", "x" * 3000] * 40
EXPECTED = [(text or "").encode() for text in TEXTS]


def write_stream(table, path, rows=5000):
    with pa.ipc.new_stream(path, table.schema) as out:
        out.write_table(table, max_chunksize=rows)


def write_file(table, path, rows=5000):
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table, max_chunksize=rows)


WRITERS = {
    "a.parquet": lambda table, path, rows=5000: pq.write_table(table, path, row_group_size=rows),
    "a.feather": write_file,
    "a.arrow": write_stream,
}


def read(path, piece_bytes=1 << 20, **settings):
    corpus = open_corpus([path], ReadConfig(**settings))
    pieces = list(corpus.pieces(piece_bytes))
    batches = [piece.load() for piece in pieces]
    assert sum(piece.stored_bytes for piece in pieces) == corpus.stored_bytes
    return texts_of(batches), corpus.tally


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_every_kind_of_text_column_is_read(tmp_path, name, kind):
    column = pa.array(TEXTS).cast(kind)
    WRITERS[name](pa.table({"n": range(len(TEXTS)), "text": column}), tmp_path / name, 50)
    for piece_bytes in (1, 5000, 1 << 20):
        assert read(tmp_path / name, piece_bytes) == (EXPECTED, {"null": 40})


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_double_or_wrong_column_is_named(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](pa.table({"txt": ["a"], "n": [1]}), path)
    with pytest.raises(InputError, match=r"no column 'text'\nDid you mean 'txt'\?"):
        read(path)
    with pytest.raises(InputError, match="column 'n' holds int64, not text"):
        read(path, text_column="n")


@pytest.mark.parametrize("name", WRITERS)
def test_bad_bytes_are_named_with_their_row_replaced_or_skipped(tmp_path, name):
    raw = pa.array([b"fine", b"caf\xe9", b"\xe6\x9d", b"\xb1!"], pa.binary())
    WRITERS[name](pa.table({"text": raw}), tmp_path / name)
    with pytest.raises(InputError, match=r"row 1: byte 0xE9 at offset 3 of the text is not UTF-8"):
        read(tmp_path / name)
    replaced = [b"fine", "caf\ufffd".encode(), "\ufffd".encode(), "\ufffd!".encode()]
    assert read(tmp_path / name, errors="replace") == (replaced, {"replaced": 3})
    assert read(tmp_path / name, errors="skip") == ([b"fine", b"", b"", b""], {"skipped": 3})


def test_halves_of_a_character_in_two_cells_are_not_utf8(tmp_path):
    raw = pa.array([b"\xe6\x9d", b"\xb1"], pa.binary())
    write_stream(pa.table({"text": raw}), tmp_path / "a.arrow")
    with pytest.raises(InputError, match="row 0: byte 0xE6 at offset 0"):
        read(tmp_path / "a.arrow")


def test_a_stream_that_is_cut_at_a_batch_is_refused(tmp_path):
    path = tmp_path / "a.arrow"
    write_stream(pa.table({"text": TEXTS}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(InputError, match="cut short"):
        read(path)


def test_forged_offsets_are_refused(tmp_path):
    offsets = pa.py_buffer(b"".join(i.to_bytes(4, "little") for i in (0, 3, 2**31 - 9, 6)))
    column = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"abcdef")])
    batch = pa.RecordBatch.from_arrays([column], ["text"])
    with pa.ipc.new_stream(tmp_path / "a.arrow", batch.schema) as out:
        out.write_batch(batch)
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "a.arrow")


@pytest.mark.parametrize(
    ("message", "kind", "problem"),
    [
        ("malloc of size 60000256 failed", MemoryLimitError, "takes more memory than there is"),
        ("", InputError, r"the file is damaged \(MemoryError\)"),
        (f"malloc of size {2**62} failed", InputError, "the file is damaged"),
    ],
)
def test_a_lack_of_memory_is_no_damage(tmp_path, monkeypatch, message, kind, problem):
    def fail(column, *, full=False):
        raise MemoryError(message)

    WRITERS["a.parquet"](pa.table({"text": TEXTS}), tmp_path / "a.parquet")
    monkeypatch.setattr("tokpipe.corpus.tables._as_bytes", fail)
    with pytest.raises(kind, match=rf"a\.parquet: .*{problem}"):
        read(tmp_path / "a.parquet")


def test_folders_of_saved_datasets_are_read_split_after_split(tmp_path):
    parent, tmp_path = tmp_path, tmp_path / "saved"
    tmp_path.mkdir()
    for split, texts in (("train", ["a", "b"]), ("test", ["c"])):
        (tmp_path / split).mkdir()
        write_stream(pa.table({"text": texts}), tmp_path / split / "data-00000-of-00001.arrow")
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        (tmp_path / split / "state.json").write_text(json.dumps(state))
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert read(tmp_path) == ([b"a", b"b", b"c"], {})
    assert read(tmp_path / "test") == ([b"c"], {})
    assert read(parent)[0] == [b"a", b"b", b"c"]


KINDS = [pa.string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(KINDS))
@pytest.mark.parametrize("name", WRITERS)
def test_a_changed_byte_is_read_or_refused_and_never_worse(
    tmp_path_factory, name, at, change, kind
):
    path = tmp_path_factory.getbasetemp() / name
    WRITERS[name](pa.table({"text": pa.array(TEXTS[:20]).cast(kind)}), path)
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] ^= change
    path.write_bytes(raw)
    with contextlib.suppress(InputError):
        for piece in open_corpus([path]).pieces():
            piece.load()


@pytest.mark.parametrize("name", WRITERS)
def test_a_long_text_named_very_often_is_refused_as_a_bomb(tmp_path, name):
    indices = pa.array([0] * 5000, pa.int32())
    column = pa.DictionaryArray.from_arrays(indices, pa.array(["x" * 100_000]))
    WRITERS[name](pa.table({"text": column}), tmp_path / name)
    with pytest.raises(InputError, match=r"hold .* bytes of text in one batch\nA bomb\?"):
        read(tmp_path / name)


def test_bad_bytes_in_a_dictionary_are_mended_too(tmp_path):
    raw = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 0], pa.int32()), pa.array([b"caf\xe9", b"b"]).view(pa.string())
    )
    write_stream(pa.table({"text": raw}), tmp_path / "a.arrow")
    mended = "caf\ufffd".encode()
    assert read(tmp_path / "a.arrow", errors="replace") == ([mended, b"b", mended], {"replaced": 2})


class FakeHub:
    """`datasets`, as far as a streamed dataset needs it."""

    def load_dataset(self, name, subset, *, split, streaming):
        if name != "owner/name":
            raise RuntimeError("no such dataset\nand much more about it")
        self.asked, self.text = (subset, split, streaming), f"{subset}/{split}"
        return self

    def with_format(self, kind):
        assert kind == "arrow"
        return self

    def iter(self, batch_size):
        yield from (pa.table({"text": [self.text, str(i)]}) for i in range(2))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("hub:owner/name", (None, "train", True)),
        ("hub:owner/name:test", (None, "test", True)),
        ("hub:owner/name:small:test", ("small", "test", True)),
    ],
)
def test_a_dataset_of_the_hub_is_streamed(monkeypatch, name, asked):
    hub = FakeHub()
    monkeypatch.setitem(sys.modules, "datasets", hub)
    texts = texts_of(piece.load() for piece in open_corpus([name]).pieces())
    assert hub.asked == asked
    assert texts == [hub.text.encode(), b"0", hub.text.encode(), b"1"]


def test_a_hub_that_cannot_be_reached_is_told_in_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", FakeHub())
    with pytest.raises(InputError, match=r"hub:who/what: no such dataset\nOnline\?"):
        list(open_corpus(["hub:who/what"]).pieces())
