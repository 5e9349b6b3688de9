"""``log.jsonl``: a line a step, and a line an evaluation."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.files import atomic_write

LOG = "log.jsonl"
TIMES = ("tokens_per_second", "seconds")  # what differs between two runs of the same work


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is known of one step, or (with `split`) of one evaluation.

    Attributes
    ----------
    step, tokens
        How many steps and tokens were trained on, this step's included.
    loss, mlm_loss, nsp_loss
        The sum of the two means, and each of them, in nats; None where there is no such task.
    mlm_accuracy, nsp_accuracy
        Shares of right guesses.
    learning_rate, grad_norm
        Of the step; None in an evaluation.
    tokens_per_second
        Over the step.
    seconds
        Of training so far, a stopped run's included.
    split
        "validation" for an evaluation.
    """

    step: int
    tokens: int
    loss: float
    mlm_loss: float | None = None
    nsp_loss: float | None = None
    mlm_accuracy: float | None = None
    nsp_accuracy: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None
    seconds: float | None = None
    split: str | None = None

    def to_json(self) -> str:
        """Return the line, without what nobody knows."""
        known = {name: _rounded(v) for name, v in asdict(self).items() if v is not None}
        return json.dumps(known, separators=(", ", ": "), allow_nan=False)

    @classmethod
    def from_json(cls, text: str, place: str) -> "Line":
        """Read one line.

        Raises
        ------
        ArtifactError
            If it is none of ours.
        """
        try:
            return cls(**_checked(json.loads(text)))
        except (ValueError, TypeError, RecursionError):
            raise ArtifactError(f"{place}: no line of a training log") from None


class Watch(Protocol):
    """Someone who looks on while a model is trained."""

    def begins(self, step: int, steps: int | None, model: str) -> None:
        """Be told where training begins, how many steps it has (None: the clock ends it)."""
        ...

    def sees(self, line: Line, share: float) -> None:
        """Look at a step or an evaluation; `share` of the training is done."""
        ...


def write_log(path: Path, lines: Iterable[Line]) -> None:
    """Write a log, whole."""
    with atomic_write(path) as file:
        for line in lines:
            file.write(f"{line.to_json()}\n".encode())


def read_log(path: Path) -> Iterator[Line]:
    """Yield the lines of a log.

    Raises
    ------
    ArtifactError
        If it cannot be read, or a line is none of ours; a last line without an end is left out.
    """
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        hint = "Name a folder that `tokpipe pretrain` made, or its log."
        raise ArtifactError(f"{path}: {error.strerror}", hint=hint) from error
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.endswith("\n"):
            yield Line.from_json(line, f"{path}:{number}")


def _rounded(value: Any) -> Any:
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _checked(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise TypeError
    for name, value in found.items():
        kinds = str if name == "split" else int | float
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise TypeError
    return found
