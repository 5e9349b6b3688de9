"""What the layers of a model came to: figures for each combination of layers and each head."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What one head on some layers came to, a figure for each seed.

    Attributes
    ----------
    name
        Of the layers that it reads.
    head
        "linear" or "bilstm".
    scores
        By the name of a score: on the test part.
    interval
        The 95 % bootstrap interval of the first score, of the seed in the middle.
    chosen
        What was chosen by the rows held out: what the loss counts against the penalty on weights,
        or the epoch.
    mix
        The shares of the embeddings and of each layer in a weighted sum, for each seed; else empty.
    """

    name: str
    head: str
    scores: Mapping[str, tuple[float, ...]]
    interval: tuple[float, float]
    chosen: tuple[float, ...]
    mix: tuple[tuple[float, ...], ...] = ()

    @property
    def values(self) -> tuple[float, ...]:
        """The first score of each seed."""
        return next(iter(self.scores.values()))

    @property
    def median(self) -> float:
        """The median of the first score."""
        return median(self.values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        found: dict[str, Any] = {
            "scores": {
                name: {
                    "median": median(values),
                    "least": min(values),
                    "greatest": max(values),
                    "seeds": list(values),
                }
                for name, values in self.scores.items()
            },
            "interval": list(self.interval),
            "strengths" if self.head == "linear" else "epochs": list(self.chosen),
        }
        return {**found, "mix": [list(shares) for shares in self.mix]} if self.mix else found


@dataclass(frozen=True, kw_only=True)
class LayersCompared:
    """What the layers of a model came to.

    Attributes
    ----------
    task, model
        What for, and of which model.
    train, test
        Words or windows of texts that were learned from (with those held out) and scored.
    majority
        The first score of always giving the most frequent answer of the training part.
    probes
        By heads; of each in the order of the reference, then the layers between.
    layers
        How many the model has.
    feature_bytes
        How large the vectors were.
    seconds
        That all took.
    """

    task: str
    model: str
    train: int
    test: int
    majority: float
    probes: tuple[Probe, ...]
    layers: int
    feature_bytes: int
    seconds: float

    @property
    def score(self) -> str:
        """The name of the first score."""
        return next(iter(self.probes[0].scores))

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads, in the order in which they were asked for."""
        return tuple(dict.fromkeys(probe.head for probe in self.probes))

    def under(self, head: str) -> tuple[Probe, ...]:
        """Return what came of one head."""
        return tuple(probe for probe in self.probes if probe.head == head)

    def __getitem__(self, name: str) -> Probe:
        """Return what came of some layers, under the first head."""
        return {probe.name: probe for probe in self.under(self.heads[0])}[name]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "task": self.task,
            "model": self.model,
            "layers": self.layers,
            "train": self.train,
            "test": self.test,
            "score": self.score,
            "majority": self.majority,
            "heads": {
                head: {probe.name: probe.to_dict() for probe in self.under(head)}
                for head in self.heads
            },
            "feature_bytes": self.feature_bytes,
            "seconds": round(self.seconds, 3),
        }
