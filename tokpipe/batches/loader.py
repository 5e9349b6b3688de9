"""Shards to batches: in the order of (seed, epoch), from any batch on, masks drawn at load.

The position of a run is three integers: seed, epoch, batch. Nothing is read to get there: the plan
of an epoch follows from the lengths of the rows, and masks from each row's shard and number.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.kernels.gather import (
    COLUMNS,
    gather_rows,
    gather_targets,
    target_borders,
)
from tokpipe.batches.plan import Plan, mask_keys, plan_epoch
from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.masking import Masks, check_facts, mask_examples
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.foundation.threads import map_ordered
from tokpipe.shards.parts import Lists, Part
from tokpipe.shards.reader import Split

# Tokens that one call copies and masks, a millisecond's work: several batches, or one that is
# larger, so that Python's share stays small.
_TOKENS_AT_ONCE = 1 << 16


Own = Callable[[NDArray[np.int32]], NDArray[np.int64]]


class _Rows(NamedTuple):
    """Rows of several batches, end to end."""

    offsets: NDArray[np.int64]
    input_ids: NDArray[np.int32]
    token_type_ids: NDArray[np.int32]
    labels: NDArray[np.int32]
    places: NDArray[np.int64]


class Loader:
    """Batches of a split.

    Parameters
    ----------
    split
        Of opened shards, see `tokpipe.shards.reader.open_shards`.
    config
        How much a batch holds.
    facts
        Of the shards' vocabulary.
    masks
        The settings that the shards were made with, or others if they hold no masks.
    seed
        Of order and masks.
    same_masks
        Whether all epochs have the masks of the first, where masks are drawn.

    Raises
    ------
    ConfigError
        If the settings ask for stored masks and there are none, or for new ones where masked
        copies are stored.
    """

    def __init__(
        self,
        split: Split,
        config: BatchConfig,
        facts: TokenFacts,
        masks: MaskConfig,
        seed: int,
        *,
        same_masks: bool = False,
    ) -> None:
        self.split, self.config, self.facts, self.masks = split, config, facts, masks
        self.seed, self.same_masks = seed, same_masks
        first = next(iter(split.parts), None)
        self.is_static = first is not None and first.masked_positions is not None
        self.has_pairs = first is not None and first.labels is not None
        _check_masks(split, masks, self.is_static)
        check_facts(facts, masks)
        self._table, self._width = _table_of(split)
        self._plan: tuple[int, Plan] | None = None
        self._own: Own | None = None

    def of_own(self, own: Own) -> "Loader":
        """Return one that reads only some sequences of each batch, which says what the others are.

        Parameters
        ----------
        own
            Says of the lengths of a batch's sequences which of them are wanted, ascending.
        """
        made = copy(self)
        made._own = own
        return made

    @property
    def name(self) -> str:
        """The name of the split."""
        return self.split.name

    def plan(self, epoch: int) -> Plan:
        """Return the batches of an epoch; the last one asked for is kept."""
        if self._plan is None or self._plan[0] != epoch:
            self._plan = epoch, plan_epoch(self.split.lengths, self.config, self.seed, epoch)
        return self._plan[1]

    def count(self, epoch: int) -> int:
        """Return how many batches an epoch has; with a budget of tokens, the order decides."""
        return len(self.plan(epoch))

    def batches(self, epoch: int, start: int = 0, threads: int | None = None) -> Iterator[Batch]:
        """Yield the batches of an epoch in order, made ahead in the background.

        Parameters
        ----------
        epoch
            From 0; each has its own order and, with dynamic masking, its own masks.
        start
            The first batch wanted.
        threads
            How many make batches, or None for one a usable processor; they are the same for any.

        Raises
        ------
        ArtifactError
            If a row holds an id that the vocabulary does not.
        """
        plan = self.plan(epoch)
        work = ((epoch, plan, begin, end) for begin, end in self._groups(plan, start))
        for made in map_ordered(lambda item: self._make(*item), work, threads):
            yield from made

    def _groups(self, plan: Plan, start: int) -> Iterator[tuple[int, int]]:
        """Cut the batches from `start` on into runs that are made at once."""
        sums = np.concatenate([[0], np.cumsum(self.split.lengths[plan.order])])
        sizes = np.diff(sums[plan.borders])[plan.sequence]
        begin, tokens = start, 0
        for batch in range(start, len(plan)):
            tokens += int(sizes[batch])
            if tokens >= _TOKENS_AT_ONCE or batch == len(plan) - 1:
                yield begin, batch + 1
                begin, tokens = batch + 1, 0

    def _make(self, epoch: int, plan: Plan, begin: int, end: int) -> list[Batch]:
        """Make the batches from `begin` to `end`, as views of arrays that they share."""
        runs = [plan.rows_of(batch) for batch in range(begin, end)]
        if self._own is not None:
            lengths = [self.split.lengths[run] for run in runs]
            runs = [run[self._own(of)] for run, of in zip(runs, lengths, strict=True)]
            made = self._made(runs, epoch)
            return [replace(one, whole=of) for one, of in zip(made, lengths, strict=True)]
        return self._made(runs, epoch)

    def _made(self, runs: list[NDArray[np.int64]], epoch: int) -> list[Batch]:
        """Make a batch of each of some runs of rows."""
        rows = np.concatenate(runs)
        found = self._gather(rows)
        masks = (
            self._stored_masks(rows, found) if self.is_static else self._draw_masks(found, epoch)
        )
        positions = masks.positions + np.repeat(found.offsets[:-1], np.diff(masks.offsets))
        borders = np.cumsum([0, *(len(run) for run in runs)])
        return [
            _batch(found, masks, positions.astype(np.int32), slice(a, b), self.has_pairs)
            for a, b in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True)
        ]

    def _gather(self, rows: NDArray[np.int64]) -> _Rows:
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(self.split.lengths[rows], out=offsets[1:])
        tokens = int(offsets[-1])
        found = _Rows(
            offsets,
            np.empty(tokens, np.int32),
            np.empty(tokens, np.int32),
            np.zeros(len(rows), np.int32),
            np.empty((len(rows), 2), np.int64),
        )
        greatest = gather_rows(rows, self._table, self._width, offsets, found[1:])
        if greatest >= self.facts.vocab_size:
            bad = int(np.argmax(found.input_ids.view(np.uint32) == greatest))
            row = int(np.searchsorted(found.offsets, bad, side="right")) - 1
            raise self._damaged(found.places[row], f"the id {greatest}")
        return found

    def _damaged(self, place: NDArray[np.int64], what: str) -> ArtifactError:
        shard, row = place.tolist()
        return ArtifactError(
            f"{self.split.files[shard]}: row {row:,} holds {what}, "
            f"with {self.facts.vocab_size:,} tokens in the vocabulary",
            hint="`tokpipe check` says whether the files were changed.",
        )

    def _draw_masks(self, found: _Rows, epoch: int) -> Masks:
        keys = mask_keys(self.seed, 0 if self.same_masks else epoch, found.places)
        return mask_examples(found.input_ids, found.offsets, keys, self.facts, self.masks)

    def _stored_masks(self, rows: NDArray[np.int64], found: _Rows) -> Masks:
        borders = target_borders(rows, self._table)
        positions, ids = (np.empty(int(borders[-1]), np.int32) for _ in range(2))
        gather_targets(rows, self._table, self._width, borders, (positions, ids))
        lengths = np.repeat(np.diff(found.offsets), np.diff(borders))
        wrong = (positions >= lengths) | (ids.view(np.uint32) >= self.facts.vocab_size)
        if wrong.any():
            target = int(np.argmax(wrong))
            row = int(np.searchsorted(borders, target, side="right")) - 1
            what = f"the id {ids[target]} for position {positions[target]} of {lengths[target]}"
            raise self._damaged(found.places[row], what)
        return Masks(positions, ids, borders)


def _batch(
    found: _Rows, masks: Masks, positions: NDArray[np.int32], rows: slice, pairs: bool
) -> Batch:
    first, last = found.offsets[rows.start], found.offsets[rows.stop]
    targets = slice(masks.offsets[rows.start], masks.offsets[rows.stop])
    return Batch(
        found.input_ids[first:last],
        (found.offsets[rows.start : rows.stop + 1] - first).astype(np.int32),
        found.token_type_ids[first:last],
        positions[targets] - np.int32(first),
        masks.ids[targets],
        found.labels[rows] if pairs else None,
        found.places[rows],
    )


def _check_masks(split: Split, masks: MaskConfig, is_static: bool) -> None:
    if not split.parts or is_static == (masks.masking == "static"):
        return
    stored = "masked copies of the text" if is_static else "no masks"
    raise ConfigError(
        f"masking={masks.masking!r}, but the shards hold {stored}",
        hint="Use the setting that they were built with, or build them again.",
    )


def _table_of(split: Split) -> tuple[NDArray[np.int64], int]:
    """Return the split as kernels know it, and the bytes of an id."""
    table = np.zeros((len(split.parts), COLUMNS), np.int64)
    for line, part, first_row in zip(table, split.parts, split.borders[:-1], strict=True):
        line[:] = first_row, part.shard, part.first_row, *_addresses(part)
    return table, split.parts[0].input_ids.values.itemsize if split.parts else 2


def _addresses(part: Part) -> list[int]:
    none = Lists(None, None)  # type: ignore[arg-type]
    targets, ids = part.masked_positions or none, part.masked_ids or none
    arrays = [*part.input_ids, part.segment_b_start, part.labels, *targets, ids.values]
    return [0 if array is None else array.ctypes.data for array in arrays]
