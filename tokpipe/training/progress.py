"""Where a training stands: ``trainer_state.json`` of a checkpoint, light to read."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.bert.huggingface.foreign_files import read_object
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.manifest import verify_files

STATE = "trainer_state.json"
MOST = 1 << 62  # steps and tokens: what is more was not trained, and sums of it would overflow
LARGEST = 1e100  # of other figures: above squares of float32, and their differences are finite


class Position(NamedTuple):
    """Where training stands in its data: the next batch."""

    epoch: int = 0
    batch: int = 0
    phase: int = 0  # from which of several folders; in files only where it is not the first

    def to_dict(self) -> dict[str, int]:
        """Return it as it stands in files."""
        return {name: value for name, value in self._asdict().items() if value or name != "phase"}


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a training stands, besides weights and moments."""

    # `step`, `tokens`: how many were trained on
    step: int = 0
    tokens: int = 0
    position: Position = field(default_factory=Position)  # the next batch
    # `best_step`, `best_loss`: the checkpoint with the lowest loss on the validation split; or, of
    # equal scores the one with the lowest loss,
    best_step: int | None = None
    best_loss: float | None = None
    # what all follows from: model, training, shards, version
    settings: Mapping[str, Any] = field(default_factory=dict)
    # by the name of each head the loss, in nats, of who knows only the frequencies
    guessing: Mapping[str, float] = field(default_factory=dict)
    best_score: float | None = None  # that with the highest score, where an evaluation brings one

    def is_bettered_by(self, loss: float | None, score: float | None) -> bool:
        """Return whether a checkpoint of this loss and score is better than the best so far.

        The highest score is the best; of equal scores the one with the lowest loss, which still
        tells apart what few rows do not; and of those that are equal in both the earliest.
        """
        if self.best_loss is None or loss is None:
            return self.best_loss is None
        if score is None or self.best_score is None:
            return loss < self.best_loss
        return (score, -loss) > (self.best_score, -self.best_loss)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        known = {**asdict(self), "position": self.position.to_dict()}
        if self.best_score is None:  # of the losses alone: no run of pretraining has a score
            del known["best_score"]
        return known

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "State":
        """Return what `to_dict` made these types of."""
        return cls(**{**found, "position": Position(**found["position"])})

    @classmethod
    def read(cls, folder: Path) -> "State":
        """Read the state that a checkpoint holds.

        Raises
        ------
        InputError
            If the file is missing or no JSON.
        ArtifactError
            If it is none of ours, or not what the manifest says.
        """
        verify_files(folder, [STATE])
        found = read_object(folder / STATE)
        try:
            state = cls.from_dict(found)
            _check(state)
        except (TypeError, KeyError):
            raise ArtifactError(f"{folder / STATE}: no state of a training") from None
        return state


def check_count(value: object) -> None:
    """Refuse what is no count, as it stands in a file of ours.

    Raises
    ------
    TypeError
        If it is none.
    """
    if type(value) is not int or not 0 <= value <= MOST:
        raise TypeError


def check_figure(value: object) -> None:
    """Refuse what is no figure, as it stands in a file of ours.

    Raises
    ------
    TypeError
        If it is none: text, true, NaN, infinity, or digits without end.
    """
    if type(value) is int and abs(value) <= MOST:
        return
    if type(value) is not float or not math.isfinite(value) or abs(value) > LARGEST:
        raise TypeError


def _check(state: State) -> None:
    if not isinstance(state.settings, dict) or not isinstance(state.guessing, dict):
        raise TypeError
    best_step = 0 if state.best_step is None else state.best_step
    best_loss = 0 if state.best_loss is None else state.best_loss
    for count in (state.step, state.tokens, *state.position, best_step):
        check_count(count)
    best_score = 0 if state.best_score is None else state.best_score
    for figure in (best_loss, best_score, *state.guessing.values()):
        check_figure(figure)
