"""Splits in memory, as if shards had been opened."""

from dataclasses import fields
from itertools import pairwise

import numpy as np

from tests.unit.examples.blocks import facts_of
from tokpipe.shards.parts import Lists, Part
from tokpipe.shards.reader import Split

FACTS = facts_of(1_000)
CLS, SEP, MASK = FACTS.cls_id, FACTS.sep_id, FACTS.mask_id


def fields_of(batch):
    """Return the arrays of a batch."""
    return [getattr(batch, field.name) for field in fields(batch)]


def same(one, other):
    return all(map(np.array_equal, fields_of(one), fields_of(other)))


def lists_of(rows, dtype):
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    return Lists(np.concatenate([*rows, []]).astype(dtype), offsets)


def split_of(rows, starts=None, labels=None, targets=None, *, cuts=(), dtype=np.uint16):
    """Make a split from lists of ids; `cuts`: (row, shard) where a new part begins."""
    begins = [(0, 0), *cuts, (len(rows), -1)]
    parts, first_row, last = [], 0, 0
    for (begin, shard), (end, _) in pairwise(begins):
        first_row = 0 if shard != last else first_row
        here = slice(begin, end)
        part = Part(
            shard,
            first_row,
            end - begin,
            lists_of(rows[here], dtype),
            None if starts is None else np.array(starts[here], np.uint16),
            None if labels is None else np.array(labels[here], np.int8),
            None if targets is None else lists_of([t[0] for t in targets[here]], np.uint16),
            None if targets is None else lists_of([t[1] for t in targets[here]], dtype),
        )
        parts.append(part)
        first_row, last = first_row + part.rows, shard
    files = [f"train/data-{i}.arrow" for i in range(max(shard for _, shard in begins) + 1)]
    return Split("train", parts, files, sum(len(row) for row in rows))


def drawn_rows(count, seed=1, least=4, most=60):
    """Make rows of drawn tokens; each begins with its number, so that it can be told."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(least, most, count, endpoint=True)
    return [[CLS, *generator.integers(5, 1_000, length - 2).tolist(), SEP] for length in lengths]


def pairs_split(count=300, seed=1, **settings):
    rows = drawn_rows(count, seed)
    starts = [len(row) // 2 for row in rows]
    labels = [i % 2 for i in range(count)]
    cuts = ((count // 4, 0), (count // 2, 1), (3 * count // 4, 2))
    return rows, split_of(rows, starts, labels, cuts=cuts, **settings)
