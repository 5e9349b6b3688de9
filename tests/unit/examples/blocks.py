"""Small blocks of documents for the tests, and a vocabulary of numbers."""

import numpy as np

from tokpipe.examples.build import EncodedDocuments
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.template import RowTemplate

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT = RowTemplate(*np.array([[2], [3], [3]], np.int32), type_1_from=1)
ROLES = {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}


def facts_of(size=1_000, continuing=()):
    tokens = [*SPECIALS, *(f"##{i}" if i in continuing else f"t{i}" for i in range(5, size))]
    return TokenFacts.of_tokens(tokens, set(SPECIALS), ROLES, "##")


def block_of(sizes, first=5):
    """Make a block from the sizes of the sentences of each document; its ids count up."""
    flat = [size for document in sizes for size in document]
    return EncodedDocuments(
        np.arange(first, first + sum(flat), dtype=np.int32),
        np.concatenate([[0], np.cumsum(flat, dtype=np.int64)]).astype(np.int64),
        np.cumsum([0] + [len(document) for document in sizes], dtype=np.int64),
        np.arange(len(sizes), dtype=np.int64),
    )


def random_block(seed, documents, sentences, length):
    """Make a block with drawn numbers of sentences and sizes of them, by (least, most)."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(*sentences, documents, endpoint=True)
    return block_of([generator.integers(*length, count, endpoint=True) for count in counts])
