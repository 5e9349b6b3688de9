"""A shard folder, looked at: examples, measured shares, lengths, what padding would cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.seeds import random_order, stream_key
from tokpipe.inspection.intervals import Share, share
from tokpipe.shards.reader import Shards, Split

MOST_TOKENS = 20_000_000  # measured: a few seconds, and intervals of a hundredth of a percent
_BARS = 16  # classes of length: a screen of 24 lines holds them with the figures above
_PADDED_ROWS = 32  # what padding is measured on: the batch of BERT's fine-tuning script


@dataclass(frozen=True)
class Shown:
    """One example."""

    # `file`, `row`: where it is
    file: str
    row: int
    ids: NDArray[np.int32]  # int32[L]: what stood there
    masked: NDArray[np.int32]  # int32[L]: what a model gets
    positions: NDArray[np.int32]  # int32[M]: what is to be predicted
    segments: NDArray[np.int32]  # int32[L]: ``token_type_ids``
    label: int | None  # of the next sentence or the order; None if there is none


@dataclass(frozen=True)
class Measured:
    """What was counted in some of a split's examples."""

    # `examples`, `tokens`: how many were counted; the examples are drawn at random
    examples: int
    tokens: int
    masked: Share  # of all tokens, special ones included, as masked_lm_prob counts
    # `mask`, `random`, `kept`: of the masked ones: replaced by the mask token, by another token,
    # left as they were
    mask: Share
    random: Share
    kept: Share
    labels: Share | None  # of pairs: the share of label 1; else None


@dataclass(frozen=True)
class SplitView:
    """A split, looked at."""

    split: Split  # the split
    measured: Measured | None  # shares; None if it is empty
    examples: Sequence[Shown]  # some of it
    lengths: Sequence[tuple[int, int, int]]  # (from, to, how many) of examples by tokens
    padding: float  # the share of positions that padding to the longest example allowed would waste
    # the same, if 32 drawn at random are padded to the longest among them
    padding_in_batches: float


def view_split(shards: Shards, split: Split, examples: int, seed: int) -> SplitView:
    """Look at a split, and show some examples.

    The seed is of the order, and of dynamic masks: those of the first epoch.

    Raises
    ------
    ArtifactError
        If a row holds an id that the vocabulary does not.
    """
    longest = shards.examples.max_seq_length
    lengths = split.lengths
    padding = 1 - split.tokens / (split.rows * longest) if split.rows else 0.0
    measured, shown = None, []
    if split.rows:
        loader = Loader(split, BatchConfig(), shards.facts, shards.masks, seed)
        measured, shown = _measure(loader, shards, examples)
    return SplitView(
        split,
        measured,
        shown,
        histogram(lengths, longest),
        padding,
        _padding_in_batches(lengths, seed),
    )


def histogram(lengths: NDArray[np.int32], longest: int) -> list[tuple[int, int, int]]:
    """Count examples by length, in at most 16 classes up to the longest allowed.

    Examples
    --------
    >>> histogram(np.array([3, 4, 9], np.int32), 10)[:5]
    [(1, 1, 0), (2, 2, 0), (3, 3, 1), (4, 4, 1), (5, 5, 0)]
    """
    longest = max(longest, int(lengths.max(initial=1)))
    size = -(-longest // _BARS)
    counts = np.bincount((lengths - 1) // size, minlength=-(-longest // size))
    return [
        (i * size + 1, min((i + 1) * size, longest), int(count)) for i, count in enumerate(counts)
    ]


def _padding_in_batches(lengths: NDArray[np.int32], seed: int) -> float:
    if not len(lengths):
        return 0.0
    drawn = lengths[random_order(stream_key(seed, "order", 0), len(lengths))]
    starts = np.arange(0, len(drawn), _PADDED_ROWS)
    rows = np.diff(np.append(starts, len(drawn)))
    positions = int((np.maximum.reduceat(drawn, starts).astype(np.int64) * rows).sum())
    return 1 - int(drawn.sum()) / positions


def _measure(loader: Loader, shards: Shards, examples: int) -> tuple[Measured, list[Shown]]:
    rows = tokens = masked = mask = same = ones = 0
    shown: list[Shown] = []
    batches = loader.batches(0)
    for batch in batches:
        shown += [
            _shown(batch, i, loader.split) for i in range(min(len(batch), examples - len(shown)))
        ]
        assert batch.masked_positions is not None  # a loader fills all but the labels
        now = batch.input_ids[batch.masked_positions]
        rows, tokens = rows + len(batch), tokens + len(batch.input_ids)
        masked += len(now)
        mask += int(np.count_nonzero(now == shards.facts.mask_id))
        same += int(np.count_nonzero(now == batch.masked_ids))
        if batch.next_sentence_label is not None:
            ones += int(batch.next_sentence_label.sum())
        if tokens >= MOST_TOKENS and len(shown) >= examples:
            break
    batches.close()  # type: ignore[attr-defined]  # a generator: it stops the work ahead
    shares = share(mask, masked), share(masked - mask - same, masked), share(same, masked)
    labels = share(ones, rows) if loader.has_pairs else None
    return Measured(rows, tokens, share(masked, tokens), *shares, labels), shown


def _shown(batch: Batch, row: int, split: Split) -> Shown:
    assert batch.masked_positions is not None and batch.masked_ids is not None
    assert batch.token_type_ids is not None and batch.rows is not None
    first, last = batch.offsets[row], batch.offsets[row + 1]
    targets = (batch.masked_positions >= first) & (batch.masked_positions < last)
    masked = batch.input_ids[first:last].copy()
    positions = batch.masked_positions[targets] - first
    ids = masked.copy()
    ids[positions] = batch.masked_ids[targets]
    shard, place = batch.rows[row].tolist()
    labels = batch.next_sentence_label
    return Shown(
        split.files[shard],
        place,
        ids,
        masked,
        positions,
        batch.token_type_ids[first:last].copy(),
        None if labels is None else int(labels[row]),
    )


def shards_json(shards: Shards, views: Sequence[SplitView]) -> dict[str, Any]:
    """Return what was looked at as JSON types."""
    return {
        "folder": str(shards.folder),
        "settings": dict(shards.manifest.settings),
        "vocab_size": shards.facts.vocab_size,
        "splits": {view.split.name: _split_json(view, shards) for view in views},
    }


def _split_json(view: SplitView, shards: Shards) -> dict[str, Any]:
    return {
        "files": len(view.split.files),
        "examples": view.split.rows,
        "tokens": view.split.tokens,
        "measured": _measured_json(view.measured) if view.measured else None,
        "lengths": [{"from": a, "to": b, "examples": count} for a, b, count in view.lengths],
        "padding": view.padding,
        "padding_in_batches_of_32": view.padding_in_batches,
        "shown": [dict(_shown_json(shown, shards.tokenizer.tokens)) for shown in view.examples],
    }


def _measured_json(measured: Measured) -> dict[str, Any]:
    shares = {
        "masked": measured.masked,
        "mask": measured.mask,
        "random": measured.random,
        "kept": measured.kept,
    }
    found: dict[str, Any] = {"examples": measured.examples, "tokens": measured.tokens}
    found |= {name: one.to_dict() for name, one in shares.items()}
    found["label_1"] = measured.labels.to_dict() if measured.labels else None
    return found


def _shown_json(shown: Shown, tokens: Sequence[str]) -> Iterator[tuple[str, Any]]:
    yield "file", shown.file
    yield "row", shown.row
    yield "label", shown.label
    yield "tokens", [tokens[i] for i in shown.ids]
    yield "input_tokens", [tokens[i] for i in shown.masked]
    yield "positions", shown.positions.tolist()
    yield "token_type_ids", shown.segments.tolist()
