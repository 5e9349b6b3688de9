"""Random draws that depend on nothing but three integers: seed, document, number of the draw."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """Return 64 well mixed bits of `value`.

    References
    ----------
    Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64).
    """
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Draws:
    """The draws of one document, in order.

    Parameters
    ----------
    seed
        Chooses one of the possible collections of documents.
    stream
        Number of the document (or of the day, for the weather).
    """

    def __init__(self, seed: int, stream: int) -> None:
        self._key = mix(mix(seed + _GOLDEN) ^ (stream * _GOLDEN))
        self._count = 0

    def below(self, limit: int) -> int:
        """Draw an integer from 0 to `limit` - 1."""
        self._count += 1
        return (mix(self._key + self._count * _GOLDEN) * limit) >> 64

    def chance(self, part: int, whole: int) -> bool:
        """Draw True in `part` of `whole` cases."""
        return self.below(whole) < part

    def pick(self, items: Sequence[T]) -> T:
        """Draw one item."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Draw `count` different items (all of them, where there are fewer), in random order."""
        rest, drawn = list(items), []
        while rest and len(drawn) < count:
            drawn.append(rest.pop(self.below(len(rest))))
        return drawn

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """Draw `count` different items and keep the order that they have in `items`."""
        places = sorted(self.sample(range(len(items)), count))
        return [items[place] for place in places]
