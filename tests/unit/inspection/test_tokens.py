from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.unit.inspection.printing import colored, shown
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.terminal.tokens import (
    comparison_renderable,
    legend_renderable,
    tokens_renderable,
)
from tokpipe.inspection.tokens import tokens_json, view_tokens
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

FORM = TokenForm(
    prefix="##", special_tokens=frozenset(["[CLS]", "[SEP]", "[UNK]"]), unk_token="[UNK]"
)


@dataclass
class Encoded:
    tokens: list[str]
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]
    ids: list[int] = field(default_factory=list)

    def __post_init__(self):
        self.ids = self.ids or list(range(10, 10 + len(self.tokens)))

    @property
    def sequence_ids(self):
        ends = [i for i, word in enumerate(self.word_ids) if i and word is None]
        second = ends[0] if ends else len(self.word_ids)
        return [None if w is None else int(i > second) for i, w in enumerate(self.word_ids)]


def hugs():
    tokens = ["[CLS]", "hug", "##s", "[UNK]", "東", "[SEP]"]
    offsets = [(0, 0), (0, 3), (3, 4), (5, 6), (6, 7), (0, 0)]
    encoding = Encoded(tokens, offsets, [None, 0, 0, 1, 2, None])
    return view_tokens("out/wp", "wordpiece", encoding, ["hugs 😀東"], FORM)


def test_each_token_stands_over_its_id_and_its_place():
    assert shown(tokens_renderable(hugs())) == (
        "out/wp  wordpiece\n"
        "\n"
        "│ [CLS] │ hug ┊ ##s │ [UNK]=😀 │ 東  │ [SEP]\n"
        "│ 10    │ 11    12  │ 13       │ 14  │ 15\n"
        "│ –     │ 0-3   3-4 │ 5-6      │ 6-7 │ –\n"
        "\n"
        "4 tokens, 3 words, 1 unknown, 1.33 tokens a word, 3.00 bytes a token\n"
    )


def test_signs_fall_back_to_ascii():
    drawn = shown(tokens_renderable(hugs()), encoding="ascii")
    assert drawn.isascii()
    assert r"| [CLS] | hug : ##s | [UNK]=\U0001f600 | \u6771 | [SEP]" in drawn


def test_a_narrow_terminal_wraps_between_tokens():
    lines = shown(tokens_renderable(hugs()), width=20).splitlines()
    assert lines[2:6] == ["│ [CLS] │ hug ┊ ##s", "│ 10    │ 11    12", "│ –     │ 0-3   3-4", ""]
    assert all(cell_len(line) <= 20 for line in lines)


def test_a_token_wider_than_the_terminal_is_cut_into_lines_and_keeps_every_letter():
    word = "abcdefghij" * 5
    view = view_tokens("t", "", Encoded([word], [(0, 50)], [0]), [word])
    drawn = shown(tokens_renderable(view), width=20)
    assert word in "".join(c for c in drawn.split("tokens")[0] if c.isalpha()).replace("t", "", 1)
    assert all(cell_len(line) <= 20 for line in drawn.splitlines()[:-2])


def test_byte_level_tokens_are_readable():
    tokens = ["".join(BYTE_TO_CHAR[b] for b in raw) for raw in (b" na", b"\xc3", b"\xaf", b"ve")]
    encoding = Encoded(tokens, [(0, 3), (3, 4), (3, 4), (4, 6)], [0, 0, 0, 0])
    view = view_tokens("bb", "", encoding, [" naïve"], TokenForm(byte_level=True))
    drawn = shown(tokens_renderable(view))
    assert "│ ·na ┊ ‹C3› ┊ ‹AF› ┊ ve\n" in drawn
    legend = shown(legend_renderable([view]))
    assert "· space" in legend and "byte of a cut character" in legend and "[UNK]" not in legend


def test_words_of_a_pair_are_counted_through():
    encoding = Encoded(
        ["[CLS]", "a", "[SEP]", "a", "##b", "[SEP]"],
        [(0, 0), (0, 1), (0, 0), (0, 1), (1, 2), (0, 0)],
        [None, 0, None, 0, 0, None],
    )
    view = view_tokens("t", "", encoding, ["a", "ab"], FORM)
    assert [row.word for row in view.rows] == [None, 0, None, 1, 1, None]
    assert [row.source for row in view.rows] == ["", "a", "", "a", "b", ""]


def test_several_tokenizers_are_compared_in_one_table():
    assert shown(comparison_renderable([hugs(), hugs()])) == (
        "        tokens  words  tokens/word  bytes/token  unknown\n"
        "out/wp       4      3         1.33         3.00        1\n"
        "out/wp       4      3         1.33         3.00        1\n"
    )
    narrow = shown(comparison_renderable([hugs()]), width=20)
    assert all(cell_len(line) <= 20 for line in narrow.splitlines())


@given(st.lists(st.text(st.characters(exclude_categories=()), min_size=1), min_size=1, max_size=6))
def test_hostile_tokens_cannot_act_and_lines_stay_in_the_terminal(tokens):
    text = "".join(tokens)
    encoding = Encoded(tokens, [(0, len(text))] * len(tokens), list(range(len(tokens))))
    view = view_tokens(text, text, encoding, [text], TokenForm(unk_token=tokens[0]))
    drawn = shown(tokens_renderable(view), width=30)
    assert not set(drawn) & set("\x00\x07\x1b\x7f\x85\x9b\r\u202e\u2028")
    assert all(cell_len(line) <= 30 for line in drawn.splitlines()[2:-3])


def test_markup_in_a_token_is_text():
    view = view_tokens("[red]", "", Encoded(["[bold]x[/]"], [(0, 10)], [0]), ["[bold]x[/]"])
    assert "[bold]x[/]" in shown(tokens_renderable(view))


def test_colour_says_nothing_that_signs_do_not_say():
    plain = "".join(shown(tokens_renderable(hugs())))
    assert "\x1b[" in colored(tokens_renderable(hugs()))
    assert "\x1b" not in plain


def test_json_carries_rows_and_counts():
    content = tokens_json(hugs(), FORM)
    assert content["tokens"][2] == {
        "id": 12, "token": "##s", "start": 3, "end": 4, "word": 0, "begins_word": False,
        "special": False, "unknown": False, "text": "##s", "source": "s",
    }  # fmt: skip
    assert content["counts"]["bytes"] == 12


@pytest.mark.parametrize("text", ["", " "])
def test_a_text_without_tokens_is_shown_too(text):
    view = view_tokens("t", "", Encoded([], [], []), [text])
    assert "0 tokens, 0 words" in shown(tokens_renderable(view))
