"""All that is read and checked before a training begins: data, model, windows, settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity, Objective
from tokpipe.finetuning.config import FinetuneConfig, WindowConfig
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.parts import read_parts
from tokpipe.finetuning.rates import check_layers
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.source import fitted
from tokpipe.finetuning.task import Task
from tokpipe.finetuning.taught import Taught
from tokpipe.finetuning.verdict import unknown_words
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.manifest import describe_file, digest_of
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.sizes import plural
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.version import __version__
from tokpipe.labelled.check import brief, check_labelled
from tokpipe.labelled.records import Labelled, LabelledTexts
from tokpipe.training.source_model import Source, open_source


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person asks for.

    Attributes
    ----------
    task
        What the model is to do.
    model
        Folder of the model.
    paths
        Of the parts: "train", and "validation" and "test" where they are given.
    columns
        Where texts, words and labels stand; None: found by content.
    config, windows
        How it is trained, and how long texts are read.
    """

    task: Task
    model: str | Path
    paths: Mapping[str, str | Path]
    columns: Config | None
    config: FinetuneConfig
    windows: WindowConfig


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A training that can begin.

    Attributes
    ----------
    asked
        What for.
    source
        The model as it is.
    model
        Settings of the model that comes of it.
    parts
        "train", "validation", and "test" if there is one.
    objective
        What the classes count.
    batch_size
        Windows in a batch.
    capacity
        For how large a part of a batch memory is taken.
    usual
        The answer that most rows of the training part have.
    settings
        What all follows from, but for the seeds.
    taught
        Where the model does not begin as the source: its first weights, and what a teacher says.
    """

    asked: Asked
    source: Source
    model: BertConfig
    parts: Mapping[str, Part]
    objective: Objective
    batch_size: int
    capacity: Capacity
    usual: Any
    settings: Mapping[str, Any]
    taught: Taught | None = None

    @property
    def method(self) -> str:
        """How the model is made: "fine-tuned", if no teacher says it."""
        return "fine-tuned" if self.taught is None else self.taught.method


def prepare(asked: Asked, threads: int, progress: Progress) -> Prepared:
    """Read and check everything; say in short what was found.

    Raises
    ------
    InputError
        If data or model cannot be used; names file and line.
    ConfigError
        If a setting does not suit them.
    """
    data = read_parts(asked.task, asked.paths, asked.columns, asked.config)
    for line in brief(data, check_labelled(data)):
        progress.note(line)
    return prepare_on(asked, data, threads, progress)


def prepare_on(
    asked: Asked,
    data: Mapping[str, Labelled],
    threads: int,
    progress: Progress,
    *,
    share: str = "",
    keeps_head: bool = False,
) -> Prepared:
    """Check and encode parts that are read already.

    Parameters
    ----------
    data
        "train", "validation", and "test" if there is one, with the same labels.
    share
        What of the training part they hold, where that is not all of it.
    keeps_head
        Whether the head of the model is of use.

    Raises
    ------
    InputError
        If the model cannot be used, or reads no word of the training part.
    ConfigError
        If a setting does not suit them.
    """
    task, config = asked.task, asked.config.decided()
    asked = replace(asked, config=config)
    source = open_source(asked.model)
    check_layers(source.config, config)
    names = getattr(data["train"], "names", ())
    model = fitted(source, task, names, config)
    objective = _objective(task, data["train"], config)
    objective.check(model)
    parts = {}
    for name, part in data.items():
        encoded = task.encode(part, source.tokenizer, asked.windows, model.longest, threads)
        parts[name] = Part(name, part, encoded.fitted(model.vocab_size, model.type_vocab_size))
        if said := said_of(parts[name], asked.windows):
            progress.note(f"{name}: {said}")
        if unknown := unknown_words(parts[name], source.tokenizer):
            progress.note(unknown)
    if source.left_out and not keeps_head:
        count = plural(len(source.left_out), "tensor")
        progress.note(f"{asked.model}: {count} of heads for other jobs are left out")
    examples = parts["train"].examples
    if not len(examples):
        raise InputError(f"{data['train'].source}: the train part has no word that the model reads")
    size = config.batch_for(len(examples), config.epochs_for(len(examples), task.most_epochs))
    return Prepared(
        asked=asked,
        source=source,
        model=model,
        parts=parts,
        objective=objective,
        batch_size=size,
        capacity=_capacity(examples, size, config.gradient_shards),
        usual=task.usual(data["train"]),
        settings={**_settings(asked, source, model), **({"share": share} if share else {})},
    )


def with_train(prepared: Prepared, part: Part) -> Prepared:
    """Return a training on another training part."""
    config, examples = prepared.asked.config, part.examples
    epochs = config.epochs_for(len(examples), prepared.asked.task.most_epochs)
    size = config.batch_for(len(examples), epochs)
    return replace(
        prepared,
        parts={**prepared.parts, "train": part},
        batch_size=size,
        capacity=_capacity(examples, size, config.gradient_shards),
    )


def said_of(part: Part, windows: WindowConfig) -> str:
    """Return in one line what becomes of rows that are too long; empty if there are none."""
    examples, said = part.examples, []
    if examples.windowed:
        mean = ", the mean taken" if examples.labels is not None else ""
        said.append(f"{examples.windowed:,} read in windows{mean}, {len(examples):,} in all")
    if examples.cut and examples.paragraphs is not None:
        said.append(f"the end of {plural(examples.cut, 'question')} left out")
    elif examples.cut:
        of_pairs = windows.long_texts == "mean"  # no window runs over both texts of a pair
        what = plural(examples.cut, "first text") if of_pairs else f"{examples.cut:,}"
        read = "head" if of_pairs else windows.long_texts.replace("-", " and ")
        said.append(f"{what} too long, {read} read")
    if examples.lost:
        said.append(f"{plural(examples.lost, 'answer')} in no window")
    return ", ".join(said)


def _objective(task: Task, train: Labelled, config: FinetuneConfig) -> Objective:
    if config.class_weights == "none" and not config.label_smoothing:
        return Objective()
    codes = train.labels if isinstance(train, LabelledTexts) else getattr(train, "tags", None)
    if codes is None or codes.dtype != np.int32:
        raise ConfigError(
            "class_weights and label_smoothing are for one class of several, and not for "
            f"{task.name}"
        )
    if config.class_weights == "none":
        return Objective(None, config.label_smoothing)
    weights = _balanced(codes[codes >= 0], len(getattr(train, "names", ())))
    return Objective(weights, config.label_smoothing)


def _balanced(codes: np.ndarray, classes: int) -> tuple[float, ...]:
    """Weigh classes so that each counts the same in all: N / (C n)."""
    counts = np.bincount(codes, minlength=classes)
    return tuple((len(codes) / (classes * np.maximum(counts, 1))).tolist())


def _capacity(examples: Examples, batch_size: int, gradient_shards: int) -> Capacity:
    """Return how large a part of a batch gets: half of the longest windows, and one more."""
    lengths = np.sort(examples.lengths)[::-1][:batch_size].astype(np.int64)
    longest, tokens = int(lengths[0]), int(lengths.sum())
    part = min(tokens, tokens // gradient_shards + longest)
    asked = 0
    if examples.tag_positions is not None:
        counts = np.diff(examples.tag_borders)
        asked = min(part, int(np.sort(counts)[::-1][: len(lengths)].sum()))
    return Capacity(part, min(batch_size, len(lengths)), asked)


def _settings(asked: Asked, source: Source, model: BertConfig) -> dict[str, Any]:
    columns = None if asked.columns is None else asked.columns.to_dict()
    data = {name: data_digest(here(path, name)) for name, path in asked.paths.items()}
    return {
        "task": asked.task.name,
        "model": model.to_dict(),
        "finetuning": asked.config.to_dict(),
        "windows": asked.windows.to_dict(),
        "columns": columns,
        "inputs": {"model": source.digest, **data},
        "version": __version__,
    }


def data_digest(path: Path) -> str:
    """Return a hash of a file, or of all files of a folder by name.

    Raises
    ------
    InputError
        If it is neither, but standard input or a pattern: a training that goes on reads it again.
    """
    if not path.exists():
        what = "standard input" if str(path) == "-" else str(path)
        hint = "Write it to a file, and name that."
        raise InputError(f"{what} cannot be read again, when a training goes on", hint=hint)
    if not path.is_dir():
        return describe_file(path)["sha256"]
    return digest_of(path, sorted(one for one in path.rglob("*") if one.is_file()))
