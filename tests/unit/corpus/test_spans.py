"""Spans hold each piece of a corpus once, in order, however many processes read them."""

import gzip

import pytest

from tokpipe.corpus import spans
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.corpus.spans import refuse_streams, span_between, spans_of
from tokpipe.foundation.errors import InputError


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "a.txt").write_text("harbour\n" * 2_000)
    (tmp_path / "b.txt").write_text("")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"gull quay\n" * 3_000))
    for number in range(20):
        (tmp_path / f"d{number:02}.jsonl").write_text(f'{{"text": "{number}"}}\n' * 7)
    (tmp_path / "e.txt").write_text("rope\n" * 900)
    return open_corpus([tmp_path])


def texts_of(pieces):
    return [(piece.index, list(piece.load().texts.iter_bytes())) for piece in pieces]


@pytest.mark.parametrize("piece_bytes", [50, 1_000, 1 << 20])
@pytest.mark.parametrize("most", [300, 2_000, 64 << 20])
def test_spans_hold_each_piece_once(corpus, piece_bytes, most, monkeypatch):
    monkeypatch.setattr(spans, "SPAN_BYTES", most)
    found = list(spans_of(corpus.files, piece_bytes))
    parts = [texts_of(span.pieces(ReadConfig(), piece_bytes)[1]) for span in found]
    wanted = texts_of(corpus.pieces(piece_bytes))
    assert [piece for part in parts for piece in part] == wanted
    assert sum(span.stored_bytes for span in found) == corpus.stored_bytes
    assert len({(span.start, span.stop) for span in found}) == len(found)


def test_a_span_between_two_pieces_holds_both(corpus):
    wanted = texts_of(corpus.pieces(1_000))
    for first, last in ((0, 0), (3, 17), (14, len(wanted) - 1)):
        span = span_between(corpus.files, wanted[first][0], wanted[last][0])
        assert texts_of(span.pieces(ReadConfig(), 1_000)[1]) == wanted[first : last + 1]
    span = span_between(corpus.files, wanted[5][0], None)
    assert texts_of(span.pieces(ReadConfig(), 1_000)[1]) == wanted[5:]


def test_a_file_that_changed_is_refused_where_it_is_read(corpus, tmp_path):
    span = next(spans_of(corpus.files, 1_000))
    (tmp_path / "a.txt").write_text("another\n" * 2_000)
    with pytest.raises(InputError, match=r"a\.txt: the file changed"):
        texts_of(span.pieces(ReadConfig(), 1_000)[1])


def test_streams_are_refused(monkeypatch):
    with pytest.raises(InputError, match="standard input: only one process can read it"):
        refuse_streams(open_corpus(["-"]))
