import bz2
import gzip
import io
import lzma
import sys
from collections import namedtuple

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.corpus.reference import documents_of, read_reference, texts_of
from tests.unit.corpus.test_txt import LINES
from tokpipe.corpus import compression
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.lines import read_text
from tokpipe.corpus.reader import open_corpus
from tokpipe.corpus.streams import cut_stream
from tokpipe.foundation.errors import InputError


def through_arrow(codec):
    def compress(data):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()

    return compress


CODECS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": through_arrow("zstd"),
    "lz4": through_arrow("lz4"),
}
TEXT = "".join(
    f"line {i} of some text, Ångström\n" + "\n" * (i % 7 == 0) for i in range(9000)
).encode()


def read(path, config=None, piece_bytes=1 << 16):
    return documents_of(p.load() for p in open_corpus([path], config).pieces(piece_bytes))


@given(text=LINES, piece_bytes=st.integers(1, 40), chunk=st.integers(1, 20))
@settings(max_examples=200)
def test_a_stream_gives_what_the_whole_file_gives(text, piece_bytes, chunk):
    raw = text.encode()
    chunks = (raw[i : i + chunk] for i in range(0, len(raw), chunk))
    blocks = list(cut_stream(chunks, "x", piece_bytes, 1 << 20))
    assert documents_of(read_text(b, ReadConfig()) for b in blocks) == read_reference(raw)
    assert [b.lines_before() for b in blocks] == [raw[: b.offset].count(b"\n") for b in blocks]


@pytest.mark.parametrize("ending", CODECS)
@pytest.mark.parametrize("members", [1, 3])
def test_compressed_text_of_one_or_several_members_is_read_whole(tmp_path, ending, members):
    path = tmp_path / f"a.txt.{ending}"
    path.write_bytes(CODECS[ending](TEXT) * members)
    assert read(path) == read_reference(TEXT * members)
    pieces = list(open_corpus([path]).pieces(1 << 16))
    assert sum(p.stored_bytes for p in pieces) == path.stat().st_size


@pytest.mark.parametrize("ending", CODECS)
def test_compression_is_known_by_content_too(tmp_path, ending):
    path = tmp_path / "a.txt"
    path.write_bytes(CODECS[ending](TEXT))
    assert read(path) == read_reference(TEXT)
    (tmp_path / f"plain.txt.{ending}").write_bytes(TEXT)
    with pytest.raises(InputError, match=r"the name says .*, but the file is not"):
        open_corpus([tmp_path / f"plain.txt.{ending}"])


@pytest.mark.parametrize("ending", CODECS)
def test_compressed_text_that_is_cut_or_goes_on_is_refused(tmp_path, ending):
    whole = CODECS[ending](TEXT[:30_000])
    path = tmp_path / f"a.txt.{ending}"
    cuts = [whole[: len(whole) * i // 100] for i in range(100)]
    for wrong in [*cuts, whole[:-1], whole + b"garbage", whole + b"g", whole + whole[:7]]:
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=rf"a\.txt\.{ending}"):
            read(path)


@pytest.mark.parametrize("ending", ["gz", "xz"])
def test_nul_padding_behind_a_member_is_no_garbage(tmp_path, ending):
    path = tmp_path / f"a.txt.{ending}"
    path.write_bytes(CODECS[ending](TEXT) + bytes(512))
    assert read(path) == read_reference(TEXT)


@pytest.mark.parametrize("ending", CODECS)
def test_a_bomb_is_refused_and_repetitive_text_below_the_floor_is_not(
    tmp_path, ending, monkeypatch
):
    monkeypatch.setattr(compression, "FLOOR", 1 << 20)
    path = tmp_path / f"a.txt.{ending}"
    path.write_bytes(CODECS[ending](b"yes\n" * (1 << 18)))
    assert len(texts_of(p.load() for p in open_corpus([path]).pieces())) == 1 << 18
    path.write_bytes(CODECS[ending](b"yes\n" * (1 << 20)))
    with pytest.raises(InputError, match=rf"{ending}: .* more than 20 times as many\n.*bomb"):
        for _ in open_corpus([path], ReadConfig(max_expansion=20)).pieces():
            pass


@pytest.mark.parametrize("ending", ["", "gz", "zst"])
def test_standard_input_is_read_plain_or_compressed(monkeypatch, ending):
    raw = CODECS[ending](TEXT) if ending else TEXT
    monkeypatch.setattr(sys, "stdin", namedtuple("Stdin", "buffer")(io.BytesIO(raw)))
    corpus = open_corpus(["-"])
    assert documents_of(p.load() for p in corpus.pieces(1000)) == read_reference(TEXT)
    with pytest.raises(InputError, match="only once"):
        list(corpus.pieces())


def test_empty_standard_input_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stdin", namedtuple("Stdin", "buffer")(io.BytesIO()))
    with pytest.raises(InputError, match="standard input: nothing to read"):
        list(open_corpus(["-"]).pieces())


def test_a_bad_byte_in_a_stream_is_named_with_line_and_offset(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(TEXT + b"caf\xe9\n"))
    place = rf"a.txt.gz:{TEXT.count(10) + 1}: byte 0xE9 at offset {len(TEXT) + 3} "
    with pytest.raises(InputError, match=place):
        read(path)
