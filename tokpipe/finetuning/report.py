"""What a fine-tuned folder says of its predictions: ``metrics.json`` and ``predictions.jsonl``."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokpipe.bert.huggingface.foreign_files import read_object
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.task import Predictions, Task, Tuned
from tokpipe.foundation.errors import ArtifactError, InputError
from tokpipe.foundation.manifest import verify_files
from tokpipe.metrics.scores import Score, Scores

METRICS = "metrics.json"
PREDICTIONS = "predictions.jsonl"
_KINDS = {"task": str, "method": str, "rows": dict, "tuned": dict, "notes": list}
ASKED = ("validation", "test")  # parts that a model is asked about


@dataclass(frozen=True, kw_only=True)
class Report:
    """How well a method does a task.

    Attributes
    ----------
    task
        Its name.
    method
        What was trained: "fine-tuned", "distilled from" some folder, or the name of another
        approach.
    rows
        How many rows each part has, by its name.
    scores
        Of "validation" and "test", where there are such parts with labels.
    tuned
        What was chosen on the validation part.
    notes
        What one must know to believe them.
    long_rows
        By part what became of rows that are too long, where there are any.
    """

    task: str
    method: str
    rows: Mapping[str, int]
    scores: Mapping[str, Scores]
    tuned: Tuned = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    long_rows: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds."""
        return {
            "task": self.task,
            "method": self.method,
            "rows": dict(self.rows),
            **{part: scores.to_dict() for part, scores in self.scores.items()},
            "tuned": dict(self.tuned),
            "notes": list(self.notes),
            "long_rows": dict(self.long_rows),
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Report":
        """Return the report that `to_dict` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is none.
        """
        for name, kind in _KINDS.items():
            if not isinstance(found[name], kind):
                raise TypeError(name)
        return cls(
            task=found["task"],
            method=found["method"],
            rows={part: int(count) for part, count in found["rows"].items()},
            scores={part: _scores(found[part]) for part in ASKED if part in found},
            tuned={name: float(value) for name, value in found["tuned"].items()},
            notes=tuple(map(str, found["notes"])),
            long_rows=found.get("long_rows", {}),
        )


def _scores(found: Mapping[str, Any]) -> Scores:
    scores = [
        Score(name, *(_number(one[key]) for key in ("value", "low", "high")))
        for name, one in found["scores"].items()
    ]
    majority, notes = _number(found["majority"]), tuple(found["notes"])
    return Scores(n=int(found["n"]), scores=tuple(scores), majority=majority, notes=notes)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def report_files(
    report: Report, task: Task, parts: Mapping[str, tuple[Part, Predictions]]
) -> dict[str, bytes]:
    """Return name and content of both files.

    Parameters
    ----------
    parts
        The parts that were asked about, with what was said, by name.
    """
    lines = [
        json.dumps({"part": name, **row}, ensure_ascii=False)
        for name, (part, predictions) in parts.items()
        for row in task.rows(part.data, predictions, report.tuned)
    ]
    return {
        METRICS: metrics_bytes(report.to_dict()),
        PREDICTIONS: "".join(f"{line}\n" for line in lines).encode(),
    }


def metrics_bytes(content: Mapping[str, Any]) -> bytes:
    """Return the bytes of ``metrics.json``."""
    return f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return what ``metrics.json`` of a folder says.

    Raises
    ------
    InputError
        If it is missing or no JSON.
    ArtifactError
        If it is none of ours, or not as the manifest beside it says.
    """
    if not (folder / METRICS).is_file():
        hint = "Name a folder that `tokpipe finetune` or `tokpipe baseline` made."
        raise InputError(f"{folder}: no {METRICS} in it", hint=hint)
    verify_files(folder, [METRICS])
    found = read_object(folder / METRICS)
    try:
        Report.from_dict(found)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ArtifactError(f"{folder / METRICS}: no scores of a task") from None
    return found
