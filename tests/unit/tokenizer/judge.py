"""Our encodings against those of the `tokenizers` library, field by field."""

import tokenizers

from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.tokenizer import Tokenizer

FIELDS = (
    "ids",
    "tokens",
    "offsets",
    "word_ids",
    "type_ids",
    "attention_mask",
    "special_tokens_mask",
    "sequence_ids",
)


def library_of(tokenizer: Tokenizer) -> tokenizers.Tokenizer:
    """Open the file that we would write with the library."""
    return tokenizers.Tokenizer.from_str(document_bytes(tokenizer.spec).decode())


def assert_equal(ours, theirs):
    """Compare all fields, and what overflowed."""
    for field in FIELDS:
        assert getattr(ours, field) == getattr(theirs, field), field
    assert len(ours.overflowing) == len(theirs.overflowing)
    for one, other in zip(ours.overflowing, theirs.overflowing, strict=True):
        assert_equal(one, other)
