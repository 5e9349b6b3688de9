"""The trainer against its twin, and both against tokenizers' BpeTrainer."""

import lzma
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.parity.huggingface import assert_agrees, train_huggingface
from tests.unit.vocab.counted import counted
from tokpipe.foundation.errors import ConfigError
from tokpipe.vocab import lean_words, long_words, merger, rounds
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.kernels.likelihood import compare_ratios
from tokpipe.vocab.reference import train_reference
from tokpipe.vocab.train import train

TEXTS = st.one_of(
    st.text("ab", min_size=1, max_size=20),
    st.text("abcdefgh", min_size=1, max_size=8),
    st.text("ab#", min_size=1, max_size=12),
    st.text("ab</w>", min_size=1, max_size=12),
    st.text("aå€𝄞 ", min_size=1, max_size=9),
)
MARKS = st.sampled_from(
    [
        {"model": "bpe"},
        {"model": "byte-bpe"},
        {"model": "wordpiece"},
        {"model": "bpe", "end_of_word_suffix": "</w>"},
        {"model": "bpe", "end_of_word_suffix": "</w>", "continuing_subword_prefix": "##"},
    ]
)


POSITIVE = st.integers(1, (1 << 63) - 1) | st.integers(1, 9)


def words_of(most):
    return st.dictionaries(TEXTS, st.integers(1, most), min_size=1, max_size=12)


@st.composite
def configs(draw, **fixed):
    marks = draw(MARKS)
    size = draw(st.integers(3, 90)) + (256 if marks["model"] == "byte-bpe" else 0)
    return VocabConfig(
        vocab_size=(size,),
        min_frequency=draw(st.integers(0, 4)),
        special_tokens=draw(st.sampled_from([(), ("[U]",), ("a", "##a", "aa", "ab</w>")])),
        **marks,
        **{name: draw(values) for name, values in fixed.items()},
    )


def learn(words, config, order):
    return train(counted(words), config, marked_order=order)


def same(ours, theirs):
    assert ours.tokens == theirs.tokens
    assert ours.steps.tolist() == theirs.steps.tolist()


@settings(max_examples=400)
@given(
    words_of(1 << 34),
    configs(
        score=st.sampled_from(["frequency", "likelihood"]),
        tie_break=st.sampled_from(["lowest-id", "first-seen"]),
        limit_alphabet=st.sampled_from([2, 3, 1000]),
        max_token_length=st.none() | st.integers(1, 8),
    ),
)
def test_trainer_equals_its_twin(words, config):
    try:
        theirs = train_reference(words, config)
    except ConfigError:
        with pytest.raises(ConfigError):
            train(counted(words), config)
        return
    same(train(counted(words), config), theirs)


@settings(max_examples=200)
@given(words_of(9), configs())
def test_trainer_equals_tokenizers(words, config):
    assert_agrees(learn, words, config)


@settings(max_examples=100)
@given(
    st.dictionaries(st.text("abcdefgh", min_size=1, max_size=12), st.integers(1, 9), min_size=1),
    st.integers(8, 90),
    st.integers(1, 8),
)
def test_max_token_length_equals_tokenizers(words, size, longest):
    config = VocabConfig(
        model="bpe", vocab_size=(size,), special_tokens=(), max_token_length=longest
    )
    tokens, _ = train_huggingface(words, config)
    if len(tokens) <= size:
        assert train(counted(words), config).tokens == tokens


@settings(max_examples=100)
@given(words_of(9), configs(score=st.sampled_from(["frequency", "likelihood"])))
def test_cleaning_up_all_the_time_changes_nothing(words, config):
    try:
        theirs = train_reference(words, config)
    except ConfigError:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merger, "_ROOM", 0)
        patch.setattr(merger, "_FIRST_SLOTS", 4)
        patch.setattr(merger, "_CELLS_A_CALL", 3)
        patch.setattr(merger, "_WORK_A_CALL", 1)
        same(train(counted(words), config), theirs)


@pytest.mark.parametrize("share", [0, 1 / 20, 1 / 4, 2])  # from all by reading to all in rounds
@settings(max_examples=200)
@given(
    words=words_of(1 << 34),
    config=configs(
        score=st.sampled_from(["frequency", "likelihood"]),
        tie_break=st.sampled_from(["lowest-id", "first-seen"]),
        max_token_length=st.none() | st.integers(1, 8),
    ),
    room=st.sampled_from([1, 2, 5, 20, 1 << 20]),
    enough=st.sampled_from([0, 2, 20]),
)
@example(  # counted in parts, of which a later one raises the floor above what an earlier one found
    words={"dc": 3, "#abbba": 2},
    config=VocabConfig(
        vocab_size=12,
        model="bpe",
        min_frequency=0,
        special_tokens=("a", "##a", "aa", "ab</w>"),
        end_of_word_suffix="</w>",
        unk_token=None,
    ),
    room=1,
    enough=0,
)
def test_long_words_make_the_same_merges(words, config, share, room, enough):
    try:
        theirs = train_reference(words, config)
    except ConfigError:
        return
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"_MANY": 0, "_ENOUGH": enough, "_LEAST_SHARE": share}.items():
            patch.setattr(long_words, name, value)
        for name, value in {"_FIRST_ROWS": 4, "_MOST_ROWS": 8, "_LARGEST_SHARE": 0}.items():
            patch.setattr(lean_words, name, value)
        patch.setattr(lean_words, "PLACES", room)
        patch.setattr(rounds, "PLACES", room)
        patch.setattr(rounds, "_NEW_PAIRS", room)
        for module in (lean_words, rounds, long_words):
            patch.setattr(module, "_CELLS_A_CALL", 3)
        patch.setattr(rounds, "_PAIRS_A_CALL", 3)
        patch.setattr(rounds, "_WORK_A_CALL", 1)
        same(train(counted(words), config), theirs)


@given(st.tuples(*[POSITIVE] * 6), st.integers(1, 1000))
def test_ratios_compare_exactly_whatever_the_size(numbers, factor):
    a, b, c, d, e, f = numbers
    theirs = Fraction(a, b * c), Fraction(d, e * f)
    assert compare_ratios(*numbers) == (theirs[0] > theirs[1]) - (theirs[0] < theirs[1])
    if max(a, b) * factor < 1 << 63:
        assert compare_ratios(a, b, c, a * factor, b * factor, c) == 0


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=12), st.integers(1, 99), min_size=1, max_size=9
    ),
    st.integers(1, 9),
    st.text("az", max_size=2),
)
def test_limit_alphabet_equals_tokenizers(words, limit, initial):
    totals = Counter("".join(word * count for word, count in words.items()))
    ranked = sorted((count for c, count in totals.items() if c not in initial), reverse=True)
    cut = limit - len(set(initial))
    # Among equals tokenizers keeps what its hash map yields; we keep the lower code points.
    assume(cut >= 0 and (cut >= len(ranked) or cut == 0 or ranked[cut - 1] > ranked[cut]))
    config = VocabConfig(
        model="bpe",
        vocab_size=(40,),
        special_tokens=("[U]", "d"),
        limit_alphabet=limit,
        initial_alphabet=initial,
    )
    assert_agrees(learn, words, config)


def test_one_word_of_dna_equals_tokenizers(shared_data):
    path = shared_data / "pathological" / "dna-ecoli-k12.fna.xz"
    with lzma.open(path, "rt", encoding="ascii") as file:
        letters = "".join(file.read().splitlines()[1:])
    config = VocabConfig(model="byte-bpe", vocab_size=(512,), special_tokens=())
    assert_agrees(learn, {letters[:100_000]: 1}, config)
