"""One training: from prepared data to a finished folder, begun or gone on with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.batches.config import BatchConfig
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.finetuning.card import card
from tokpipe.finetuning.folder import finish
from tokpipe.finetuning.loader import ExampleLoader
from tokpipe.finetuning.preparing import Prepared, said_of
from tokpipe.finetuning.rates import lowest_moving, rates_of
from tokpipe.finetuning.report import Report, read_metrics, report_files
from tokpipe.finetuning.scoring import Part, measuring, predict, scores_of
from tokpipe.finetuning.seeds import Seeds
from tokpipe.finetuning.source import first_weights
from tokpipe.finetuning.task import Predictions
from tokpipe.finetuning.taught import TaughtLoader
from tokpipe.finetuning.verdict import verdict
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.storage import check_space
from tokpipe.labelled.places import place_in
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import Line, Watch
from tokpipe.training.loop import Data, Run
from tokpipe.training.memory import check_memory, disk_bytes, free_for_training, training_bytes
from tokpipe.training.progress import State
from tokpipe.training.ranks import ALONE, Ranks
from tokpipe.training.resuming import begun_at, bytes_in, clear_behind, go_on_from, last_step
from tokpipe.training.schedule import Schedule
from tokpipe.training.source import Phases
from tokpipe.training.state import KIND, check_settings, checkpoint_name, checkpoints
from tokpipe.training.trainer import Terms, Trainer

_CLASS_ROWS = 8  # batches of windows of like length, at least
_HINTS = {
    "weights": "Choose a smaller model.",
    "gradients": "Lower --gradient-shards to 1, or choose a smaller model.",
    "activations": "Lower --batch-size, and raise --gradient-accumulation-steps for it, or lower "
    "--max-seq-length.",
}


class Trained(NamedTuple):
    """What one training came to.

    Attributes
    ----------
    report
        How good the kept checkpoint is.
    state
        That of the kept checkpoint.
    last
        The last step.
    """

    report: Report
    state: State
    last: Line | None


def loader_of(prepared: Prepared, seed: int) -> ExampleLoader:
    """Return the training part as batches of windows of like length."""
    size, part = prepared.batch_size, prepared.parts["train"]
    longest = int(part.examples.lengths.max())
    bins = max(1, min(16, len(part.examples) // (_CLASS_ROWS * size)))
    batches = BatchConfig(batch_tokens=size * longest, batch_size=size, bins=bins)
    if prepared.taught is not None and prepared.taught.outputs is not None:
        return TaughtLoader(part.examples, batches, seed, prepared.taught.outputs, prepared.model)
    return ExampleLoader(part.examples, batches, seed)


def training_config(prepared: Prepared, loader: ExampleLoader) -> TrainingConfig:
    """Return the settings of the loop."""
    config, task = prepared.asked.config, prepared.asked.task
    return config.training(
        width=prepared.model.hidden_size,
        epochs=config.epochs_for(loader.rows, task.most_epochs),
        batch_size=prepared.batch_size,
        epoch_batches=loader.count(0),
        seed=loader.seed,
    )


def stages_of(
    prepared: Prepared, config: TrainingConfig, threads: int, ranks: Ranks = ALONE
) -> dict[str, int]:
    """Return the memory that a training takes in one of some processes, by stage."""
    return training_bytes(prepared.model, config, prepared.capacity, threads, ranks)


def train_once(  # noqa: PLR0913 - what, where, and by whom
    prepared: Prepared,
    out: Path,
    seeds: Seeds,
    threads: int,
    watch: Watch,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> Trained:
    """Train in a folder, from the beginning or where a stopped training of the same settings is.

    All ranks call it; the first alone touches the folder.

    Raises
    ------
    ArtifactError
        If a stopped run had other settings.
    StorageError
        If the disk refuses.
    MemoryLimitError
        If it would not fit into memory.
    TrainingError
        If the numbers are none any more.
    """
    loader = loader_of(prepared, seeds.order)
    config = training_config(prepared, loader)
    settings = {**prepared.settings, "training": config.to_dict(), "seeds": seeds._asdict()}
    if ranks.weighs:
        settings["ranks"] = ranks.weighs

    def begun() -> list[Any]:
        if (out / MANIFEST).is_file():  # one of several that is finished
            check_settings(out, Manifest.read(out, KIND).settings, settings)
            return [True, None, State.read(out).to_dict(), read_metrics(out)]
        begin = begun_at(out)
        if begin is None:
            return [False, None, State(settings=settings).to_dict(), {}]
        return [False, begin.name, State.read(begin).to_dict(), {}]

    is_finished, name, told, metrics = ranks.first(begun)
    state, begin = State.from_dict(told), None if name is None else out / name
    if is_finished:
        return Trained(Report.from_dict(metrics), state, _last_step(out, ranks))
    check_settings(out, state.settings, settings)
    check_memory(stages_of(prepared, config, threads, ranks), free_for_training(), _HINTS)
    ranks.first(lambda: _make_room(out, begin, disk_bytes(prepared.model, config)))
    trainer = _trainer(prepared, config, seeds, threads, ranks)
    going = Run(trainer, _data(prepared, loader), Schedule(config, config.steps), out, state, watch)
    go_on_from(begin, out, trainer, going)
    watch.begins(going.state.step, config.steps, prepared.asked.task.name)
    last = going.run()
    return _finished(prepared, out, _best(out, last, going.state), trainer, progress)


def _make_room(out: Path, begin: Path | None, needed: int) -> None:
    clear_behind(out, begin)
    check_space(out, needed - bytes_in(checkpoints(out).values()))


def _last_step(out: Path, ranks: Ranks) -> Line | None:
    return last_step(out) if ranks.rank == 0 else None


def _trainer(
    prepared: Prepared, config: TrainingConfig, seeds: Seeds, threads: int, ranks: Ranks
) -> Trainer:
    asked, train = prepared.asked, prepared.parts["train"].data
    taught = prepared.taught
    first = (
        first_weights(prepared.source, prepared.model, asked.config, seeds.head)
        if taught is None
        else taught.begun(seeds.head)
    )

    def place(row: NDArray[np.int64]) -> str:
        return place_in(train, int(row[1]))

    terms = Terms(
        rates_of(prepared.model, asked.config),
        prepared.objective,
        place,
        lowest_moving(prepared.model, asked.config),
    )
    return Trainer(config, first, prepared.capacity, threads, terms, ranks)


def _data(prepared: Prepared, loader: ExampleLoader) -> Data:
    task, tokens = prepared.asked.task, prepared.capacity.tokens
    return Data(
        train=Phases((loader,)),
        measure=measuring(task, prepared.parts["validation"], tokens),
        tokenizer={k: v for k, v in prepared.source.files.items() if k != "README.md"},
        family=prepared.source.family,
    )


def _best(out: Path, last: Path, state: State) -> Path:
    return last if state.best_step is None else out / checkpoint_name(state.best_step)


def _finished(
    prepared: Prepared, out: Path, best: Path, trainer: Trainer, progress: Progress
) -> Trained:
    """Ask the best checkpoint about all parts but the training part, and finish the folder."""
    task, tokens, ranks = prepared.asked.task, prepared.capacity.tokens, trainer.ranks

    def load() -> dict[str, Any]:
        load_checkpoint(best, into=trainer.parameters)
        return State.read(best).to_dict()

    state = State.from_dict(ranks.first(load))
    trainer.spread()
    asked = [part for name, part in prepared.parts.items() if name != "train"]
    said = {part.name: (part, predict(task, trainer, part, tokens, progress)) for part in asked}
    report = _report(prepared, said)
    last = _last_step(out, ranks)

    def write() -> None:
        files = report_files(report, task, said)
        files["README.md"] = card(prepared, report, state.to_dict()).encode()
        finish(out, best, files, _facts(report))

    ranks.first(write)
    return Trained(report, state, last)


def _report(prepared: Prepared, said: Mapping[str, tuple[Part, Predictions]]) -> Report:
    task = prepared.asked.task
    tuned = task.tune(said["validation"][0].data, said["validation"][1])
    scored = {
        name: scores
        for name, (part, predictions) in said.items()
        if (scores := scores_of(task, part.data, predictions, tuned, prepared.usual))
    }
    notes = [note for name, one in said.items() for note in verdict(task, name, *one, scored)]
    return Report(
        task=task.name,
        method=prepared.method,
        rows={name: len(part.data) for name, part in prepared.parts.items()},
        scores=scored,
        tuned=tuned,
        notes=tuple(notes),
        long_rows={
            name: long
            for name, part in prepared.parts.items()
            if (long := said_of(part, prepared.asked.windows))
        },
    )


def _facts(report: Report) -> dict[str, Any]:
    first = {part: scores.scores[0] for part, scores in report.scores.items()}
    values = {part: {s.name: None if s.value != s.value else s.value} for part, s in first.items()}
    return {"task": report.task, "rows": dict(report.rows), "scores": values}
