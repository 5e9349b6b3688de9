"""Extended vocabularies: what they learn, and that what they knew stays as it was."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tokenizer.judge import assert_equal, library_of
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError, TokpipeError
from tokpipe.tokenizer.build import default_words, train_vocab
from tokpipe.tokenizer.extend import STRANGE, Extension, extended, learn_tokens
from tokpipe.tokenizer.extend_config import ExtendConfig
from tokpipe.tokenizer.extend_proof import measure_gain, prove_vocabulary, prove_words
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.spec import AddedToken
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import VocabConfig
from tokpipe.words.counts import WordCounts
from tokpipe.words.normalizers import before_split
from tokpipe.words.pre_tokenizers import split_words

OLD = "the lower the newer the widest lowest new wide low\nnew bank, ny! Newest aaaa aaa\n" * 20
NEW = "kardiologie og kardiologer ved newtons lowlands; aaaaaaa kardiologi, the widths 数数\n" * 30
MODELS = ["wordpiece", "bpe", "byte-bpe"]
TEXT = st.text(st.sampled_from("kardiolgevnwtsahu ,.\n!åK数"), max_size=60)


def counts(text, model, config=None):
    words = config or default_words(model)
    found, _ = split_words(before_split(Strings.from_list(text.splitlines(True)), words), words)
    seen = {}
    for word in sorted(found.iter_bytes()):
        seen[word] = seen.get(word, 0) + 1
    numbers = np.array(list(seen.values()), np.int64)
    return WordCounts(words=Strings.from_list(seen), counts=numbers, config=words)


def trained(model, size=310, text=OLD, **settings):
    return train_vocab(
        counts(text, model), VocabConfig(model=model, vocab_size=(size,), **settings)
    )


def learned(model, add=40, old=None, **settings):
    old = old or trained(model, initial_alphabet="kardiolgnvtshuw")
    new = learn_tokens(old, counts(NEW, model), ExtendConfig(add=add, **settings))
    return extended(old, new)


EXTENSIONS = {model: learned(model) for model in MODELS}
each = pytest.mark.parametrize("model", MODELS)


def split_again(extension, ids):
    """Cut new tokens into what the old tokenizer makes of them; of new characters, unknown."""
    spec = extension.old.spec
    unknown = [extension.old.ids[spec.unk_token]] if spec.unk_token else []
    pieces = [old for id in ids for old in extension.pieces.get(id, [id])]
    return [id for piece in pieces for id in (unknown if piece == STRANGE else [piece])]


def fused(tokenizer, ids):
    """Let neighbouring unknown tokens be one, which inside a word they are where that is asked."""
    unknown = tokenizer.ids.get(tokenizer.spec.unk_token or "")
    return [id for before, id in pairwise([-1, *ids]) if (before, id) != (unknown, unknown)]


@each
def test_old_ids_stay_and_the_text_takes_fewer_tokens(model):
    extension = EXTENSIONS[model]
    old, new = extension.old, extension.new
    assert new.tokens[: old.vocab_size] == old.tokens
    assert list(extension.added) == list(range(old.vocab_size, new.vocab_size))
    assert len(new.encode(NEW).ids) < len(old.encode(NEW).ids)
    assert prove_vocabulary(extension) == old.vocab_size
    gain = measure_gain(extension, counts(NEW, model))
    assert gain.after.tokens_per_word < gain.before.tokens_per_word
    assert 0 < gain.gained_share <= gain.changed_words <= 100
    assert gain.commonest[0][1] >= gain.commonest[-1][1] > 0


@pytest.mark.parametrize("model", ["bpe", "byte-bpe"])
@given(text=TEXT)
def test_new_tokens_cut_into_their_old_pieces_are_the_old_encoding(model, text):
    extension = EXTENSIONS[model]
    ids = extension.new.encode(text).ids
    assert split_again(extension, ids) == extension.old.encode(text).ids
    assert extension.new.decode(extension.old.encode(text).ids) == extension.old.decode(
        extension.old.encode(text).ids
    )


@given(text=TEXT)
def test_words_without_a_new_token_have_the_old_ids_of_a_wordpiece(text):
    extension = EXTENSIONS["wordpiece"]
    added = set(extension.added)
    old, new = (one.encode(text) for one in (extension.old, extension.new))

    def by_word(encoding):
        words = {}
        for word, id in zip(encoding.word_ids, encoding.ids, strict=True):
            words.setdefault(word, []).append(id)
        return words

    before = by_word(old)
    for word, ids in by_word(new).items():
        assert added.intersection(ids) or before[word] == ids


@each
@given(text=TEXT)
def test_the_library_gives_the_ids_that_we_give(model, text):
    tokenizer = EXTENSIONS[model].new
    theirs = library_of(tokenizer).encode(text)
    assert_equal(tokenizer.encode(text), theirs)


KINDS = {
    "suffix": ("bpe", {"end_of_word_suffix": "</w>"}, {}),
    "prefix": ("bpe", {"continuing_subword_prefix": "@@"}, {}),
    "no unknown token": ("bpe", {"special_tokens": ("<s>",)}, {}),
    "fused": ("bpe", {}, {"fuse_unk": True}),
    "whole words": ("byte-bpe", {}, {"ignore_merges": True}),
    "short words": ("wordpiece", {}, {"max_input_chars_per_word": 6}),
    "one special token": ("wordpiece", {"special_tokens": ("[UNK]",)}, {}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("score", ["frequency", "likelihood"])
def test_every_kind_of_each_model_is_extended_and_keeps_what_it_knew(kind, score):
    model, settings, changes = KINDS[kind]
    old = Tokenizer(replace(trained(model, **settings).spec, **changes))
    extension = learned(model, 25, old, score=score)
    assert 3 < len(extension.added) <= 25
    prove_vocabulary(extension)
    for text in (OLD, NEW):
        prove_words(extension, counts(text, model).words)
        ours, theirs = extension.new.encode(text), library_of(extension.new).encode(text)
        assert ours.ids == theirs.ids
        if extension.is_exact:
            split = split_again(extension, ours.ids)
            both = split, old.encode(text).ids
            first, second = (fused(old, ids) for ids in both) if old.spec.fuse_unk else both
            assert first == second


@pytest.mark.parametrize("model", ["bpe", "byte-bpe"])
def test_on_its_own_text_a_bpe_learns_what_a_longer_training_learns(model):
    text = "the kingdom of the kings thinks nothing of thrones; singing rings bring things\n" * 9
    sizes = (280, 300) if model == "byte-bpe" else (40, 60)
    old, longer = (trained(model, size, text) for size in sizes)
    new = learn_tokens(old, counts(text, model), ExtendConfig(add=20))
    made = extended(old, new).new
    assert made.tokens == longer.tokens
    np.testing.assert_array_equal(made.spec.merges, longer.spec.merges)


def test_unused_ids_are_filled_first_and_added_tokens_keep_theirs():
    plain = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]", "k", "##a"]
    spec = spec_from_bert_vocab([*plain, "[unused2]", "##r", "##k"])
    added = (*spec.added_tokens, AddedToken(6, "[unused1]"), AddedToken(12, "<x>"))
    old = Tokenizer(replace(spec, added_tokens=added))
    new = learn_tokens(old, counts("karka karka kar", "wordpiece"), ExtendConfig(add=4))
    extension = extended(old, new, fill_unused=True)
    made, text = extension.new, "karka <x> [unused0] kar[unused1]"
    assert extension.filled == 2 and extension.added[:3] == (5, 9, 13)
    assert made.tokens[6] == "[unused1]" and made.tokens[12] == "<x>"
    assert prove_vocabulary(extension) == 11
    prove_words(extension, Strings.from_list(["[unused0]", "karka", "ka"]))
    for one in (old, made):
        assert_equal(one.encode(text), library_of(one).encode(text))


def test_an_added_token_that_would_be_found_inside_words_is_refused():
    spec = spec_from_bert_vocab(["[UNK]", "k", "##a", "##k"])
    added = (*spec.added_tokens, AddedToken(4, "kar", single_word=True))
    old = Tokenizer(replace(spec, added_tokens=added))
    new = learn_tokens(old, counts("kaka kaka", "wordpiece"), ExtendConfig(add=1))
    with pytest.raises(ConfigError, match="the added token 'kar'"):
        extended(old, new)


@each
def test_a_moved_token_and_a_moved_merge_are_found(model):
    good = EXTENSIONS[model]
    tokens = list(good.new.spec.tokens)
    tokens[20], tokens[21] = tokens[21], tokens[20]
    bad = Tokenizer(replace(good.new.spec, tokens=tokens))
    with pytest.raises(TokpipeError, match="the id 20 was"):
        prove_vocabulary(Extension(good.old, bad, good.added, good.pieces, 0))
    if model != "wordpiece":
        merges = good.new.spec.merges[::-1].copy()
        bad = Tokenizer(replace(good.new.spec, merges=merges))
        with pytest.raises(TokpipeError, match="has other pieces than before"):
            prove_words(
                Extension(good.old, bad, good.added, good.pieces, 0), counts(OLD, model).words
            )


def test_an_old_word_that_a_new_token_cuts_is_found():
    old = Tokenizer(spec_from_bert_vocab(["[UNK]", "abc", "a", "##b"]))
    bad = Tokenizer(spec_from_bert_vocab(["[UNK]", "a", "##b", "##bc"]))
    with pytest.raises(TokpipeError, match="'abc' has other pieces than before"):
        prove_words(Extension(old, bad, (3,), {3: [3]}, 0), Strings.from_list(["ab", "abc"]))


@each
def test_what_cannot_be_learned_is_said(model):
    old = EXTENSIONS[model].old
    with pytest.raises(InputError, match="holds no word"):
        learn_tokens(old, counts("", model), ExtendConfig(add=3))
    with pytest.raises(InputError, match="nothing to learn"):
        learn_tokens(old, counts("the", model), ExtendConfig(add=3))
