"""What a pass over a batch found out: for each head sums of losses, and counts, by name."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Self


class Tally(NamedTuple):
    """What one head was asked, and how it did."""

    sum: float  # of the losses; in nats where it guesses among classes
    asked: int  # over how many
    # how many had the greatest logit at the target; None where there are no classes
    correct: int | None = None
    # what they count together, where they do not count the same; None: their number
    weight: float | None = None

    @property
    def mean(self) -> float:
        """Mean loss."""
        return self.sum / (self.asked if self.weight is None else self.weight)

    @property
    def accuracy(self) -> float | None:
        """Share of right guesses; None where there are no classes, or nothing is known."""
        return self.correct / self.asked if self.correct is not None and self.asked else None


class Losses(Mapping[str, Tally]):
    """Tallies by the name of their head; parts of a batch are added with ``+``.

    A head that was asked nothing is not in it.
    """

    def __init__(self, tallies: Mapping[str, Tally] | None = None) -> None:
        self._tallies = dict(tallies or {})

    def __getitem__(self, name: str) -> Tally:
        return self._tallies[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tallies)

    def __len__(self) -> int:
        return len(self._tallies)

    def __repr__(self) -> str:
        return f"Losses({self._tallies})"

    def __add__(self, other: Self) -> Self:
        both = self._tallies | other._tallies
        for name in self._tallies.keys() & other._tallies.keys():
            both[name] = added(self[name], other[name])
        return type(self)(both)

    @property
    def total(self) -> float:
        """What training lessens: the sum of the means."""
        return sum((tally.mean for tally in self.values()), 0.0)


def added(one: Tally, other: Tally) -> Tally:
    """Return what a head found in two parts together."""
    right = None if one.correct is None else one.correct + (other.correct or 0)
    weight = None if one.weight is None else one.weight + (other.weight or 0.0)
    return Tally(one.sum + other.sum, one.asked + other.asked, right, weight)
