"""A trained method in its folder: written, and opened again."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.method import Fitted, Rows, inputs_of, texts_of
from tokpipe.baselines.registry import method_of
from tokpipe.bert.huggingface.foreign_files import read_object
from tokpipe.finetuning.predictions import TagPredictions, TextPredictions
from tokpipe.foundation.doors import described, path_of, require
from tokpipe.foundation.errors import ArtifactError, TokpipeError
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.copies import here
from tokpipe.labelled.records import LabelledTexts, TaggedWords

_KINDS = {"method": str, "task": str, "labels": list, "texts": int, "mean": float, "spread": float}
KIND = "baseline"
SETTINGS, TENSORS = "baseline.json", "baseline.npz"


@dataclass(frozen=True, kw_only=True, eq=False)
class Baseline:
    """A method that has learned a task."""

    # `method`, `task`: their names
    method: str
    task: str
    names: tuple[str, ...]  # of the classes or labels
    texts: int  # how many texts a row has: one, or two; 0: words are tagged
    # `mean`, `spread`: of the numbers that a regression learned from
    mean: float
    spread: float
    fitted: Fitted  # what was learned

    def predict(self, data: Rows) -> TextPredictions | TagPredictions:
        """Return what the method says of each row; the labels of `data` are not looked at.

        Raises
        ------
        ArtifactError
            If the rows have another number of texts than it has learned from.
        """
        require("data", data, LabelledTexts, TaggedWords, optional=False)
        if texts_of(data) != self.texts:
            raise ArtifactError(
                f"{data.source} has {texts_of(data)} texts a row, {self.method} has learned from "
                f"{self.texts}"
            )
        return self.predictions(self.fitted.outputs(inputs_of(data)))

    def predictions(self, outputs: NDArray[np.float64]) -> TextPredictions | TagPredictions:
        """Return the predictions that outputs of `fitted` mean."""
        if not self.texts:
            best = outputs.argmax(axis=1).astype(np.int32)
            return TagPredictions(best, outputs.max(axis=1).astype(np.float32), 0)
        if self.task == "regression":
            return TextPredictions(values=outputs[:, 0] * self.spread + self.mean)
        return TextPredictions(outputs.astype(np.float32))


def write_baseline(folder: Path, baseline: Baseline) -> list[str]:
    """Write a method and what it learned into a folder; return the names of the files."""
    about = {
        "method": baseline.method,
        "task": baseline.task,
        "labels": list(baseline.names),
        "texts": baseline.texts,
        "mean": baseline.mean,
        "spread": baseline.spread,
    }
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (folder / SETTINGS).write_text(f"{text}\n", encoding="utf-8")
    tensors: dict[str, Any] = dict(baseline.fitted.tensors())
    with (folder / TENSORS).open("wb") as file:
        np.savez(file, **tensors)
    return [SETTINGS, TENSORS]


def open_baseline(folder: str | Path) -> Baseline:
    """Open what `train_baseline` made, its files checked against their manifest.

    Raises
    ------
    ArtifactError
        If the folder is none of a baseline, or damaged.
    """
    path = here(path_of("folder", folder))
    Manifest.read(path, KIND).check_files(path)
    with storage_errors(path):
        about = _settings(path / SETTINGS)
        try:
            with np.load(path / TENSORS, allow_pickle=False) as file:
                fitted = method_of(about["method"]).load({name: file[name] for name in file.files})
        except (BadZipFile, ValueError, KeyError, TokpipeError) as error:
            raise ArtifactError(f"{path / TENSORS}: no model of a baseline ({error})") from None
    return Baseline(
        method=about["method"],
        task=about["task"],
        names=tuple(about["labels"]),
        texts=about["texts"],
        mean=about["mean"],
        spread=about["spread"],
        fitted=fitted,
    )


def _settings(path: Path) -> dict[str, Any]:
    """Read what `write_baseline` says of a method."""
    about = read_object(path)
    for name, kind in _KINDS.items():
        if not isinstance(about.get(name), kind):
            raise ArtifactError(f"{path}: {name} is {described(about.get(name))}")
    if not all(isinstance(label, str) for label in about["labels"]):
        raise ArtifactError(f"{path}: labels are no texts")
    return about
