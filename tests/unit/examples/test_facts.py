from tests.unit.examples.blocks import facts_of
from tokpipe.examples.facts import TokenFacts


def test_pieces_inside_words_by_prefix():
    facts = facts_of(10, continuing=[8])
    assert facts.continues_word.tolist() == [0] * 8 + [1, 0]
    assert facts.is_special.tolist() == [1] * 5 + [0] * 5
    assert facts.ordinary.tolist() == [5, 6, 7, 8, 9]
    assert (facts.cls_id, facts.sep_id, facts.mask_id, facts.vocab_size) == (2, 3, 4, 10)


def test_pieces_inside_words_by_missing_space_marks():
    tokens = ["<s>", "Ġthe", "ing", "▁a", "."]
    facts = TokenFacts.of_tokens(tokens, {"<s>"}, {"cls": 0}, "")
    assert facts.continues_word.tolist() == [0, 0, 1, 0, 1]
    assert facts.mask_id == -1


def test_the_prefix_alone_is_a_word():
    facts = TokenFacts.of_tokens(["##", "##a"], set(), {}, "##")
    assert facts.continues_word.tolist() == [0, 1]
