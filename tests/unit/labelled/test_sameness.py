import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings
from tokpipe.labelled.records import LabelledTexts, Questions, TaggedWords
from tokpipe.labelled.sameness import content_codes, label_codes

CELL = st.sampled_from(["", "a", "b", "ab", "é", "a b", "\0"])
PAIRS = st.lists(st.tuples(CELL, CELL, st.sampled_from("xyz")), max_size=6)


def agree(codes, contents):
    """Say whether equal contents, and they alone, have equal numbers in all parts."""
    pairs = {
        (code, content)
        for part in codes
        for code, content in zip(codes[part].tolist(), contents[part], strict=True)
    }
    return len(pairs) == len({code for code, _ in pairs}) == len({content for _, content in pairs})


@given(PAIRS, PAIRS, st.integers(1, 2))
def test_texts_and_their_labels(first, second, columns):
    parts, contents, labels = {}, {}, {}
    for name, rows in (("train", first), ("test", second)):
        texts = tuple(Strings.from_list([row[i] for row in rows]) for i in range(columns))
        names = tuple(sorted({row[2] for row in rows}, reverse=name == "test"))
        numbers = np.array([names.index(row[2]) for row in rows], np.int32)
        parts[name] = LabelledTexts(name, texts, numbers, names, np.arange(len(rows)))
        contents[name] = [row[:columns] for row in rows]
        labels[name] = [row[2] for row in rows]
    assert agree(content_codes(parts), contents)
    assert agree(label_codes(parts), labels)


@given(PAIRS, PAIRS)
def test_several_labels(first, second):
    parts, labels = {}, {}
    for name, rows in (("train", first), ("test", second)):
        names = ("x", "y", "z") if name == "train" else ("z", "x", "y")
        held = [{row[2], *row[0][:1]} & set(names) for row in rows]
        marks = np.array([[n in each for n in names] for each in held], np.uint8).reshape(-1, 3)
        texts = (Strings.from_list([row[0] for row in rows]),)
        parts[name] = LabelledTexts(name, texts, marks, names, np.arange(len(rows)))
        labels[name] = [frozenset(each) for each in held]
    assert agree(label_codes(parts), labels)


SENTENCES = st.lists(
    st.lists(st.tuples(CELL, st.sampled_from(["X", "Y", None])), min_size=1, max_size=3), max_size=5
)


@given(SENTENCES, SENTENCES)
def test_sentences_and_their_tags(first, second):
    parts, contents, labels = {}, {}, {}
    for name, rows in (("train", first), ("test", second)):
        words = [pair for row in rows for pair in row]
        borders = np.cumsum([0] + [len(row) for row in rows])
        names = ("X", "Y") if name == "train" else ("Y", "X")
        tags = np.array([-1 if t is None else names.index(t) for _, t in words], np.int32)
        strings, lines = Strings.from_list([word for word, _ in words]), np.arange(len(words))
        parts[name] = TaggedWords(name, strings, borders, tags, names, "none", lines)
        contents[name] = [tuple(word for word, _ in row) for row in rows]
        labels[name] = [tuple(tag for _, tag in row) for row in rows]
    assert agree(content_codes(parts), contents)
    assert agree(label_codes(parts), labels)


@given(PAIRS, PAIRS)
def test_questions_with_their_paragraphs(first, second):
    parts, contents = {}, {}
    for name, rows in (("train", first), ("test", second)):
        paragraphs = sorted({row[0] for row in rows})
        of = np.array([paragraphs.index(row[0]) for row in rows], np.int64)
        asked, none = Strings.from_list([row[1] for row in rows]), Strings.from_list([])
        borders, starts = np.zeros(len(rows) + 1, np.int64), np.zeros(0, np.int64)
        text = Strings.from_list(paragraphs)
        parts[name] = Questions(name, text, of, asked, asked, none, starts, borders)
        contents[name] = [row[:2] for row in rows]
    assert agree(content_codes(parts), contents)
