"""What a head says of many batches: logits in their order, for scores."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, takewhile

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.losses import Losses
from tokpipe.bert.model import Model
from tokpipe.bert.workspaces import Workspaces
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.threads import Feed, run_in_threads
from tokpipe.training.ranks import Ranks
from tokpipe.training.tallies import losses_of, rows_of

Array = NDArray[np.floating]
Said = tuple[Array, Losses]  # of one batch


def head_outputs(
    model: Model,
    head: str,
    batches: Iterable[Batch],
    workspaces: Workspaces,
    threads: int,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Said]:
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
    list of (float32[N, classes], Losses)
        The logits of each batch, in order, and its losses; these are empty where it names no
        targets.
    """

    def run(feed: Feed[tuple[int, Batch]]) -> list[tuple[int, Said]]:
        found = []
        for number, batch in feed:
            with workspaces.lend(batch) as workspace:
                found.append((number, model.outputs(head, batch, workspace)))
        return found

    going = takewhile(lambda _: not stopped(), enumerate(batches))
    found = sorted(chain.from_iterable(run_in_threads(run, going, threads)), key=lambda one: one[0])
    return [said for _, said in found]


class Dealt:
    """Batches of which a rank takes its share, one after the other; all of them are counted.

    Attributes
    ----------
    count : int
        How many came so far.
    """

    def __init__(self, batches: Iterable[Batch], ranks: Ranks) -> None:
        self.count = 0
        self._batches, self._ranks = batches, ranks

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            is_mine = self.count % self._ranks.size == self._ranks.rank
            self.count += 1
            if is_mine:
                yield batch


def told_to_all(ranks: Ranks, own: Sequence[Said], count: int, heads: Sequence[str]) -> list[Said]:
    """Return what all ranks found of batches that were `Dealt` to them, in order."""
    shares = [len(range(rank, count, ranks.size)) for rank in range(ranks.size)]
    shapes = np.array([logits.shape for logits, _ in own], np.float64).reshape(-1)
    all_shapes = ranks.gather(shapes, [2 * share for share in shares]).astype(np.int64)
    sizes = all_shapes.reshape(-1, 2).prod(1)
    of_rank = np.split(sizes, np.cumsum(shares)[:-1])
    values = np.concatenate(
        [np.zeros(0), *(logits.reshape(-1) for logits, _ in own)], dtype=np.float64
    )
    all_values = ranks.gather(values, [int(part.sum()) for part in of_rank])
    table = rows_of({(at, 0): said[1] for at, said in enumerate(own)}, (len(own), 1), heads)
    width = table[0].size if len(table) else rows_of({}, (1, 1), heads).size
    rows = ranks.gather(table.reshape(-1), [width * share for share in shares])
    logits = [
        part.astype(np.float32).reshape(shape)
        for part, shape in zip(
            np.split(all_values, np.cumsum(sizes)[:-1]), all_shapes.reshape(-1, 2), strict=False
        )
    ]
    losses = [losses_of(row, heads) for row in rows.reshape(-1, len(heads), width // len(heads))]
    order = [at for rank in range(ranks.size) for at in range(rank, count, ranks.size)]
    found = dict(zip(order, zip(logits, losses, strict=True), strict=True))
    return [found[number] for number in range(count)]
