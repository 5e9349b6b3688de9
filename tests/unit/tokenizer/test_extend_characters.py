"""Characters that a vocabulary lacks become tokens, and words of them are known."""

from dataclasses import replace

import pytest

from tests.unit.tokenizer.judge import assert_equal, library_of
from tests.unit.tokenizer.test_extend import counts, trained
from tokpipe.tokenizer.extend import STRANGE, extended, learn_tokens
from tokpipe.tokenizer.extend_config import ExtendConfig
from tokpipe.tokenizer.extend_proof import measure_gain, prove_vocabulary, prove_words
from tokpipe.tokenizer.tokenizer import Tokenizer

GREEK = "the λόγος of the λόγος, a word ωλ new\n" * 20 + "one ψ, one low\n"
KINDS = {  # of vocabularies without Greek, and which tokens they get for its letters
    "wordpiece": ("wordpiece", {}, {}, ("{}", "##{}")),
    "bpe": ("bpe", {}, {}, ("{}",)),
    "suffix": ("bpe", {"end_of_word_suffix": "</w>"}, {}, ("{}", "{}</w>")),
    "prefix": ("bpe", {"continuing_subword_prefix": "@@"}, {}, ("{}", "@@{}")),
    "fused": ("bpe", {}, {"fuse_unk": True}, ("{}",)),
    "no unknown token": ("bpe", {}, {"unk_token": None}, ("{}",)),
    "whole words": ("bpe", {}, {"ignore_merges": True}, ("{}",)),
}


def extension_of(kind, add=40, **settings):
    model, training, changes, _ = KINDS[kind]
    old = Tokenizer(replace(trained(model, 60, **training).spec, **changes))
    new = learn_tokens(old, counts(GREEK, model), ExtendConfig(add=add, **settings))
    return extended(old, new)


@pytest.mark.parametrize("kind", KINDS)
def test_letters_become_tokens_in_the_forms_that_words_have(kind):
    extension = extension_of(kind)
    model, *_, forms = KINDS[kind]
    found = counts(GREEK, model)
    added = set(extension.characters)
    assert {form.format("λ") for form in forms} <= added
    assert not any("ψ" in token for token in extension.new.tokens), "it occurs once"
    prove_vocabulary(extension)
    compared = prove_words(extension, found.words)
    assert (compared == len(found.words)) == (kind in ("bpe", "suffix", "prefix"))
    assert_equal(extension.new.encode(GREEK), library_of(extension.new).encode(GREEK))
    text = GREEK.splitlines()[0]
    assert extension.new.decode(extension.new.encode(text).ids).replace(" ", "").count("λόγος") == 2


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "fused"])
def test_words_of_them_are_known_and_the_measure_says_so(kind):
    extension = extension_of(kind)
    gain = measure_gain(extension, counts(GREEK, KINDS[kind][0]))
    assert gain.before.unknown_words > 20 and gain.after.unknown_words < 1


def test_new_tokens_of_new_and_old_letters_stand_for_both():
    extension = extension_of("bpe")
    pieces = {extension.new.tokens[id]: list(old) for id, old in extension.pieces.items()}
    assert pieces["λ"] == [STRANGE] and pieces["λόγος"] == [STRANGE] * 5


@pytest.mark.parametrize("add", [1, 4, 7])
def test_letters_take_half_of_the_new_tokens_at_most_the_commonest_first(add):
    extension = extension_of("bpe", add)
    assert len(extension.added) == add
    assert len(extension.characters) == (add + 1) // 2
    assert extension.characters[0] == "λ" and set(extension.characters) <= set("λγόος")


@pytest.mark.parametrize(
    ("settings", "letters"), [({"limit_alphabet": 0}, 0), ({"limit_alphabet": 2}, 2)]
)
def test_settings_bound_how_many_letters_there_are(settings, letters):
    assert len(extension_of("bpe", **settings).characters) == letters


def test_a_rare_letter_is_one_where_the_frequency_asked_is_low():
    assert "ψ" in extension_of("bpe", min_frequency=1).characters


def test_a_word_that_is_too_long_to_be_looked_up_brings_no_letters():
    old = Tokenizer(replace(trained("wordpiece", 60).spec, max_input_chars_per_word=4))
    new = learn_tokens(old, counts(GREEK, "wordpiece"), ExtendConfig(add=40))
    assert "##ω" not in new.tokens and "ω" in new.tokens
    assert not any("γ" in token for token in new.tokens)


def test_a_vocabulary_that_knows_all_letters_gets_none():
    old = trained("bpe", 60)
    made = extended(
        old, learn_tokens(old, counts("the lowlands, thewide\n" * 9, "bpe"), ExtendConfig(add=3))
    )
    assert made.characters == [] and len(made.added) == 3
