import pytest

from tokpipe.corpus.formats import codec_of, format_of, format_of_name
from tokpipe.foundation.errors import InputError


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.JSONL", b"", "jsonl"),
        ("a.tab", b"", "tsv"),
        ("notes", b"words", "txt"),
        ("notes", b"PAR1\x15\x04", "parquet"),
        ("PAR1.txt", b"PAR1 is a magic", "txt"),
        ("a.txt", b"ARROW1\0\0", "arrow"),
        ("data", b"\xff\xff\xff\xff\x10\0\0\0", "arrow"),
        ("a.txt", b"\xff\xff\xff\xff", "txt"),
    ],
)
def test_the_format_is_told_by_content_then_by_name(name, head, expected):
    assert format_of(name, head, None, "auto") == expected


def test_a_compression_suffix_is_looked_through():
    assert format_of_name("wiki.csv.bz2") == "csv"
    assert format_of_name("wiki.bz2") is None
    assert format_of("a.jsonl.gz", b"\x1f\x8b", "gzip", "auto") == "jsonl"
    with pytest.raises(InputError, match="parquet inside gzip"):
        format_of("a.parquet.gz", b"\x1f\x8b", "gzip", "auto")


def test_text_that_begins_like_bzip2_is_text():
    assert codec_of("a.txt", b"BZhang wrote a letter") is None
    assert codec_of("a.txt", b"BZh91AY&SY...") == "bzip2"


def test_a_tar_archive_is_refused_by_name_too():
    with pytest.raises(InputError, match="tar archive"):
        codec_of("a.tar.gz", b"\x1f\x8b")
