from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from tests.unit.inspection.folders import bpe, wordpiece, write
from tests.unit.inspection.printing import shown
from tokpipe.foundation.arrays import Strings
from tokpipe.inspection.scripts import script_of
from tokpipe.inspection.source import read_source
from tokpipe.inspection.terminal.vocabulary import corpus_renderable, vocabulary_renderable
from tokpipe.inspection.vocabulary import view_corpus_use, view_vocabulary, vocabulary_json


@pytest.fixture
def source(tmp_path):
    return read_source(write(tmp_path / "t", wordpiece()))


def use_of(source):
    # hug is one token; hugs is hug ##s; xx is unknown.
    words = Strings.from_list(["hug", "hugs", "xx"])
    ids = np.array([15, 15, 14, 1], np.int32)
    return view_corpus_use(source, words, np.array([7, 2, 1]), ids, np.array([0, 1, 3, 4]))


def test_a_vocabulary_is_counted(source):
    view = view_vocabulary("t", source)
    # 14 ordinary tokens: 8 begin a word (a b h u g hug . 東), 6 go on (##a ##b ##u ##g ##s ##ug).
    assert (view.size, view.first, view.later) == (19, 8, 6)
    assert view.alphabet == 12
    assert view.lengths == ((1, 12), (2, 1), (3, 1))
    assert view.scripts == (("Latin", 12), ("punctuation and symbols", 1), ("Han", 1))
    assert view.longest[0] == ("hug", 15)
    assert view.special_tokens[4] == ("[MASK]", 4)
    assert ("normalizer", "BertNormalizer (clean_text, handle_chinese_chars, lowercase)") in (
        view.settings
    )


def test_merges_are_shown_from_both_ends(tmp_path):
    view = view_vocabulary("t", read_source(write(tmp_path / "t", bpe())))
    assert view.first_merges == ((0, ("a", "b")), (1, ("ab", "c"))) and view.last_merges == ()
    assert view.first is None  # tokens of plain BPE do not say where in a word they stand
    assert "  0 (a, b)   1 (ab, c)\n" in shown(vocabulary_renderable(view, read_source(
        tmp_path / "t").form))  # fmt: skip


def test_the_use_on_a_corpus_is_weighed_by_counts(source):
    use = use_of(source)
    assert (use.words, use.whole, use.unknown) == (10, 7, 1)
    assert (use.unique_words, use.unique_whole) == (3, 1)
    assert (use.tokens, use.bytes) == (7 + 2 * 2 + 1, 7 * 3 + 2 * 4 + 2)
    assert use.pieces == ((1, 8), (2, 2))
    assert (use.used, use.ordinary) == (2, 14)
    assert use.unused[0] == ("a", 5)
    assert use.broken == (("hugs", 2, ("hug", "##s")),)


def test_a_vocabulary_and_its_use_are_drawn(source):
    view, use = view_vocabulary("out/wp", source), use_of(source)
    drawn = shown(vocabulary_renderable(view, source.form))
    assert drawn.startswith("out/wp  wordpiece, 19 tokens\n")
    assert "  1 ████████████████████████████████████████ 12  85.7 %\n" in drawn
    assert "  [PAD] 0   [UNK] 1   [CLS] 2   [SEP] 3   [MASK] 4\n" in drawn
    drawn = shown(corpus_renderable(use, source.form))
    assert "  stay whole         7 (70.0 %)\n" in drawn
    assert "  2  hug┊##s\n" in drawn


@pytest.mark.parametrize("width", [20, 40])
def test_charts_fit_narrow_terminals(source, width):
    view = view_vocabulary("out/wp", source)
    for renderable in (
        vocabulary_renderable(view, source.form),
        corpus_renderable(use_of(source), source.form),
    ):
        lines = shown(renderable, width=width).splitlines()
        assert all(cell_len(line) <= width for line in lines)
        assert shown(renderable, width=width, encoding="ascii").isascii()


def test_json_has_plain_types(source):
    content = vocabulary_json(view_vocabulary("t", source), use_of(source), source)
    assert content["special_tokens"]["[CLS]"] == 2 and content["lengths"]["1"] == 12
    assert content["corpus"]["broken"][0]["tokens"] == ("hug", "##s")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("naïve", "Latin"),
        ("привет", "Cyrillic"),
        ("東京", "Han"),
        ("カタ", "Katakana"),
        ("ﾊﾝｶｸ", "Katakana"),
        ("ひらカタ", "mixed scripts"),
        ("한국", "Hangul"),
        ("42", "digits"),
        ("١٢", "digits"),
        ("!?", "punctuation and symbols"),
        ("😀", "punctuation and symbols"),
        (" \n", "white space"),
        ("\u0301", "combining marks"),
        ("\ufffd", "bytes of cut characters"),
        ("𝐀", "other letters"),
        (" don't", "Latin"),
    ],
)
def test_scripts_are_told_by_letters(text, script):
    assert script_of(text) == script


def test_shares_of_scripts_are_shares_of_all_of_them(source):
    scripts = tuple((f"script {i}", 10) for i in range(20))
    drawn = shown(
        vocabulary_renderable(replace(view_vocabulary("t", source), scripts=scripts), source.form)
    )
    assert "4 others" in drawn and " 40  20.0 %" in drawn


def test_ids_of_no_token_are_counted(tmp_path, source):
    assert view_vocabulary("t", source).holes == 0
    path = tmp_path / "vocab.txt"
    path.write_text("[UNK]\na\n\nb\n\n\n##c\n")
    holed = read_source(path)
    view = view_vocabulary("t", holed)
    assert (view.size, view.holes) == (4, 3)
    assert vocabulary_json(view, None, holed)["holes"] == 3
    assert "ids of no token  " in shown(vocabulary_renderable(view, holed.form))
    drawn = shown(vocabulary_renderable(view_vocabulary("t", source), source.form))
    assert "ids of no token" not in drawn
