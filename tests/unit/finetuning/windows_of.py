"""Examples made by hand: windows of drawn tokens, each told by its first."""

from dataclasses import fields

import numpy as np

from tokpipe.finetuning.examples import Examples

LENGTHS = np.random.default_rng(1).integers(2, 90, 300)


def drawn(lengths=LENGTHS, **asked):
    """Make windows of so many tokens; the first of window e is e + 1000."""
    generator = np.random.default_rng(2)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = generator.integers(5, 1_000, offsets[-1]).astype(np.int32)
    ids[offsets[:-1]] = 1_000 + np.arange(len(lengths))
    kinds = (np.arange(offsets[-1]) % 2).astype(np.uint8)
    row = np.arange(len(lengths))
    return Examples(
        input_ids=ids, offsets=offsets, token_type_ids=kinds, row=row, rows=len(row), **asked
    )


def with_tags(tags_known=True):
    """Every third token is asked for its tag, which is its place modulo 7."""
    plain = drawn()
    positions = np.arange(1, len(plain.input_ids), 3)
    tags = (positions % 7).astype(np.int32)
    if not tags_known:
        tags[::5] = -1
    return drawn(tag_positions=positions, tags=tags, word=positions, context=positions)


def numbers(batch):
    """Return which windows a batch holds."""
    return (batch.input_ids[batch.offsets[:-1]] - 1_000).tolist()


def same(one, other):
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
