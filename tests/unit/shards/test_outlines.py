"""Blocks from outlines are those from the text, however the corpus is cut into pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.shards.test_documents import CORPUS, pieces_of
from tokpipe.corpus.batch import TextBatch
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ArtifactError
from tokpipe.shards.documents import Documents
from tokpipe.shards.outlines import outline, read_outlines, write_outlines


def shape(block):
    """Return all of a block but its bytes; documents by their sizes, not by those of texts."""
    sizes = np.diff(block.texts.offsets[block.documents]).tolist()
    facts = (block.is_lines, dict(block.repairs), block.resume_point, block.texts.nbytes)
    return block.split, sizes, block.numbers.tolist(), facts


@given(CORPUS, st.lists(st.integers(0, 500), max_size=8), st.integers(1, 60))
@settings(max_examples=300)
def test_blocks_from_outlines_are_those_from_the_text(corpus, cuts, limit):
    pieces = pieces_of(corpus, cuts)
    wanted = [shape(block) for block in Documents(limit, 0.3, 7).blocks(pieces)]
    outlines = [(index, outline(batch, limit)) for index, batch in pieces]
    found = [shape(block) for block in Documents(limit, 0.3, 7).gathered(outlines)]
    assert found == wanted


def test_outlines_come_back_from_their_file(tmp_path):
    texts = Strings.from_list(["a\n", "", "bcd\n", "e" * 90])
    batches = [
        TextBatch(texts, np.array([0, 1, 4]), continues=True, is_lines=True, tally={"null": 2}),
        TextBatch(Strings.from_list([]), np.array([0])),
    ]
    written = [(7 + i, 100 * i, outline(batch, 40)) for i, batch in enumerate(batches)]
    write_outlines(tmp_path / "o", written)
    for (index, stored, batch), (i, size, was) in zip(
        read_outlines(tmp_path / "o"), written, strict=True
    ):
        assert (index, stored) == (i, size)
        assert batch.texts.offsets.tolist() == was.texts.offsets.tolist()
        assert batch.documents.tolist() == was.documents.tolist()
        assert (batch.continues, batch.is_lines) == (was.continues, was.is_lines)
        assert dict(batch.tally) == dict(was.tally)


@pytest.mark.parametrize("damage", [b"", b"abc", None])
def test_a_damaged_file_of_outlines_is_named(tmp_path, damage):
    path = tmp_path / "o"
    write_outlines(
        path, [(0, 5, outline(TextBatch(Strings.from_list(["a"]), np.array([0, 1])), 9))]
    )
    path.write_bytes(path.read_bytes()[:-60] if damage is None else damage)
    with pytest.raises(ArtifactError, match="no outline"):
        list(read_outlines(path))
