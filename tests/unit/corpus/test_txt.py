import errno
import lzma
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.corpus.reference import documents_of, read_reference, texts_of
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import InputError

LINES = st.lists(
    st.sampled_from(
        ["a", "Ångström", "\n", "\r\n", "\r", " ", "\t\n", "\u2028", "東京", "\ufeff", "\x00"]
    ),
    max_size=40,
).map("".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("txt")


@given(
    text=LINES, piece_bytes=st.integers(1, 40), documents=st.sampled_from(["blank-line", "file"])
)
@settings(max_examples=300)
def test_texts_and_documents_do_not_depend_on_the_pieces(folder, text, piece_bytes, documents):
    path = folder / "a.txt"
    path.write_bytes(text.encode())
    assume(text)
    corpus = open_corpus([path, path], ReadConfig(documents=documents))
    batches = [piece.load() for piece in corpus.pieces(piece_bytes)]
    expected = read_reference(text.encode(), documents)
    assert documents_of(batches) == expected * 2
    assert texts_of(batches) == [line for document in expected * 2 for line in document]


@given(
    st.lists(
        st.sampled_from([b"a", b"\n", b"\xff", b"\xe6\x9d", b"\xb1", b"\xed\xa0\x80"]), max_size=20
    ),
    st.integers(1, 20),
)
def test_replaced_bytes_are_those_that_python_replaces(folder, fragments, piece_bytes):
    path, raw = folder / "b.txt", b"".join(fragments)
    assume(raw)
    path.write_bytes(raw)
    corpus = open_corpus([path], ReadConfig(errors="replace"))
    texts = texts_of(piece.load() for piece in corpus.pieces(piece_bytes))
    assert b"".join(texts).decode() == raw.decode(errors="replace")
    assert corpus.tally.get("replaced", 0) == raw.decode(errors="replace").count("\ufffd")


def test_skipped_lines_become_empty_and_are_counted(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n\xff two\nthree \xc3\nfour")
    corpus = open_corpus([path], ReadConfig(errors="skip"))
    assert texts_of(p.load() for p in corpus.pieces(3)) == [b"one\n", b"", b"", b"four"]
    assert corpus.tally == {"skipped": 2}


def test_a_bad_byte_is_named_with_file_line_and_offset(tmp_path):
    path = tmp_path / "b.txt"
    path.write_bytes(b"fine\n" * 1000 + b"caf\xe9\n")
    for piece_bytes in (10, 4096, 1 << 20):
        with pytest.raises(InputError, match=r"b.txt:1001: byte 0xE9 at offset 5003 is not UTF-8"):
            texts_of(p.load() for p in open_corpus([path]).pieces(piece_bytes))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_refused_with_the_way_to_convert_it(tmp_path, encoding):
    path = tmp_path / "b.txt"
    path.write_text("quite ordinary words\n" * 9, encoding=encoding)
    with pytest.raises(InputError, match=r"the text is UTF-16-[LB]E.*\n.*iconv"):
        texts_of(p.load() for p in open_corpus([path], ReadConfig(errors="replace")).pieces())


def test_a_line_above_the_limit_is_refused_and_one_at_the_limit_is_not(tmp_path):
    path = tmp_path / "b.txt"
    path.write_bytes(b"a\nb\n" + b"x" * 200_000 + b"\nc")
    config = ReadConfig(max_line_bytes=200_000)
    for piece_bytes in (1000, 70_000, 1 << 20):
        with pytest.raises(InputError, match=r"b.txt:3: the line is longer than 200,000 bytes"):
            texts_of(p.load() for p in open_corpus([path], config).pieces(piece_bytes))
    assert (
        len(
            texts_of(
                p.load() for p in open_corpus([path], ReadConfig(max_line_bytes=200_001)).pieces()
            )
        )
        == 4
    )


def test_pieces_start_where_asked(tmp_path):
    path = Path(tmp_path / "a.txt")
    path.write_bytes(b"".join(b"%d\n" % i for i in range(1000)))
    corpus = open_corpus([path, path])
    pieces = list(corpus.pieces(100))
    rest = list(corpus.pieces(100, start=pieces[5].index))
    assert [p.index for p in rest] == [p.index for p in pieces[5:]]
    assert texts_of(p.load() for p in rest[1:3]) == texts_of(p.load() for p in pieces[6:8])
    assert sum(p.stored_bytes for p in pieces) == corpus.stored_bytes == 2 * path.stat().st_size


def test_a_file_that_changes_under_the_reader_is_noticed(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n")
    pieces = list(open_corpus([path]).pieces())
    path.write_bytes(b"other\n")
    with pytest.raises(InputError, match="changed"):
        pieces[0].load()


@pytest.mark.parametrize("fault", [OSError(errno.EIO, "fault"), None])
def test_a_file_that_the_system_fails_to_read_is_named(tmp_path, monkeypatch, fault):
    def fail(*arguments):
        if fault:
            raise fault
        return 0

    (tmp_path / "a.txt").write_bytes(b"one\n")
    (piece,) = open_corpus([tmp_path / "a.txt"]).pieces()
    monkeypatch.setattr("os.preadv", fail)
    with pytest.raises(InputError, match=r"a\.txt: (input/output error|the file became shorter)"):
        piece.load()


def test_a_novel_with_a_byte_order_mark_and_crlf_is_read_as_python_reads_it(shared_data):
    path = shared_data / "pathological" / "bom-crlf-novel.txt.xz"
    raw = lzma.decompress(path.read_bytes())
    batches = [piece.load() for piece in open_corpus([path]).pieces(100_000)]
    assert documents_of(batches) == read_reference(raw)
    assert b"".join(texts_of(batches)) == raw.decode("utf-8-sig").replace("\r\n", "\n").encode()


def test_naughty_strings_come_out_as_they_are(shared_data):
    path = shared_data / "pathological" / "blns.txt"
    texts = texts_of(piece.load() for piece in open_corpus([path]).pieces(1000))
    assert b"".join(texts) == path.read_bytes().replace(b"\r\n", b"\n")


def test_shift_jis_is_refused_with_its_place_or_replaced_as_python_does(shared_data):
    path = shared_data / "pathological" / "shift-jis-crlf.txt"
    with pytest.raises(InputError, match=r"shift-jis-crlf.txt:\d+: byte 0x"):
        texts_of(piece.load() for piece in open_corpus([path]).pieces())
    corpus = open_corpus([path], ReadConfig(errors="replace"))
    replaced = path.read_bytes().decode(errors="replace").replace("\r\n", "\n")
    assert b"".join(texts_of(p.load() for p in corpus.pieces(999))).decode() == replaced
    assert corpus.tally["replaced"] == replaced.count("\ufffd")
