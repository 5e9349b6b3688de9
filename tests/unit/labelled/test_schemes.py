import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.labelled.schemes import contradictions, entities_of, recognise, to_iob2
from tokpipe.metrics.entities import find_entities

# Sentences as lists of stretches: how many words, and of which kind (None: no entity).
SENTENCES = st.lists(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, "PER", "LOC"])), min_size=1),
    min_size=1,
    max_size=6,
)


def written(sentences, scheme):
    """Write stretches as tags, the obvious way."""
    tags, borders = [], [0]
    for stretches in sentences:
        before = None
        for length, kind in stretches:
            if kind is None:
                tags += ["O"] * length
            elif scheme == "IOBES":
                middle = [f"I-{kind}"] * (length - 2)
                tags += [f"S-{kind}"] if length == 1 else [f"B-{kind}", *middle, f"E-{kind}"]
            else:
                begins = "B" if scheme == "IOB2" or before == kind else "I"
                tags += [f"{begins}-{kind}", *[f"I-{kind}"] * (length - 1)]
            before = kind
        borders.append(len(tags))
    return tags, np.array(borders)


def numbered(tags):
    names = tuple(sorted(set(tags)))
    return names, np.array([names.index(tag) for tag in tags], np.int32)


@given(SENTENCES, st.sampled_from(["IOB1", "IOB2", "IOBES"]))
def test_every_scheme_becomes_the_same_iob2_and_contradicts_nothing(sentences, scheme):
    tags, borders = written(sentences, scheme)
    names, numbers = numbered(tags)
    out, known = to_iob2(scheme, names, numbers, borders)
    assert [known[i] for i in out] == written(sentences, "IOB2")[0]
    assert not contradictions(known, out, borders).any()


@given(SENTENCES, st.sampled_from(["IOB1", "IOB2", "IOBES"]))
def test_entities_are_the_stretches_that_were_written(sentences, scheme):
    tags, borders = written(sentences, scheme)
    names, numbers = numbered(tags)
    out, known = to_iob2(scheme, names, numbers, borders)
    found = entities_of(known, out, borders)
    lengths = [length for stretches in sentences for length, _ in stretches]
    kinds = [kind for stretches in sentences for _, kind in stretches]
    ends = np.cumsum(lengths)
    wanted = [(end - n, end, k) for n, end, k in zip(lengths, ends, kinds, strict=True) if k]
    assert list(zip(found.first, found.last, found.kinds, strict=True)) == wanted


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("O B-X I-X O I-X", "IOB2"),
        ("O I-X I-X O I-Y I-X O", "IOB1"),
        ("O I-X B-X O I-Y", "IOB1"),
        ("O B-X E-X O S-X", "IOBES"),
        ("O B-X L-X O U-X", "IOBES"),
        ("O B-X M-X E-X S-X", "IOBES"),
        ("O B I O", "IOB2"),
        ("O O O", "IOB2"),
        ("NOUN VERB O", "none"),
        ("B-X I-X", "IOB2"),
        ("I-X I-X B-X", "IOB1"),
        ("B M E S", "IOBES"),
        ("NN VB-X I-X", "none"),
    ],
)
def test_schemes_are_told_apart(tags, scheme):
    names, numbers = numbered(tags.split())
    assert recognise(names, numbers, np.array([0, len(numbers)])) == scheme


def test_tags_that_contradict_their_scheme_stay_so_that_they_can_be_found():
    tags = ["O", "I-X", "O", "B-X", "I-Y", "O", "B-X", "I-X"]
    names, numbers = numbered(tags)
    borders = np.array([0, 7, 8])  # the last I begins a sentence
    out, known = to_iob2("IOB2", names, numbers, borders)
    assert [known[i] for i in out] == tags
    assert np.flatnonzero(contradictions(known, out, borders)).tolist() == [1, 4, 7]
    found = entities_of(known, out, borders)
    assert found.first.tolist() == [1, 3, 4, 6, 7]
    assert found.kinds == ["X", "X", "Y", "X", "X"]


@given(
    st.sampled_from(["IOB1 BI", "IOB2 BI", "IOBES BIES", "IOBES BILU", "IOBES BMES"]),
    st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=6), min_size=1, max_size=3),
)
def test_what_contradicts_a_scheme_is_read_as_lenient_scores_do_and_strict_ones_do_not(
    scheme, drawn
):
    scheme, letters = scheme.split()
    names = ("O", *(f"{letter}-{kind}" for letter in letters for kind in "XY"))
    tags = np.array([tag % len(names) for one in drawn for tag in one], np.int32)
    borders = np.cumsum([0, *map(len, drawn)])
    out, known = to_iob2(scheme, names, tags, borders)
    lenient = spans_in(find_entities(tags, borders, names, "lenient"))
    assert spans_in(find_entities(out, borders, known, "lenient")) == lenient
    wrong = contradictions(names, tags, borders, scheme)
    if scheme != "IOB1":
        strict = spans_in(find_entities(tags, borders, names, "strict"))
        assert (strict == lenient) is not wrong.any()


def spans_in(found):
    return list(zip(found.start.tolist(), found.stop.tolist(), found.kind.tolist(), strict=True))


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [("O B-X I-X B-X", [1]), ("I-X B-X B-Y", [2]), ("I-X I-X O I-Y B-Y", [])],
)
def test_of_iob1_a_b_stands_between_entities_of_a_kind(tags, wrong):
    names, numbers = numbered(tags.split())
    found = contradictions(names, numbers, np.array([0, len(numbers)]), "IOB1")
    assert np.flatnonzero(found).tolist() == wrong


def test_entities_of_any_scheme_are_found_and_other_tags_are_none():
    names = ("O", "B-X", "L-X", "U-Y", "NOUN")
    found = entities_of(names, np.array([1, 2, 3, 4, -1, 2]), np.array([0, 0, 6]))
    assert found.first.tolist() == [0, 2, 5] and found.last.tolist() == [2, 3, 6]
    assert found.kinds == ["X", "Y", "X"]


def test_names_are_whole_for_every_kind_with_o_first():
    names, numbers = numbered(["O", "I-PER", "S-LOC", "I-ORG"])
    _, known = to_iob2("IOBES", names, numbers, np.array([0, 4]))
    assert known == ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")


def test_words_without_a_tag_are_outside():
    names, tags = ("B-X", "I-X", "O"), np.array([0, -1, 1], np.int32)
    assert recognise(names, tags, np.array([0, 3])) == "IOB2"
    assert recognise(names, np.full(3, -1, np.int32), np.array([0, 3])) == "none"
    out, known = to_iob2("IOB2", names, tags, np.array([0, 3]))
    assert [known[i] if i >= 0 else None for i in out] == ["B-X", None, "I-X"]
    assert contradictions(known, out, np.array([0, 3])).tolist() == [False, False, True]
