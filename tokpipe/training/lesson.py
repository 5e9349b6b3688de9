"""What a training has of a teacher: first weights, answers kept in half precision, objective."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.loader import Loader
from tokpipe.bert.head import PLAIN, Objective
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.arrays import gather_ranges
from tokpipe.foundation.batch import Batch


class TeacherOutputs(NamedTuple):
    """What a teacher said once, of all that it was asked about; in files as a rule."""

    rows: NDArray[np.float16]  # float16[N, C + G]: logits, and last hidden states
    # float16[T, 3G]: queries, keys and values in its last layer, of all tokens; None: not kept
    relations: NDArray[np.float16] | None = None

    def fields(
        self, outputs: int, places: NDArray[np.int64], tokens: NDArray[np.int64]
    ) -> dict[str, Any]:
        """Return what of it goes into a batch, as `tokpipe.foundation.batch.Batch` has it.

        Parameters
        ----------
        outputs
            C, how many logits there are.
        places, tokens
            Which of the N rows and of the T tokens the batch has.
        """
        rows, relations = self.rows[places].astype(np.float32), self.relations
        soft, hidden = (np.ascontiguousarray(part) for part in np.split(rows, [outputs], axis=1))
        return {
            "soft_targets": soft if soft.size else None,
            "hidden_targets": hidden if hidden.size else None,
            "relation_targets": None if relations is None else relations[tokens].astype(np.float32),
        }


class RowRanges(NamedTuple):
    """Which of the answers, and of the tokens, belong to each row of a split: int64[R + 1]."""

    masks: NDArray[np.int64]
    tokens: NDArray[np.int64]

    def of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return those of some rows, in the order of these."""
        return gather_ranges(self.masks, rows)[0], gather_ranges(self.tokens, rows)[0]


class ShardOutputs(NamedTuple):
    """What a teacher said of the masks of shards, and where that of each row is."""

    outputs: TeacherOutputs
    places: RowRanges


class Lesson(NamedTuple):
    """What a pretraining has of a teacher."""

    first: Callable[[], Parameters]  # makes the first weights
    settings: Mapping[str, Any]  # what follows from it, beside all else
    objective: Objective = PLAIN
    outputs: ShardOutputs | None = None  # None: the teacher gives first weights only
    bytes: int = 0  # of memory that it takes


class TaughtTexts:
    """Batches of shards, with what a teacher says of their masks.

    Parameters
    ----------
    loader
        Whose masks are the same in all epochs.
    outputs
        Of all rows that are to come.
    """

    def __init__(self, loader: Loader, outputs: ShardOutputs) -> None:
        self.loader, self.outputs, self.name = loader, outputs, loader.name

    def count(self, epoch: int) -> int:
        """Return how many batches an epoch has."""
        return self.loader.count(epoch)

    def batches(self, epoch: int, start: int = 0, threads: int | None = None) -> Iterator[Batch]:
        """Yield the batches of an epoch in order, from number `start` on."""
        plan, (outputs, places) = self.loader.plan(epoch), self.outputs
        for number, batch in enumerate(self.loader.batches(epoch, start, threads), start):
            yield replace(batch, **outputs.fields(0, *places.of(plan.rows_of(number))))
