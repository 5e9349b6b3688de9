"""Words of a file as whole tokens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tokenizer.judge import library_of
from tests.unit.tokenizer.test_extend import EXTENSIONS, MODELS, each, split_again
from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.extend import extended
from tokpipe.tokenizer.extend_proof import prove_vocabulary
from tokpipe.tokenizer.extend_words import read_words, word_tokens
from tokpipe.tokenizer.tokenizer import Tokenizer

WORD = st.text(st.sampled_from("kardiolgnvtshuwe"), min_size=1, max_size=12)


def made_of(model, lines, folder):
    path = folder / "words.txt"
    path.write_text("\n".join(lines), "utf-8")
    old = EXTENSIONS[model].old
    given_words = read_words(path, old)
    new, known = word_tokens(old, given_words, path)
    return extended(old, new), known, given_words


@each
def test_each_word_is_one_token_in_running_text(model, tmp_path):
    words = ["kardiologie", "kardiolog", "newtons", "rara"]
    extension, known, _ = made_of(model, [*words, "", "the", words[0]], tmp_path)
    assert known == ["the"]
    prove_vocabulary(extension)
    text = "the " + " ".join(words)
    found = extension.new.encode(text, add_special_tokens=False)
    assert len(found.ids) == 1 + len(words) and set(found.ids[1:]) <= set(extension.added)
    assert found.ids == library_of(extension.new).encode(text, add_special_tokens=False).ids
    if model == "wordpiece":
        assert len(extension.added) == len(words)


@pytest.mark.parametrize("model", ["bpe", "byte-bpe"])
@given(words=st.lists(WORD, min_size=1, max_size=8, unique=True))
def test_whatever_words_are_given_they_become_one_token_or_are_refused(
    model, words, tmp_path_factory
):
    try:
        extension, _, _ = made_of(model, words, tmp_path_factory.mktemp("w"))
    except InputError as error:
        assert "tokens already" in error.problem or "no merges" in error.problem
        return
    for word in words:
        ids = extension.new.encode(f"the {word}", add_special_tokens=False).ids
        assert len(ids) == 2
        old = extension.old.encode(f"the {word}", add_special_tokens=False).ids
        assert split_again(extension, ids) == old


@each
def test_words_that_the_normalizer_changes_are_told(model, tmp_path):
    extension, _, given_words = made_of(model, ["Kardiologie"], tmp_path)
    if model == "byte-bpe":
        assert given_words.normalised == {}
    else:
        assert given_words.normalised == {"Kardiologie": "kardiologie"}
        assert extension.new.tokens[-1].endswith("kardiologie")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["kardio", "og ved"], r"words\.txt:2: 'og ved' is 2 words"),
        (["kardio-log"], r"words\.txt:1: 'kardio-log' is 3 words"),
        (["", " "], "holds no word"),
        (["the"], "all words are tokens already"),
    ],
)
def test_what_is_no_word_is_refused_by_its_line(model, lines, problem, tmp_path):
    with pytest.raises(InputError, match=problem):
        made_of(model, lines, tmp_path)


def test_a_word_longer_than_wordpiece_looks_at_is_refused(tmp_path):
    with pytest.raises(InputError, match=r":2: .* longer than the 100 characters"):
        made_of("wordpiece", ["kardio", "k" * 101], tmp_path)


@each
def test_a_word_with_letters_that_the_vocabulary_lacks_becomes_a_token(model, tmp_path):
    extension, _, _ = made_of(model, ["kяж", "я"], tmp_path)
    found = extension.new.encode("the kяж я", add_special_tokens=False)
    assert len(found.ids) == 3 and set(found.ids[1:]) <= set(extension.added)
    assert found.ids == library_of(extension.new).encode("the kяж я", add_special_tokens=False).ids
    letters = {"wordpiece": [], "bpe": ["я", "ж"], "byte-bpe": []}[model]
    assert sorted(extension.characters) == sorted(letters)
    if model == "wordpiece":
        assert list(extension.pieces.values()) == [[], []]


def test_a_bpe_that_drops_what_it_does_not_know_does_not_take_the_rest_for_the_word(tmp_path):
    old = Tokenizer(replace(EXTENSIONS["bpe"].old.spec, unk_token=None))
    (tmp_path / "words.txt").write_text("kя", "utf-8")
    given_words = read_words(tmp_path / "words.txt", old)
    new, known = word_tokens(old, given_words, tmp_path / "words.txt")
    assert not known and new.tokens == ["я", "kя"]


def test_a_word_that_only_old_tokens_could_join_is_refused(tmp_path):
    spec = EXTENSIONS["bpe"].old.spec
    old = Tokenizer(replace(spec, tokens=[*spec.tokens, "kar"]))
    (tmp_path / "words.txt").write_text("ka\nkar\n")
    given_words = read_words(tmp_path / "words.txt", old)
    with pytest.raises(InputError, match=":2: no merges after the old ones make 'kar' a token"):
        word_tokens(old, given_words, tmp_path / "words.txt")
