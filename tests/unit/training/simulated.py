"""Ranks that are threads of this process: what several do, without a library for it."""

import itertools
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import ClassVar

import numpy as np


class Threaded:
    """A rank among threads; see `tokpipe.training.ranks.Ranks`."""

    def __init__(self, rank, size, barrier, table, boxes):
        self.rank, self.size, self._barrier, self._table = rank, size, barrier, table
        self._boxes, self._wanted = boxes, []

    weighs: ClassVar[dict] = {}

    def _told(self, value):
        """Return what all ranks say at this call."""
        self._table[self.rank] = value
        self._barrier.wait(60)
        found = list(self._table)
        self._barrier.wait(60)
        return found

    def first(self, call):
        return self._told(call() if self.rank == 0 else None)[0]

    def gather(self, values, counts):
        found = self._told(np.array(values))
        assert [len(part) for part in found] == list(counts)
        return np.concatenate(found)

    def begin(self, own, received, borders, span):
        cuts = [
            (max(span[0], start), max(span[0], start, min(span[1], end)))
            for start, end in itertools.pairwise(borders)
        ]
        for rank in range(self.size):
            (start, end), (first, last) = cuts[rank], cuts[self.rank]
            if rank != self.rank:
                sent = [block[start:end].copy() for block in own]
                self._boxes[self.rank][rank].put(sent)
                here = slice(first - borders[self.rank], last - borders[self.rank])
                self._wanted += [(rank, [block[here] for block in received[rank]])]

    def finish(self):
        for rank, targets in self._wanted:
            for target, block in zip(
                targets, self._boxes[rank][self.rank].get(timeout=60), strict=True
            ):
                target[:] = block
        self._wanted = []

    def share(self, block, borders):
        for rank, other in enumerate(self._told(block.copy())):
            block[borders[rank] : borders[rank + 1]] = other[borders[rank] : borders[rank + 1]]

    def collect(self, block, borders):
        for rank, part in enumerate(self._told(block.copy())):
            if self.rank == 0 and rank:
                block[borders[rank] : borders[rank + 1]] = part

    def deal(self, block, borders):
        whole = self._told(block.copy())[0]
        if self.rank:
            block[:] = whole[borders[self.rank] : borders[self.rank + 1]]

    def spread(self, block):
        block[:] = self._told(block.copy())[0]

    @contextmanager
    def moving(self, stopped):
        yield not any(self._told(stopped()))

    def watch(self):
        pass

    def settle(self, error):
        return False


def simulated(size, work):
    """Do some work as each of several ranks; return what each returned."""
    barrier, table = threading.Barrier(size), [None] * size
    boxes = [[SimpleQueue() for _ in range(size)] for _ in range(size)]
    results: SimpleQueue = SimpleQueue()

    def run(rank):
        try:
            results.put((rank, work(Threaded(rank, size, barrier, table, boxes)), None))
        except BaseException as error:
            barrier.abort()
            results.put((rank, None, error))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted((results.get() for _ in range(size)), key=lambda one: one[0])
    errors = [error for *_, error in found if error is not None]
    broken = [error for error in errors if not isinstance(error, threading.BrokenBarrierError)]
    if errors:
        raise (broken or errors)[0]
    return [value for _, value, _ in found]
