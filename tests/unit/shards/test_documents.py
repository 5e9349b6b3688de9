import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokpipe.corpus.batch import TextBatch
from tokpipe.foundation.arrays import Strings
from tokpipe.shards.blocks import PART_SHIFT
from tokpipe.shards.cutting import cut_documents, cut_long_texts
from tokpipe.shards.documents import Documents

CORPUS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=9), min_size=1, max_size=30)


def pieces_of(corpus, cuts):
    """Make pieces of documents given by the lengths of their texts, cut in front of some texts."""
    texts = [f"{d:02}{t:02}"[:n].ljust(n, "x") for d, doc in enumerate(corpus) for t, n in
             enumerate(doc)]  # fmt: skip
    owners = [d for d, doc in enumerate(corpus) for _ in doc]
    borders = [0, *sorted({cut % len(texts) for cut in cuts} - {0}), len(texts)]
    pieces = []
    for number, (begin, end) in enumerate(itertools.pairwise(borders)):
        documents = [0, *(i - begin for i in range(begin + 1, end) if owners[i] != owners[i - 1])]
        batch = TextBatch(
            Strings.from_list(texts[begin:end]),
            np.array([*documents, end - begin], np.int64),
            continues=begin > 0 and owners[begin] == owners[begin - 1],
        )
        pieces.append((number * 3, batch))
    return pieces


def plain(block):
    texts = [text.decode() for text in block.texts.iter_bytes()]
    documents = [texts[a:b] for a, b in itertools.pairwise(block.documents.tolist())]
    return block.split, documents, block.numbers.tolist()


def blocks_of(pieces, limit, fraction=0.3, **starts):
    documents = Documents(limit, fraction, 7, **starts)
    left = [piece for piece in pieces if piece[0] >= documents.first_piece]
    return list(documents.blocks(left))


@given(CORPUS, st.lists(st.integers(0, 500), max_size=8), st.integers(1, 60))
@settings(max_examples=200)
def test_blocks_do_not_depend_on_pieces_and_lose_nothing(corpus, cuts, limit):
    whole = [plain(block) for block in blocks_of(pieces_of(corpus, []), limit)]
    cut = [plain(block) for block in blocks_of(pieces_of(corpus, cuts), limit)]
    assert sorted(whole) == sorted(cut)
    for split in (0, 1):
        assert [b for b in whole if b[0] == split] == [b for b in cut if b[0] == split]
    parts = [
        (number & ((1 << PART_SHIFT) - 1), number >> PART_SHIFT, "".join(document))
        for _, documents, numbers in whole
        for document, number in zip(documents, numbers, strict=True)
    ]
    joined = {}
    for number, _, text in sorted(parts):
        joined[number] = joined.get(number, "") + text
    wanted = dict.fromkeys(range(len(corpus)), "")
    for _, batch in pieces_of(corpus, []):
        for d, (a, b) in enumerate(itertools.pairwise(batch.documents.tolist())):
            wanted[d] = b"".join(list(batch.texts.iter_bytes())[a:b]).decode()
    assert joined == wanted


@given(CORPUS, st.lists(st.integers(0, 500), max_size=8), st.integers(1, 60), st.data())
@settings(max_examples=200)
def test_work_goes_on_from_the_end_of_any_block(corpus, cuts, limit, data):
    pieces = pieces_of(corpus, cuts)
    blocks = blocks_of(pieces, limit)
    by_split = [[b for b in blocks if b.split == split] for split in (0, 1)]
    done = [data.draw(st.integers(0, len(found))) for found in by_split]
    starts = tuple(
        found[count].resume_point if count < len(found) else None
        for found, count in zip(by_split, done, strict=True)
    )
    if starts == (None, None):
        return
    again = blocks_of(pieces, limit, starts=starts)
    for split in (0, 1):
        rest = [plain(b) for b in again if b.split == split]
        assert rest == [plain(b) for b in by_split[split][done[split] :]]


@given(CORPUS, st.integers(1, 60))
def test_blocks_are_of_the_asked_size(corpus, limit):
    for split in (0, 1):
        blocks = [b for b in blocks_of(pieces_of(corpus, []), limit) if b.split == split]
        for block in blocks[:-1]:
            sizes = np.diff(block.texts.offsets[block.documents])
            assert sizes.sum() >= limit > sizes[:-1].sum()


def test_long_document_is_cut_behind_the_text_that_fills_a_part():
    offsets = np.array([0, 4, 8, 12, 13, 20])
    parts = cut_documents(offsets, np.array([0, 4, 5]), 6)
    assert parts.borders.tolist() == [0, 2, 4, 5]
    assert parts.owners.tolist() == [0, 0, 1]
    assert parts.numbers.tolist() == [0, 1, 0]
    assert parts.begins.all()


def test_open_part_is_filled_first():
    parts = cut_documents(np.array([0, 4, 8, 12]), np.array([0, 3]), 8, part=2, part_bytes=5)
    assert parts.borders.tolist() == [0, 1, 3]
    assert parts.numbers.tolist() == [2, 3]
    assert parts.begins.tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("one two three", 6, ["one", " two", " three"]),
        ("ååååå", 3, ["å", "å", "å", "å", "å"]),
        ("abcdef", 4, ["abcd", "ef"]),
        ("abc", 3, ["abc"]),
    ],
)
def test_long_text_is_cut_at_white_space_or_between_characters(text, limit, expected):
    texts = Strings.from_list(["x", text, "y"])
    found, documents, long = cut_long_texts(texts, np.array([0, 2, 3]), limit)
    assert [t.decode() for t in found.iter_bytes()] == ["x", *expected, "y"]
    assert documents.tolist() == [0, 1 + len(expected), 2 + len(expected)]
    assert long == (len(expected) > 1)
