import gzip
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.corpus.reference import texts_of
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("jsonl")


def read(path, piece_bytes=1 << 20, **settings):
    corpus = open_corpus([path], ReadConfig(**settings))
    batches = [piece.load() for piece in corpus.pieces(piece_bytes)]
    for batch in batches:
        assert batch.documents.tolist() == list(range(len(batch.texts) + 1))
        assert not batch.continues
    return texts_of(batches), corpus.tally


LINE = st.one_of(
    st.just(None),  # a blank line
    st.tuples(st.text(max_size=8), st.booleans(), st.sampled_from(["\n", "\r\n"])),
)


@given(st.lists(LINE, max_size=12), st.integers(1, 60))
@settings(max_examples=200)
def test_texts_are_those_that_json_loads_and_do_not_depend_on_the_pieces(
    folder, lines, piece_bytes
):
    path, expected, raw = folder / "a.jsonl", [], b""
    for line in lines:
        if line is None:
            raw += b" \n"
            continue
        text, escaped, end = line
        raw += json.dumps({"id": 1, "text": text}, ensure_ascii=escaped).encode() + end.encode()
        expected.append(text.encode())
    assume(raw)
    path.write_bytes(raw)
    assert read(path, piece_bytes) == (expected, {})


def test_compressed_lines_and_other_keys_are_read(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"body": "one", "text": 7}\n{"body": null}\n{"bo\\u0064y":"three"}')
    )
    assert read(path, text_column="body") == ([b"one", b"", b"three"], {"null": 1})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a" "b"}', r"a\.jsonl:3:14: not JSON: Expecting ',' delimiter"),
        ('{"text": "a"} x', r"a\.jsonl:3:15: not JSON: Extra data"),
        ('{"text": "a\tb"}', r"a\.jsonl:3:12: not JSON: Invalid control character"),
        ('["text"]', r"a\.jsonl:3:1: the line is no JSON object"),
        ('{"txt": "a", "title": ""}', r"a\.jsonl:3: no key 'text'\n.*'txt', 'title'"),
        ('{"text": 12}', r"a\.jsonl:3: 'text' is no string"),
        ('{"text": NaN}', r"a\.jsonl:3: 'text' is no string"),
        ('{"text": ["a"]}', r"a\.jsonl:3: 'text' is no string"),
        ('{"text": "a", "text": "b"}', r"a\.jsonl:3: the key 'text' stands more than once"),
        ('{"text": "\\ud800"}', r"a\.jsonl:3: 'text' holds half a surrogate pair\n.*--errors"),
    ],
)
def test_a_line_that_is_not_as_it_should_be_is_named(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "first"}\n\n' + line + '\n{"text": "last"}\n')
    for piece_bytes in (1, 20, 1 << 20):
        with pytest.raises(InputError, match=message):
            read(path, piece_bytes)
    if "surrogate" in message:
        assert read(path, errors="replace") == (
            [b"first", "\ufffd".encode(), b"last"],
            {"replaced": 1},
        )
    assert read(path, errors="skip") == ([b"first", b"", b"last"], {"skipped": 1})


@pytest.mark.parametrize("depth", [10, 99, 100, 101, 1000, 100_000])
@pytest.mark.parametrize("brackets", ["[]", ('{"a":', "}")])
def test_nesting_has_a_limit_and_no_depth_hurts(tmp_path, depth, brackets):
    inner = (
        brackets[0] * (depth - 1) + ("1" if brackets[0] != "[" else "") + brackets[1] * (depth - 1)
    )
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "t", "deep": ' + inner + "}\n")
    if depth <= 100:
        assert read(path) == ([b"t"], {})
    else:
        with pytest.raises(
            InputError, match=r"a\.jsonl:1: nested deeper than 100 .*\n.*max-json-depth"
        ):
            read(path)


def test_a_line_deeper_than_pythons_parser_is_named_like_any_other(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"deep": ' + "[" * 5000 + "]" * 5000 + "}\n")
    # from Python 3.12 on the parser goes deeper, and the keys that are there can be named
    said = r"a\.jsonl:1: no key 'text'\nPass --text-column(\.|; here: 'deep'\.)"
    with pytest.raises(InputError, match=said):
        read(path, max_json_depth=9000)


def test_huge_numbers_nan_and_double_keys_beside_the_text_do_no_harm(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"n": %s, "x": NaN, "x": -Infinity, "text": "t"}\n' % ("9" * 100_000))
    assert read(path) == ([b"t"], {})


def test_bad_bytes_in_json_lines_are_named_replaced_or_skipped(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\n{"text": "one"}\n{"text": "caf\xe9"}\n')
    with pytest.raises(InputError, match=r"a\.jsonl:3: byte 0xE9 at offset 30 is not UTF-8"):
        read(path)
    assert read(path, errors="replace") == ([b"one", "caf\ufffd".encode()], {"replaced": 1})
    assert read(path, errors="skip") == ([b"one", b""], {"skipped": 1})


def test_an_array_or_a_pretty_printed_object_is_told_how_to_become_lines(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[\n{"text": "a"}\n]')
    with pytest.raises(InputError, match=r"a\.json:1:1: .*\n.*jq -c"):
        read(path)
    path.write_text('{\n"text": "a"\n}')
    with pytest.raises(InputError, match=r"a\.json:1:3: .*\n.*one whole object a line"):
        read(path)


def test_lines_that_end_with_a_lone_cr_are_told(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"text": "a"}\r{"text": "b"}\r')
    with pytest.raises(InputError, match=r"x\.jsonl:1:15: not JSON") as caught:
        [piece.load() for piece in open_corpus([path]).pieces()]
    assert caught.value.hint == "A lone CR ends no line; LF and CRLF do."
