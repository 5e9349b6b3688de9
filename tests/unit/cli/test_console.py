import io
import json
import sys

import pytest

from tokpipe.cli.console import Console, Stream, safe_lines


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    def isatty(self):
        return True

    @property
    def written(self):
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def on(monkeypatch, stream):
    monkeypatch.setattr(sys, "stdout", stream)
    return Console()


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_follows_stream_and_environment(monkeypatch, environment, terminal, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if terminal else io.TextIOWrapper(io.BytesIO(), "utf-8")
    console = on(monkeypatch, stream)
    assert console.out.color is expected
    console.no_color()
    assert not console.out.color


@pytest.mark.parametrize("term", ["dumb", "unknown", "xterm", ""])
@pytest.mark.parametrize("force", ["0", "1"])
@pytest.mark.parametrize("columns", ["40", "120"])
def test_views_have_the_columns_that_there_are(monkeypatch, columns, force, term):
    for name, value in {"COLUMNS": columns, "FORCE_COLOR": force, "TERM": term}.items():
        monkeypatch.setenv(name, value)
    assert on(monkeypatch, Terminal()).rich().width == int(columns)


def test_no_escape_byte_where_colour_is_off(monkeypatch):
    stream = Terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    console = on(monkeypatch, stream)
    console.out.line(console.out.styled("a", "red"))
    console.table("title", [("name", "value")], header=("a", "b"))
    assert "value" in stream.written
    assert "\x1b" not in stream.written


def test_colours_are_there_where_they_are_on(monkeypatch):
    stream = Terminal()
    on(monkeypatch, stream).table("title", [("name", "value")])
    assert "\x1b[36mname" in stream.written


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "shift_jis"])
def test_nothing_fails_to_encode(monkeypatch, encoding):
    stream = Terminal(encoding)
    console = on(monkeypatch, stream)
    console.out.line(console.out.glyph("✓ ━ 東京"))
    console.table("größe · 東京", [("東京", "1"), ("😀", "2")], header=("a", "b"))
    console.json({"東": "京"})
    assert stream.written.startswith("+ = ")


def test_c_locale_gets_ascii_signs(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    console = on(monkeypatch, Terminal())
    assert console.out.glyph("✓ a → b") == "+ a -> b"


@pytest.mark.parametrize("width", [20, 30, 60])
def test_tables_keep_to_the_width(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    rows = [("vocabulary", "/a/very/long/path/to/some/folder/of/a/tokenizer"), ("size", "8,000")]
    console = on(monkeypatch, stream)
    console.table("", rows)
    console.table("", [("8,000", "1.32", "4.1")], header=("size", "tokens a word", "bytes a token"))
    assert max(map(len, stream.written.splitlines())) <= width
    assert not any(line != line.rstrip() for line in stream.written.splitlines())


@pytest.mark.parametrize("width", [12, 20, 33, 60])
def test_values_are_folded_between_words_where_lines_have_several(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    stream, value = Terminal(), "3 read in windows, 52 in all, 1 answer in none"
    on(monkeypatch, stream).table("", [("rows", value), ("path", "/a/b" * 30)])
    told, path = stream.written.split("path")
    assert told.split() == ["rows", *value.split()] and "".join(path.split()) == "/a/b" * 30
    assert max(map(len, stream.written.splitlines())) <= width


def test_columns_are_aligned_by_what_is_seen(monkeypatch):
    stream = Terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    on(monkeypatch, stream).table("", [("東京", "1", "20"), ("a", "300", "4")])
    assert stream.written == "東京    1  20\na     300   4\n"


def test_no_table_is_no_lines(monkeypatch):
    stream = Terminal()
    on(monkeypatch, stream).table("", [])
    assert stream.written == ""


def test_width_of_a_pipe_is_eighty(monkeypatch):
    console = on(monkeypatch, io.TextIOWrapper(io.BytesIO(), "utf-8"))
    assert console.out.width == 80
    monkeypatch.setenv("COLUMNS", "nonsense")
    assert console.out.width == 80


def test_foreign_text_cannot_act(monkeypatch):
    stream = Terminal()
    hostile = "\x1b]0;t\x07[bold]x[/] \u202e\x9b\x7f"
    console = on(monkeypatch, stream)
    console.no_color()
    console.table(hostile, [(hostile, hostile)])
    console.json({"text": hostile})
    assert not set(stream.written) & set("\x1b\x07\u202e\x9b\x7f")
    assert "[bold]x[/]" in stream.written
    assert safe_lines("a\n\x1b") == "a\n\\x1b"


def test_json_comes_back_as_it_was(monkeypatch):
    stream = Terminal()
    value = {"a": "å\x1b\x7f\x9b\u202e\U000e0041\ud800😀", "n": [1, 2.5, None]}
    on(monkeypatch, stream).json({**value, "none": (float("nan"), {"a": -float("inf")})})
    assert json.loads(stream.written) == {**value, "none": [None, {"a": None}]}
    assert "å" in stream.written
    assert "😀" in stream.written


@pytest.mark.parametrize(
    ("columns", "width"),
    [
        *((wrong, 80) for wrong in ("", "0", "-5", "wide", "1.5", " 80", "0x50", "²")),
        ("60", 60), ("00060", 60), ("1000", 1000), ("1001", 1000), ("9" * 5000, 1000),
    ],
)  # fmt: skip
def test_columns_are_those_of_a_screen(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    stream = Stream("stdout")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert stream.width == width
