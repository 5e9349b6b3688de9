"""What the layers of a model know: a linear model of the vectors of each, and of several together.

The model is not trained: its hidden states are features, as words were before fine-tuning.

References
----------
J. Devlin et al.: BERT, NAACL 2019, table 7: named entities of CoNLL-2003 from features of BERT
base, F1 on the development part: embeddings 91.0, second to last layer 95.6, last 94.9, weighted
sum of the last four 95.9, the last four side by side 96.1, weighted sum of all twelve 95.5. There a
BiLSTM of two layers stands on the features, so that a linear model comes to less.
M. Peters et al.: Deep Contextualized Word Representations, NAACL 2018.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.config import LayersConfig
from tokpipe.baselines.layer_features import (
    feature_bytes,
    feature_file,
    planes_of,
    write_features,
)
from tokpipe.baselines.probe import Planes, choose, moments_of
from tokpipe.bert.model import Model
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.parts import read_given
from tokpipe.finetuning.preparing import said_of
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.task import Predictions, Task
from tokpipe.finetuning.windows import WindowConfig
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.folders import build_folder
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.seeds import random_order, stream_key
from tokpipe.foundation.sizes import format_bytes, plural
from tokpipe.training.source_model import Source, open_source, weights_of

TASKS = ("pos", "ner", "classification")
KIND = "layers"  # of the manifest
_RESULT = "layers.json"
_NUMBERS = {2: "two", 3: "three", 4: "four"}
_DEFAULT, _WINDOWS = LayersConfig(), WindowConfig()


class Combination(NamedTuple):
    """What one linear model reads."""

    name: str
    which: tuple[int, ...]  # planes, see `layer_features.planes_of`
    mixed: bool = False  # whether in one weighted sum


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What one linear model came to, a figure for each seed.

    Attributes
    ----------
    name
        Of the layers that it reads.
    scores
        By the name of a score: on the test part.
    strengths
        What the loss counted against the penalty on weights.
    mix
        The shares of the embeddings and of each layer in a weighted sum, for each seed; else empty.
    """

    name: str
    scores: Mapping[str, tuple[float, ...]]
    strengths: tuple[float, ...]
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
            "strengths": list(self.strengths),
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
        In the order of the reference, then the layers between.
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

    def __getitem__(self, name: str) -> Probe:
        return {probe.name: probe for probe in self.probes}[name]

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
            "features": {probe.name: probe.to_dict() for probe in self.probes},
            "feature_bytes": self.feature_bytes,
            "seconds": round(self.seconds, 3),
        }


def combinations(layers: int) -> tuple[Combination, ...]:
    """Return what is compared of a model, in the order of the reference.

    The last four are all where there are fewer layers; what would be the same twice is left out.

    Examples
    --------
    >>> [one.name for one in combinations(2)]
    ['embeddings', 'last', 'last two side by side', 'sum of all', 'weighted sum of all', 'layer 1']
    """
    found = [Combination("embeddings", (0,))]
    if layers > 2:
        found.append(Combination("second to last", (layers - 1,)))
    found.append(Combination("last", (layers,)))
    last, number = tuple(range(max(layers - 3, 1), layers + 1)), _NUMBERS.get(min(layers, 4))
    if layers > 4:
        found.append(Combination(f"sum of last {number}", (layers + 1,)))
    if layers > 1:
        found.append(Combination(f"last {number} side by side", last))
        found.append(Combination("sum of all", (layers + 2,)))
    found.append(Combination("weighted sum of all", tuple(range(layers + 1)), mixed=True))
    between = range(1, layers - 1 if layers > 2 else layers)
    return (*found, *(Combination(f"layer {layer}", (layer,)) for layer in between))


def compare_layers(  # noqa: PLR0913 - a model, a task, its data, and how
    task: str,
    model: str | Path,
    train: str | Path,
    test: str | Path,
    out: str | Path | None = None,
    *,
    config: LayersConfig = _DEFAULT,
    columns: Config | None = None,
    windows: WindowConfig = _WINDOWS,
    seed: int = 0,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> LayersCompared:
    """Learn linear models of the layers of a model, and score them.

    Each is learned once a seed. Nothing but the rows that are held out differs between seeds: by
    them is chosen how small the weights are held, and the rest is learned from. The vector of a
    word is that of its first piece.

    Parameters
    ----------
    task
        "pos", "ner" or "classification".
    model
        Folder of the model.
    train, test
        The data; all rows have labels.
    out
        A folder for ``layers.json``, in which the vectors stand meanwhile; None: a temporary one.
    config, columns, windows
        How layers are compared, where words and labels stand (None: found by content), and how
        long texts are read.
    seed
        The first of the seeds.
    force
        Replace a folder that tokpipe has made.
    threads
        How many, None for one a processor; no figure depends on it.
    progress
        Is told what is done.

    Raises
    ------
    ConfigError
        If the task is none of these.
    InputError
        If data or model cannot be used; names file and line.
    StorageError
        If `out` exists, or there is no room for the vectors.
    """
    if task not in TASKS:
        raise ConfigError(
            f"layers are not compared for task={task!r}; {', '.join(TASKS)} are allowed"
        )
    begun, asked = time.perf_counter(), task_of(task)
    parts = read_given(asked, {"train": train, "test": test}, columns, unlabelled=())
    source = open_source(model)
    read = [_encoded(asked, source, name, parts[name], windows, threads) for name in parts]
    for part in read:
        if said := said_of(part, windows):
            progress.note(f"{part.name}: {said}")
    held = [_held_out(read[0], config.held_out, seed + i) for i in range(config.seeds)]
    encoder = Model(source.config, weights_of(source))
    places = [part.examples.logit_count for part in read]
    size = feature_bytes(encoder, sum(places), config.precision)
    with _folder(out, size, force) as folder:
        where = "a temporary folder" if out is None else str(out)
        progress.note(f"vectors of all layers: {format_bytes(size)}, for a while, in {where}")
        layers = encoder.config.num_hidden_layers
        shape = (planes_of(layers), sum(places), encoder.config.hidden_size)
        how = {"threads": threads, "progress": progress}
        with feature_file(folder, shape, config.precision) as values:
            mapped = values[:, : places[0]], values[:, places[0] :]
            for part, own in zip(read, mapped, strict=True):
                write_features(encoder, part, config.pooling, own, **how)
            probes, majority = _probes(asked, read, mapped, held, layers, how)
        found = LayersCompared(
            task=task,
            model=str(model),
            train=places[0],
            test=places[1],
            majority=majority,
            probes=probes,
            layers=layers,
            feature_bytes=size,
            seconds=time.perf_counter() - begun,
        )
        if folder is not None:
            settings = {"task": task, **config.to_dict(), "windows": windows.to_dict()}
            _write(folder, found, settings, seed)
    return found


@contextmanager
def _folder(out: str | Path | None, size: int, force: bool) -> Iterator[Path | None]:
    if out is None:
        yield None
        return
    with build_folder(Path(out), force=force, needed_bytes=size) as folder:
        yield folder


def _write(folder: Path, found: LayersCompared, settings: dict[str, Any], seed: int) -> None:
    text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False)
    (folder / _RESULT).write_text(f"{text}\n", "utf-8")
    Manifest(kind=KIND, settings=settings, facts={}, seed=seed).write(folder, [_RESULT])


def _encoded(
    task: Task, source: Source, name: str, data: Any, windows: WindowConfig, threads: int | None
) -> Part:
    model = source.config
    examples = task.encode(data, source.tokenizer, windows, model.longest, threads)
    if not examples.logit_count:
        raise InputError(f"{data.source}: the {name} part has no word that the model reads")
    return Part(name, data, examples.fitted(model.vocab_size, model.type_vocab_size))


def _rows(examples: Examples) -> NDArray[np.int64]:
    """Return of which row of the data each word or window is that a vector is made for."""
    if examples.tag_positions is None:
        return examples.row
    return np.repeat(examples.row, np.diff(examples.tag_borders))


def _held_out(part: Part, share: float, seed: int) -> NDArray[np.bool_]:
    """Return which vectors are held out, all of a row together: bool[N]."""
    owners = _rows(part.examples)
    rows = np.unique(owners)
    if len(rows) < 2:
        raise InputError(
            f"{part.data.source}: {plural(len(rows), 'row')} with a word that the model reads; to "
            "hold some out, two are needed",
            hint="Pass more data.",
        )
    count = min(max(round(share * len(rows)), 1), len(rows) - 1)
    drawn = random_order(stream_key(seed, "held out of layers"), len(rows))[:count]
    return np.isin(owners, rows[drawn])


def _probes(
    task: Task,
    read: list[Part],
    mapped: tuple[NDArray[np.floating], NDArray[np.floating]],
    held: list[NDArray[np.bool_]],
    layers: int,
    how: dict[str, Any],
) -> tuple[tuple[Probe, ...], float]:
    """Learn all models; return what they came to, and the majority's first score."""
    train, test = read
    examples = train.examples
    labels = examples.labels if examples.tag_positions is None else examples.tags
    assert labels is not None
    targets = np.eye(len(train.data.names))[labels]  # type: ignore[union-attr]
    moments, asked, probes = moments_of(mapped[0]), combinations(layers), []
    said: Predictions | None = None
    with how["progress"].task("learning", len(asked) * len(held), "models") as advance:
        for one in asked:
            planes = [Planes(m, one.which, moments, one.mixed, how["threads"]) for m in mapped]
            values, strengths, mix = [], [], []
            for out in held:
                strength, weights = choose(planes[0], targets, ~out)
                logits = planes[1].outputs(weights).astype(np.float32)
                said = task.decode(test.data, test.examples, logits)
                measure = task.measure(test.data, said, {})
                values.append(dict(zip(measure.names, measure.values().tolist(), strict=True)))
                strengths.append(strength)
                mix += [] if weights.mix is None else [tuple(weights.mix.tolist())]
                advance(1)
            scores = {name: tuple(each[name] for each in values) for name in values[0]}
            probes.append(
                Probe(name=one.name, scores=scores, strengths=tuple(strengths), mix=tuple(mix))
            )
    majority = task.scores(test.data, said, {}, task.usual(train.data)).majority
    return tuple(probes), majority
