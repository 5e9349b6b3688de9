import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.inspection.readable import (
    PLAIN,
    Part,
    TokenForm,
    body_of,
    parts_of,
    readable,
    signed,
    token_bytes,
)
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

BYTES = TokenForm(byte_level=True)


def written(raw: bytes) -> str:
    return "".join(BYTE_TO_CHAR[byte] for byte in raw)


def test_byte_level_tokens_are_read_as_the_text_that_they_stand_for():
    assert parts_of(written("å".encode()), BYTES) == [Part("text", "å")]
    assert parts_of(written(" naïve".encode()), BYTES) == [
        Part("space", " "),
        Part("text", "naïve"),
    ]


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        (b"\xc3", [("byte", "C3")]),  # the first half of å
        (b"\xa5x", [("byte", "A5"), ("text", "x")]),  # its second half
        (b"a\xf0\x9f\x98", [("text", "a"), ("byte", "F0"), ("byte", "9F"), ("byte", "98")]),
        (b"\xed\xa0\x80", [("byte", "ED"), ("byte", "A0"), ("byte", "80")]),  # a surrogate
        (b"\x1b[1m\n", [("escape", r"\x1b"), ("text", "[1m"), ("escape", r"\n")]),
    ],
)
def test_bytes_of_cut_characters_are_shown_one_by_one(raw, parts):
    assert parts_of(written(raw), BYTES) == [Part(*part) for part in parts]


@given(st.binary(max_size=40))
def test_no_byte_of_a_byte_level_token_is_lost(raw):
    total = b""
    for part in parts_of(written(raw), BYTES):
        if part.kind == "byte":
            total += bytes.fromhex(part.text)
        elif part.kind == "escape":
            total += part.text.encode().decode("unicode_escape").encode()
        else:
            total += part.text.encode()
    assert total == raw


def test_a_special_token_of_a_byte_level_vocabulary_is_shown_as_it_is_written():
    form = TokenForm(byte_level=True, special_tokens=frozenset(["<äü>"]))
    assert readable("<äü>", form) == "<äü>"


def test_affixes_stand_apart_and_two_number_signs_alone_are_text():
    form = TokenForm(prefix="##", suffix="</w>")
    assert parts_of("##ing</w>", form) == [("affix", "##"), ("text", "ing"), ("affix", "</w>")]
    assert parts_of("##", form) == [("text", "##")]
    assert body_of("##ing</w>", form) == "ing"


def test_a_combining_mark_without_a_letter_is_told_from_one_with():
    assert parts_of("\u0301") == [Part("mark", "\u0301")]
    assert parts_of("e\u0301") == [Part("text", "e\u0301")]


def test_what_would_be_taken_for_a_sign_of_ours_is_escaped():
    assert parts_of("a·b\u00a0c") == [
        Part("text", "a"),
        Part("escape", r"\xb7"),
        Part("text", "b"),
        Part("escape", r"\xa0"),
        Part("text", "c"),
    ]


def test_a_metaspace_is_a_space():
    assert readable("▁the", TokenForm(space="▁")) == " the"


def test_characters_of_no_byte_leave_a_token_as_it_is():
    assert token_bytes("東") is None
    assert readable("東", BYTES) == "東"


@pytest.mark.parametrize("form", [PLAIN, TokenForm(byte_level=True), TokenForm(space="▁")])
@pytest.mark.parametrize("token", [" ", "Ġ", "▁", "ĠĠcat", "\u0301", "\t", "\u00a0", "\u3000", "Ģ"])
def test_signs_leave_nothing_that_is_not_seen(form, token):
    written = signed(token, form)
    assert written.strip() == written != "" and " " not in written and written.isprintable()
    assert unicodedata.category(written[0])[0] != "M"


@pytest.mark.parametrize("form", [TokenForm(prefix="\u202e\x1b"), TokenForm(suffix="\u202e\x1b")])
def test_affixes_of_a_vocabulary_do_nothing(form):
    token = f"{form.prefix}a{form.suffix}"
    assert {part.text for part in parts_of(token, form)} == {"\\u202e\\x1b", "a"}
    assert body_of(token, form) == "a"
