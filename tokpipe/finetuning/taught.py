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
from tokpipe.foundation.batch import Batch


class Taught(NamedTuple):
    """What a training has of a teacher."""

    begun: Callable[[int], Parameters]  # the first weights, by a seed
    # float16[N, C + H]: logits and last hidden states of the teacher at all places that are asked,
    # or float16[N, C] without those; None: nothing is learned from it
    said: NDArray[np.float16] | None


class TaughtLoader(ExampleLoader):
    """Batches of windows, with what a teacher says of them.

    Parameters
    ----------
    examples, config, seed
        As `ExampleLoader` has them.
    said : float16[N, C + H] or float16[N, C]
        As `Taught` has it.
    model
        Settings of the model that learns.
    """

    def __init__(
        self,
        examples: Examples,
        config: BatchConfig,
        seed: int,
        said: NDArray[np.float16],
        model: BertConfig,
    ) -> None:
        super().__init__(examples, config, seed)
        self._said, self._outputs = said, model.outputs

    def pack(self, windows: NDArray[np.integer]) -> Batch:
        """Copy some windows, in any order, into a batch."""
        places = self.examples.logit_places(windows)
        if self.examples.tags is not None:  # words without a tag are not learned from
            places = places[self.examples.tags[places] >= 0]
        said = self._said[places].astype(np.float32)
        hidden = said[:, self._outputs :]
        return replace(
            super().pack(windows),
            soft_targets=np.ascontiguousarray(said[:, : self._outputs]),
            hidden_targets=np.ascontiguousarray(hidden) if hidden.size else None,
        )
