"""Several trainings that differ in what is drawn: heads in one way, orders in another."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from tokpipe.foundation.seeds import stream_key

_BITS = 31  # of a seed that a person can read


class Seeds(NamedTuple):
    """What is drawn by what, in one training: the head, and the order with dropout."""

    head: int
    order: int


def seeds_of(seed: int, count: int) -> list[Seeds]:
    """Return the seeds of so many trainings: heads and orders come from streams of their own.

    Examples
    --------
    >>> len({seed for pair in seeds_of(0, 5) for seed in pair})
    10
    """
    return [
        Seeds(*(stream_key(seed, what, number) >> (64 - _BITS) for what in ("head", "order")))
        for number in range(count)
    ]


def spread(scores: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return median, least and greatest of each score over trainings.

    Examples
    --------
    >>> spread([{"accuracy": 0.5}, {"accuracy": 0.75}, {"accuracy": 1.0}])
    {'accuracy': {'median': 0.75, 'least': 0.5, 'greatest': 1.0}}
    """
    found: dict[str, Any] = {}
    for name in scores[0] if scores else ():
        values = [one[name] for one in scores]
        found[name] = {"median": median(values), "least": min(values), "greatest": max(values)}
    return found
