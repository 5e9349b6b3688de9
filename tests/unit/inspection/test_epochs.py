import pytest

from tests.unit.inspection.printing import shown
from tokpipe.examples.config import MaskConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.epochs import epochs_json, view_epochs
from tokpipe.inspection.opening import open_for_text
from tokpipe.inspection.terminal.epochs import epochs_renderable
from tokpipe.inspection.terminal.masking import Vocabulary
from tokpipe.inspection.toy import SENTENCE, toy_tokenizer


def view(epochs=4, copies=1, text=SENTENCE, seed=0, **masks):
    config = MaskConfig(dupe_factor=copies, **masks)
    return view_epochs(text, toy_tokenizer(text), config, epochs, seed)


def drawn(found, **settings):
    _, opened = open_for_text(SENTENCE, None)
    vocabulary = Vocabulary(opened.tokenizer.tokens, opened.form)
    return shown(epochs_renderable(found, vocabulary, "toy", "wordpiece"), **settings)


def test_static_masks_come_back_and_dynamic_ones_do_not():
    found = view(epochs=6, copies=2)
    static = [mask.positions for mask in found.static.masks]
    assert static[0::2] == [static[0]] * 3 and static[1::2] == [static[1]] * 3
    assert len({mask.positions for mask in found.dynamic.masks}) > 2
    assert view().static.overlap == 1


def test_dynamic_overlap_is_near_chance():
    found = view(epochs=90, masked_lm_prob=0.3)
    assert found.chance == pytest.approx(6 / 18)
    assert found.dynamic.overlap == pytest.approx(found.chance, abs=0.03)
    assert len(found.dynamic.positions) == found.candidates


def test_both_stand_side_by_side_where_there_is_room():
    text = drawn(view())
    assert "            static     dynamic\n             1 2 3 4    1 2 3 4\n" in text
    assert "  a pass     3 of 20 tokens chosen, 18 could be\n" in text
    narrow = drawn(view(epochs=9), width=40)
    assert narrow.index("static\n") < narrow.index("dynamic\n")


@pytest.mark.parametrize("width", [20, 40, 80])
def test_it_fits_the_terminal_in_ascii(width):
    text = drawn(view(epochs=12), width=width, encoding="ascii")
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= width


def test_json_has_every_pass():
    content = epochs_json(view(), toy_tokenizer(SENTENCE).tokens)
    assert content["static"]["overlap"] == 1
    assert len(content["dynamic"]["epochs"]) == 4
    assert content["tokens"][:3] == ["[CLS]", "the", "old"]


@pytest.mark.parametrize("text", ["", "  ", "[MASK]", "a " * 600])
def test_a_text_must_have_something_to_mask_and_be_short(text):
    with pytest.raises(ConfigError):
        view(text=text)


def test_a_toy_vocabulary_knows_every_word_of_its_text():
    text = "Ångström's naïve-café: 東京 😀 countermeasures, again countermeasures"
    assert "[UNK]" not in toy_tokenizer(text).encode(text).tokens
