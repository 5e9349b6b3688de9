"""``log.jsonl``: a line a step, and a line an evaluation."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from io import BufferedReader, RawIOBase
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from tokpipe.bert.huggingface.foreign_files import open_plain
from tokpipe.foundation.errors import ArtifactError, InputError
from tokpipe.foundation.files import atomic_write
from tokpipe.training.progress import check_count, check_figure

LOG = "log.jsonl"
_LOSS = re.compile(r"([a-z][a-z0-9]{0,30})_loss")
_LONGEST = 1 << 14  # bytes of a line, of which 200 are usual
_MOST_BYTES = 1 << 29  # two million steps and more
TIMES = ("tokens_per_second", "seconds")  # what differs between two runs of the same work


class HeadFigures(NamedTuple):
    """Mean loss of a head, and its share of right guesses (None where there are no classes)."""

    loss: float
    accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is known of one step, or (with `split`) of one evaluation."""

    # `step`, `tokens`: how many steps and tokens were trained on, this step's included
    step: int
    tokens: int
    loss: float  # the sum of the heads' mean losses, in nats
    # of each head that was asked something, by its name: ``name_loss`` and ``name_accuracy`` in the
    # file
    heads: Mapping[str, HeadFigures] = field(default_factory=dict)
    # `learning_rate`, `grad_norm`: of the step; None in an evaluation
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None  # over the step
    seconds: float | None = None  # of training so far, a stopped run's included
    # `score`, `score_name`: of an evaluation that has one beside the losses, higher is better; and
    # what it is called
    score: float | None = None
    score_name: str | None = None
    split: str | None = None  # "validation" for an evaluation
    phase: int | None = None  # of a step, where the training has several, from 1
    precision: str | None = None  # of a step: in what linear maps multiplied, if not in float32

    def value(self, metric: str) -> float | None:
        """Return a figure by its name in the file; None if nobody knows it."""
        head, _, kind = metric.rpartition("_")
        if kind in HeadFigures._fields and head:
            return getattr(self.heads.get(head), kind, None)
        return getattr(self, metric)

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known, by its names in the file and in its order."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        order = list(known)
        at = order.index("heads")
        of_heads = {f"{head}_loss": of.loss for head, of in self.heads.items()}
        of_heads |= {f"{head}_accuracy": of.accuracy for head, of in self.heads.items()}
        all_known = {
            **{name: known[name] for name in order[:at]},
            **of_heads,
            **{name: known[name] for name in order[at + 1 :]},
        }
        return {name: value for name, value in all_known.items() if value is not None}

    def to_json(self) -> str:
        """Return the line, without what nobody knows."""
        known = {name: _rounded(value) for name, value in self.to_dict().items()}
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
            found = json.loads(text)
            if not isinstance(found, dict) or None in found.values():
                raise TypeError
            line = cls(heads=_heads_in(found), **found)
            _check(line)
        except (ValueError, TypeError, RecursionError):
            raise ArtifactError(f"{place}: no line of a training log") from None
        return line


def guessing_total(heads: Iterable[str], guessing: Mapping[str, float]) -> float | None:
    """Return the loss of who knows only the frequencies, as a line's `loss` sums its heads up.

    Parameters
    ----------
    heads
        Of the line.
    guessing
        As a `State` has it, in nats.

    Returns
    -------
    float or None
        None if a head has no such yardstick, as in runs that are older than it.
    """
    known = [guessing.get(head) for head in heads]
    return sum(known) if known and None not in known else None  # type: ignore[arg-type]


class Watch(Protocol):
    """Someone who looks on while a model is trained."""

    def begins(self, step: int, steps: int | None, model: str) -> None:
        """Be told where training begins, how many steps it has (None: the clock ends it)."""
        ...

    def sees(self, line: Line, share: float) -> None:
        """Look at a step or an evaluation; `share` of the training is done."""
        ...


class Nobody:
    """A `Watch` that looks at nothing."""

    def begins(self, step: int, steps: int | None, model: str) -> None:
        """Pass over it."""

    def sees(self, line: Line, share: float) -> None:
        """Pass over it."""


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
        If it cannot be read or is larger than any training makes it, or a line is none of ours; a
        last line without an end is left out.
    """
    try:
        with open_plain(path) as raw, BufferedReader(cast(RawIOBase, raw)) as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                raise ArtifactError(f"{path} is larger than {_MOST_BYTES:,} bytes, no training log")
            for number in count(1):
                line = file.readline(_LONGEST)
                if not line.endswith(b"\n") and len(line) < _LONGEST:
                    return
                yield Line.from_json(line.decode("utf-8", "replace"), f"{path}:{number}")
    except InputError as error:
        raise ArtifactError(error.problem) from None
    except OSError as error:
        hint = "Name a folder that `tokpipe pretrain` or `finetune` made, or its log."
        raise ArtifactError(f"{path}: {error.strerror}", hint=hint) from error


def _rounded(value: Any) -> Any:
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _heads_in(found: dict[str, Any]) -> dict[str, HeadFigures]:
    """Take the figures of heads out of a line: of any, for a log outlives the heads there are."""
    names = [matched[1] for matched in map(_LOSS.fullmatch, found) if matched]
    return {
        name: HeadFigures(found.pop(f"{name}_loss"), found.pop(f"{name}_accuracy", None))
        for name in names
    }


def _check(line: Line) -> None:
    for name, value in line.to_dict().items():
        if name in ("step", "tokens", "phase"):
            check_count(value)
        elif name not in ("split", "score_name", "precision"):
            check_figure(value)
        elif not isinstance(value, str):
            raise TypeError
