"""Our side of fine-tuning: epochs of steps, whole trainings, answers, and earlier approaches."""

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import tokpipe
from tests.bench.peers import mixed_sentences
from tokpipe.baselines.train import train_baseline
from tokpipe.finetuning.config import FinetuneConfig, WindowConfig
from tokpipe.finetuning.preparing import Asked, prepare
from tokpipe.finetuning.rates import rates_of
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.source import first_weights
from tokpipe.finetuning.training import loader_of, training_config
from tokpipe.foundation.progress import SILENT
from tokpipe.labelled.config import TextColumns
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import Job
from tokpipe.training.trainer import Terms, Trainer

_THREADS = 2


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def epochs(task: str, model: str, parts: dict, settings: dict, tokens: int) -> Callable:
    """Go through the training part once: forward, backward, clipping, AdamW; dropout on."""
    asked = Asked(
        task=task_of(task),
        model=model,
        paths={name: parts[name] for name in ("train", "validation")},
        columns=_columns(task, parts),
        config=FinetuneConfig(**settings),
        windows=WindowConfig(max_seq_length=tokens),
    )
    prepared = prepare(asked, _THREADS, SILENT)
    loader = loader_of(prepared, 0)
    config = training_config(prepared, loader)
    trainer = Trainer(
        config,
        first_weights(prepared.source, prepared.model, asked.config, 0),
        prepared.capacity,
        _THREADS,
        Terms(rates_of(prepared.model, asked.config), prepared.objective),
    )
    numbers = count()

    def run() -> dict[str, int]:
        steps = seen = 0
        for batch in loader.batches(next(numbers)):
            found = trainer.gradients([batch])
            trainer.optimizer.step(config.learning_rate, found.grad_norm)
            steps, seen = steps + 1, seen + len(batch)
        return {"steps": steps, "rows": seen}

    return run


def tune(
    task: str, model: str, parts: dict, settings: dict, tokens: int, seed: int, threads: int
) -> Callable:
    """Fine-tune, keep the best epoch, and score it on the test part."""

    def run() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            done = tokpipe.finetune(
                task,
                model,
                parts["train"],
                parts["validation"],
                parts["test"],
                Path(place) / "out",
                config=FinetuneConfig(**settings, seed=seed),
                columns=_columns(task, parts),
                windows=WindowConfig(max_seq_length=tokens),
                threads=threads,
            )
        return {name: scores.to_dict() for name, scores in done.report.scores.items()}

    return run


def baseline(method: str, task: str, parts: dict) -> Callable:
    """Train an earlier approach on the same data, and score it."""

    def run() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            done = train_baseline(
                method,
                task,
                parts["train"],
                parts["validation"],
                parts["test"],
                Path(place) / "out",
                columns=_columns(task, parts),
            )
        return {name: scores.to_dict() for name, scores in done.report.scores.items()}

    return run


def answer(path: str, model: str, texts: int, characters: int) -> Callable:
    """Say the classes of texts of mixed length."""
    job = Job.of(BertModel.load(model))
    asked = mixed_sentences(path, texts, characters)

    def run() -> dict[str, Any]:
        found = job.answers(asked, threads=_THREADS)
        return {"rows": len(found), "first": [one.probabilities for one in found[:20]]}

    return run


def _columns(task: str, parts: dict) -> TextColumns | None:
    if task != "classification":
        return None
    with Path(parts["train"]).open(encoding="utf-8") as file:
        is_pair = '"second": ' in file.readline()
    return TextColumns(text="text", second="second" if is_pair else None, label=("label",))
