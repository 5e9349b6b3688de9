"""How sure a measured share is."""

import math
from typing import NamedTuple

_Z99 = 2.5758293035489004  # 99 % of a normal distribution lie within so many deviations


class Share(NamedTuple):
    """A share that was measured, with its 99 % interval."""

    # `part`, `whole`: what was counted
    part: int
    whole: int
    # `low`, `high`: the ends of the interval, from 0 to 1
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself; 0 of nothing."""
        return self.part / self.whole if self.whole else 0.0

    def to_dict(self) -> dict[str, float | int]:
        """Return plain JSON types."""
        return {
            "share": self.value,
            "low": self.low,
            "high": self.high,
            "part": self.part,
            "whole": self.whole,
        }


def share(part: int, whole: int, z: float = _Z99) -> Share:
    """Measure a share: Wilson's interval, which stays inside of 0 and 1 and holds for few too.

    References
    ----------
    E. B. Wilson: Probable Inference, the Law of Succession, and Statistical Inference, JASA 22,
    1927.

    Examples
    --------
    >>> found = share(80, 100)
    >>> f"{found.low:.3f} {found.high:.3f}"
    '0.680 0.883'
    """
    if not whole:
        return Share(part, whole, 0.0, 1.0)
    rate, weight = part / whole, z * z / whole
    centre = (rate + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(rate * (1 - rate) / whole + weight / (4 * whole))
    low = centre - half if part else 0.0  # exact where rounding would leave a trace
    return Share(part, whole, low, centre + half if part < whole else 1.0)
