"""What a pass over a batch found out: sums of losses, and counts."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Sums over a batch or a part of one; parts are added with ``+``.

    Attributes
    ----------
    mlm, nsp
        Sums of the losses at masked tokens, and of pairs, in nats.
    masks, pairs
        Over how many.
    mlm_correct, nsp_correct
        How many of them had the greatest logit at the target.
    """

    mlm: float = 0.0
    masks: int = 0
    mlm_correct: int = 0
    nsp: float = 0.0
    pairs: int = 0
    nsp_correct: int = 0

    def __add__(self, other: Self) -> Self:
        names = ("mlm", "masks", "mlm_correct", "nsp", "pairs", "nsp_correct")
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def mean_mlm(self) -> float:
        """Mean loss at a masked token; 0 without any."""
        return self.mlm / self.masks if self.masks else 0.0

    @property
    def mean_nsp(self) -> float:
        """Mean loss of a pair; 0 without any."""
        return self.nsp / self.pairs if self.pairs else 0.0

    @property
    def total(self) -> float:
        """What training lessens: the sum of the means."""
        return self.mean_mlm + self.mean_nsp
