"""What a head says of many batches: logits in their order, for scores."""

from collections.abc import Callable, Iterable
from itertools import chain, takewhile

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.losses import Losses
from tokpipe.bert.model import Model
from tokpipe.bert.workspaces import Workspaces
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.threads import Feed, run_in_threads

Array = NDArray[np.floating]
_Found = tuple[int, Array, Losses]


def head_outputs(
    model: Model,
    head: str,
    batches: Iterable[Batch],
    workspaces: Workspaces,
    threads: int,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[list[Array], Losses]:
    """Go forward over batches without dropout.

    Each batch is one thread's work, so that no result depends on how many there are.

    Parameters
    ----------
    head
        Whose logits are wanted; the losses are those of all heads that a batch asks.
    workspaces
        As many as threads, made for training or not.
    stopped
        Says whether to end early, with the batches so far.

    Returns
    -------
    list of float32[N, classes]
        The logits of each batch, in order.
    Losses
        Of all batches; empty where they name no targets.
    """

    def run(feed: Feed[tuple[int, Batch]]) -> list[_Found]:
        found = []
        for number, batch in feed:
            with workspaces.lend(batch) as workspace:
                found.append((number, *model.outputs(head, batch, workspace)))
        return found

    going = takewhile(lambda _: not stopped(), enumerate(batches))
    found = sorted(chain.from_iterable(run_in_threads(run, going, threads)), key=lambda one: one[0])
    return [logits for _, logits, _ in found], sum((losses for *_, losses in found), Losses())
