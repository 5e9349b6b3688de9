"""What the layers of a model know: small models of the vectors of each, and of several together.

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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.config import LayersConfig
from tokpipe.baselines.layer_features import (
    TOKENS,
    feature_bytes,
    feature_file,
    places_of,
    planes_of,
    write_features,
)
from tokpipe.baselines.layer_heads import HEADS, Bench, Combination
from tokpipe.baselines.layers_result import LayersCompared, Probe
from tokpipe.baselines.probe import moments_of
from tokpipe.bert.model import Model
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.parts import read_given
from tokpipe.finetuning.preparing import said_of
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.scoring import Part
from tokpipe.finetuning.task import Predictions, Task
from tokpipe.finetuning.windows import WindowConfig
from tokpipe.foundation.config import Config
from tokpipe.foundation.doors import require
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


class FeatureGroup(NamedTuple):
    """Vectors that are computed at once, and the heads that learn from them."""

    pooling: str  # of texts, see `layer_features.write_features`
    heads: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What is read before anything is computed."""

    task: Task
    parts: tuple[Part, Part]  # to learn from, and to be scored
    encoder: Model
    config: LayersConfig
    held: tuple[NDArray[np.bool_], ...]  # vectors or windows that are held out, for each seed

    @property
    def layers(self) -> int:
        """How many the model has."""
        return self.encoder.config.num_hidden_layers

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """What is computed, one after the other; a BiLSTM over texts reads all their tokens."""
        heads = self.config.heads
        if self.task.data == "words":
            return (FeatureGroup(self.config.pooling, heads),)
        return tuple(
            FeatureGroup(TOKENS if h == "bilstm" else self.config.pooling, (h,)) for h in heads
        )

    def places(self, pooling: str) -> list[int]:
        """Return how many vectors each part has in a plane."""
        return [places_of(part.examples, pooling) for part in self.parts]

    @property
    def feature_bytes(self) -> int:
        """How large the file of vectors is at most."""
        return max(self.bytes_of(group) for group in self.groups)

    def bytes_of(self, group: FeatureGroup) -> int:
        """Return how large the vectors of a pass are."""
        return feature_bytes(self.encoder, sum(self.places(group.pooling)), self.config.precision)


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


def prepare(  # noqa: PLR0913 - a model, a task, its data, and how
    task: str,
    model: str | Path,
    train: str | Path,
    test: str | Path,
    *,
    config: LayersConfig = _DEFAULT,
    columns: Config | None = None,
    windows: WindowConfig = _WINDOWS,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Prepared:
    """Read model and data, and encode them; see `compare_layers`."""
    if task not in TASKS:
        raise ConfigError(
            f"layers are not compared for task={task!r}; {', '.join(TASKS)} are allowed"
        )
    asked = task_of(task)
    given = read_given(asked, {"train": train, "test": test}, columns, unlabelled=())
    source = open_source(model)
    parts = [_encoded(asked, source, name, given[name], windows, threads) for name in given]
    for part in parts:
        if said := said_of(part, windows):
            progress.note(f"{part.name}: {said}")
    held = tuple(_held_out(parts[0], config.held_out, seed + i) for i in range(config.seeds))
    return Prepared(
        task=asked,
        parts=(parts[0], parts[1]),
        encoder=Model(source.config, weights_of(source)),
        config=config,
        held=held,
    )


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
    """Learn small models of the layers of a model, and score them.

    Each is learned once a seed. Nothing but the rows that are held out differs between seeds (and
    what a BiLSTM draws): by them is chosen how small the weights are held, or the epoch, and the
    rest is learned from. The vector of a word is that of its first piece.

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
        Replace a folder that tokpipe has prepared.
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
    require("config", config, LayersConfig, optional=False)
    require("windows", windows, WindowConfig, optional=False)
    begun, how = time.perf_counter(), {"threads": threads, "progress": progress}
    read = {"config": config, "columns": columns, "windows": windows, "seed": seed}
    prepared = prepare(task, model, train, test, **read, **how)
    probes: list[Probe] = []
    majority = 0.0
    with _folder(out, prepared.feature_bytes, force) as folder:
        where = "a temporary folder" if out is None else str(out)
        for group in prepared.groups:
            size = format_bytes(prepared.bytes_of(group))
            progress.note(f"vectors of all layers: {size}, for a while, in {where}")
            found, majority = _learned(prepared, group, folder, seed, how)
            probes += found
        places = [part.examples.logit_count for part in prepared.parts]
        compared = LayersCompared(
            task=task,
            model=str(model),
            train=places[0],
            test=places[1],
            majority=majority,
            probes=tuple(probes),
            layers=prepared.layers,
            feature_bytes=prepared.feature_bytes,
            seconds=time.perf_counter() - begun,
        )
        if folder is not None:
            settings = {"task": task, **config.to_dict(), "windows": windows.to_dict()}
            _write(folder, compared, settings, seed)
    return compared


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


def _learned(
    prepared: Prepared, group: FeatureGroup, folder: Path | None, seed: int, how: dict[str, Any]
) -> tuple[list[Probe], float]:
    """Compute vectors, learn from them; return what came of it, and the majority's first score."""
    places, width = prepared.places(group.pooling), prepared.encoder.config.hidden_size
    shape = (planes_of(prepared.layers), sum(places), width)
    with feature_file(folder, shape, prepared.config.precision) as values:
        mapped = values[:, : places[0]], values[:, places[0] :]
        for part, own in zip(prepared.parts, mapped, strict=True):
            write_features(prepared.encoder, part, group.pooling, own, **how)
        bench = Bench(
            examples=(prepared.parts[0].examples, prepared.parts[1].examples),
            values=mapped,
            moments=moments_of(mapped[0]),
            targets=_targets(prepared.parts[0].examples),
            classes=len(prepared.parts[0].data.names),  # type: ignore[union-attr]
            held=prepared.held,
            config=prepared.config,
            seed=seed,
            threads=how["threads"],
        )
        return _probes(prepared, group, bench, how["progress"])


def _targets(examples: Examples) -> NDArray[np.int32]:
    labels = examples.labels if examples.tag_positions is None else examples.tags
    assert labels is not None
    return labels.astype(np.int32)


def _probes(
    prepared: Prepared, group: FeatureGroup, bench: Bench, progress: Progress
) -> tuple[list[Probe], float]:
    asked, probes, majority = combinations(prepared.layers), [], 0.0
    task, test = prepared.task, prepared.parts[1]
    for head in group.heads:
        label = "learning linear models" if head == "linear" else "learning BiLSTMs"
        with progress.task(label, len(asked) * len(bench.held), "models") as advance:
            for combination in asked:
                found = []
                for number in range(len(bench.held)):
                    found.append(HEADS[head](bench, combination, number))
                    advance(1)
                said = [task.decode(test.data, test.examples, each.logits) for each in found]
                scores, interval, majority = _scored(prepared, said)
                probes.append(
                    Probe(
                        name=combination.name,
                        head=head,
                        scores=scores,
                        interval=interval,
                        chosen=tuple(each.chosen for each in found),
                        mix=tuple(each.mix for each in found if each.mix),
                    )
                )
    return probes, majority


def _scored(
    prepared: Prepared, said: list[Predictions]
) -> tuple[dict[str, tuple[float, ...]], tuple[float, float], float]:
    """Return the scores of all seeds, the interval of the one in the middle, and the majority's."""
    task, (train, test) = prepared.task, prepared.parts
    measures = [task.measure(test.data, each, {}) for each in said]
    values = np.array([measure.values() for measure in measures])
    middle = int(np.argsort(values[:, 0], kind="stable")[(len(said) - 1) // 2])
    whole = task.scores(test.data, said[middle], {}, task.usual(train.data))
    names = measures[0].names
    scores = {name: tuple(values[:, i].tolist()) for i, name in enumerate(names)}
    return scores, (whole.scores[0].low, whole.scores[0].high), whole.majority
