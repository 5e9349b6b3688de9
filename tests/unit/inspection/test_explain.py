"""The textbook examples, each derived by hand in its comment."""

import pytest
from rich.cells import cell_len

from tests.unit.inspection.printing import shown
from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.config import ExplainBpeConfig, ExplainWordpieceConfig
from tokpipe.inspection.explain import explain, explanation_json, parse_words
from tokpipe.inspection.terminal.explain import encoded_renderable, explanation_renderable

HUGS = "hug:10,pug:5,pun:12,bun:4,hugs:5"


def bpe(text, steps, encode=None, **settings):
    return explain(text, ExplainBpeConfig(**settings).vocab_config(), steps, encode)


def wordpiece(text, steps, encode=None, **settings):
    return explain(text, ExplainWordpieceConfig(**settings).vocab_config(), steps, encode)


def pairs(explanation):
    return [(step.left, step.right) for step in explanation.trace.steps]


def test_gages_example_is_printed_as_in_the_textbook():
    # Gage 1994, in the words of most textbooks. aaabdaaabac has the pairs aa aa ab bd da aa aa ab
    # ba ac: aa 4 times, so Z = aa gives ZabdZabac. Now Za and ab 2 times each; Za stands for three
    # characters, ab for two: the shorter, Y = ab, gives ZYdZYac. ZY 2 times: X = ZY gives XdXac.
    assert shown(explanation_renderable(bpe("aaabdaaabac", 3))) == (
        "Byte pair encoding\n"
        "A text is cut into symbols, at first its characters. In each step two neighbours\n"
        "(a pair) become one new symbol. All symbols together are the vocabulary, its\n"
        "tokens.\n"
        "merge  the pair that occurs most often; in aaa (a, a) occurs twice\n"
        "ties   of pairs as frequent: the shortest, then the first seen, as textbooks do\n"
        "\n"
        "  aaabdaaabac\n"
        "\n"
        "Step 1  Z = aa\n"
        "  pair    count\n"
        "  (a, a)      4  ✓\n"
        "  (a, b)      2\n"
        "  (b, d)      1  below 2\n"
        "  (d, a)      1  below 2\n"
        "  (b, a)      1  below 2\n"
        "  (a, c)      1  below 2\n"
        "  → ZabdZabac\n"
        "\n"
        "Step 2  Y = ab\n"
        "  pair    count\n"
        "  (Z, a)      2\n"
        "  (a, b)      2  ✓\n"
        "  (b, d)      1  below 2\n"
        "  (d, Z)      1  below 2\n"
        "  (b, a)      1  below 2\n"
        "  (a, c)      1  below 2\n"
        "  tie at 2: (a, b) (Z, a) → (a, b) is the shortest, 2 characters against 3\n"
        "  → ZYdZYac\n"
        "\n"
        "Step 3  X = ZY\n"
        "  pair    count\n"
        "  (Z, Y)      2  ✓\n"
        "  (Y, d)      1  below 2\n"
        "  (d, Z)      1  below 2\n"
        "  (Y, a)      1  below 2\n"
        "  (a, c)      1  below 2\n"
        "  → XdXac\n"
        "\n"
        "Z = aa, Y = ab, X = ZY\n"
        "11 symbols became 5; the vocabulary has 7 tokens:\n"
        "  a  b  c  d  Z  Y  X\n"
    )


def test_gages_example_ends_when_no_pair_is_left():
    drawn = shown(explanation_renderable(bpe("aaabdaaabac", 10)))
    assert "Step 4" not in drawn
    assert "No pair is left that occurs at least 2 times." in drawn


def test_text_texting_context_is_merged_as_in_the_textbook():
    # (t,e) (e,x) (x,t) stand 9+10+11 = 30 times each, all two characters: te, the first seen.
    # Then (te,x) and (x,t) 30 each, three characters and two: xt. Then (te,xt) 30: text.
    # Then (text,_) 9+11 = 20: text_. Then 11 each: (c,o), (o,n) and (n,text_): co, short and first.
    explanation = bpe("text_:9,texting_:10,context_:11", 5)
    assert [step.token for step in explanation.trace.steps] == ["te", "xt", "text", "text_", "co"]
    drawn = shown(explanation_renderable(explanation))
    assert "  tie at 30: (t, e) (e, x) (x, t) → (t, e) was seen first\n" in drawn
    assert "  text_ ×9   text┊i┊n┊g┊_ ×10   co┊n┊text_ ×11\n" in drawn


def test_wordpiece_takes_gs_where_bpe_takes_ug():
    # hug 10, pug 5, pun 12, bun 4, hugs 5. ##u stands in all words: 36. ##g in hug, pug, hugs: 20.
    # ##s: 5. (##g,##s) 5 / (20 x 5) = 1/20. (##u,##g) 20 / (36 x 20) = 1/36.
    explanation = wordpiece(HUGS, 1)
    assert pairs(explanation) == [("##g", "##s")]
    assert pairs(bpe(HUGS, 1)) == [("u", "g")]
    assert pairs(bpe(HUGS, 1, continuing_subword_prefix="##")) == [("##u", "##g")]
    assert shown(explanation_renderable(explanation)).split("\n\n")[2].rstrip() == (
        "Step 1  ##gs = (##g, ##s)\n"
        "  pair        count  left  right  score          \n"
        "  (##g, ##s)      5    20      5   1/20  = 0.0500  ✓\n"
        "  (h, ##u)       15    15     36   1/36  = 0.0278\n"
        "  (##u, ##g)     20    36     20   1/36  = 0.0278\n"
        "  (p, ##u)       17    17     36   1/36  = 0.0278\n"
        "  (##u, ##n)     16    36     16   1/36  = 0.0278\n"
        "  (b, ##u)        4     4     36   1/36  = 0.0278\n"
        "  BPE would take (##u, ##g), the commonest with 20\n"
        "  h┊##u┊##g ×10   p┊##u┊##g ×5   p┊##u┊##n ×12   b┊##u┊##n ×4   h┊##u┊##gs ×5"
    )


def test_a_new_word_is_encoded_with_what_was_learnt():
    # After ##gs, hu, hugs: bugs is b, then the longest that fits of ##ugs is ##u, then ##gs.
    encoded = wordpiece(HUGS, 3, "bugs").encoded
    assert encoded is not None and encoded.tokens == ("b", "##u", "##gs")
    # By frequency the merges are ug, un, hug: bugs is b + ug + s.
    explanation = bpe(HUGS, 3, "bugs")
    assert shown(encoded_renderable(explanation)) == (
        "bugs  encoded by the merges, in their order\n"
        "  start         b┊u┊g┊s\n"
        "  rank 0        b┊ug┊s\n"
        "  → 3 tokens\n"
        "    b 0  ug 7  s 5\n"
    )


def test_the_tie_break_of_hugging_face_gives_other_merges():
    # Alphabet a b c d = 0 1 2 3, Z = 4. After Z = aa: (a,b) = (0,1) and (Z,a) = (4,0), 2 each; the
    # lower ids, (a,b), win as well. In text/texting/context the ids decide: _ c e g i n o t x =
    # 0..8; of (t,e) = (7,2), (e,x) = (2,8), (x,t) = (8,7) the lowest is (e,x).
    explanation = bpe("text_:9,texting_:10,context_:11", 1, tie_break="lowest-id")
    assert pairs(explanation) == [("e", "x")]
    assert "(e, x) has the lowest ids" in shown(explanation_renderable(explanation))


def test_words_are_counted_where_no_counts_are_given():
    assert parse_words("low lower low") == {"low": 2, "lower": 1}
    assert parse_words("a:1, b:2,a:3") == {"a": 4, "b": 2}


@pytest.mark.parametrize("text", ["", "  ", "a:0", "a:-1", "a:1,b", "a:99999999999999999999"])
def test_what_is_no_word_list_is_refused(text):
    with pytest.raises(ConfigError):
        bpe(text, 1)


def test_a_corpus_is_refused():
    with pytest.raises(ConfigError, match="at most"):
        bpe("ab" * 20_000, 1)


def test_hostile_words_cannot_act():
    drawn = shown(explanation_renderable(bpe("\x1b]0;x\x07[bold]\u202e:3,\x1b]0;x\x07:2", 9)))
    assert not set(drawn) & set("\x1b\x07\u202e") and r"\x1b" in drawn and "[bold]" not in drawn


@pytest.mark.parametrize("width", [20, 40])
def test_narrow_terminals_lose_columns_before_the_score(width):
    drawn = shown(explanation_renderable(wordpiece(HUGS, 1)), width=width)
    assert "1/20" in drawn and "✓" in drawn
    assert all(cell_len(line) <= width for line in drawn.splitlines())


def test_ascii_terminals_get_ascii():
    assert shown(explanation_renderable(bpe("text_:9", 3)), encoding="ascii").isascii()


def test_json_carries_every_table():
    content = explanation_json(wordpiece(HUGS, 2, "bugs"))
    assert content["steps"][0]["score"] == "1/20"
    assert content["steps"][0]["pairs"][0]["left_count"] == 20
    assert content["steps"][1]["words_before"][4] == {"symbols": ["h", "##u", "##gs"], "count": 5}
    assert content["encoded"]["tokens"] == ("b", "##u", "##gs")
