"""A model that learns from another: its first weights, and batches with what the other says."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.config import BatchConfig
from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.loader import ExampleLoader
from tokpipe.foundation.arrays import gather_ranges
from tokpipe.foundation.batch import Batch
from tokpipe.training.lesson import TeacherOutputs


class Taught(NamedTuple):
    """What a training has of a teacher."""

    begun: Callable[[int], Parameters]  # the first weights, by a seed
    method: str  # as `tokpipe.finetuning.report.Report` has it
    outputs: TeacherOutputs | None = None  # of all windows; None: nothing is learned from it


class TaughtLoader(ExampleLoader):
    """Batches of windows, with what a teacher says of them.

    Parameters
    ----------
    examples, config, seed
        As `ExampleLoader` has them.
    teacher_outputs
        What the teacher says of all of them.
    model
        Settings of the model that learns.
    """

    def __init__(
        self,
        examples: Examples,
        config: BatchConfig,
        seed: int,
        teacher_outputs: TeacherOutputs,
        model: BertConfig,
    ) -> None:
        super().__init__(examples, config, seed)
        self._teacher_outputs, self._outputs = teacher_outputs, model.outputs

    def pack(self, windows: NDArray[np.integer]) -> Batch:
        """Copy some windows, in any order, into a batch."""
        places = self.examples.logit_places(windows)
        if self.examples.tags is not None:  # words without a tag are not learned from
            places = places[self.examples.tags[places] >= 0]
        tokens = gather_ranges(self.examples.offsets, windows)[0]
        fields = self._teacher_outputs.fields(self._outputs, places, tokens)
        return replace(super().pack(windows), **fields)
