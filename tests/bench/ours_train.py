"""Our side of training: steps over given batches, and whole runs over shards."""

import tempfile
from collections.abc import Callable
from dataclasses import fields
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.batch import Batch
from tokpipe.inspection.model import work_of
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import read_log
from tokpipe.training.parts import split_batch
from tokpipe.training.pretrain import pretrain
from tokpipe.training.trainer import Trainer

_UNDISTURBED: dict[str, Any] = {"eval_steps": 0, "save_steps": 1_000_000}
_FEW = 4  # batches of a step whose pace is measured: one of RoBERTa's takes minutes


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def loaded_batches(path: str) -> list[Batch]:
    """Return the batches of a file that `text_batches` made."""
    with np.load(path) as stored:
        count = len({name.split(".")[1] for name in stored.files})
        held = [
            {f.name: f"{f.name}.{i}" for f in fields(Batch) if f"{f.name}.{i}" in stored}
            for i in range(count)
        ]
        return [Batch(**{name: stored[key] for name, key in one.items()}) for one in held]


def capacity_for(batches: list[Batch]) -> Capacity:
    """Return what the largest part of some batches needs."""
    shards = TrainingConfig().gradient_shards
    parts = [Capacity.of(part) for batch in batches for part in split_batch(batch, shards)]
    return Capacity(*(max(sizes) for sizes in zip(*parts, strict=True)))


def operations(config: BertConfig, batch: Batch) -> int:
    """Count what the model's matrix products take, forward and twice that backward.

    What is computed a second time to save memory does not count, nor what nobody looks at: the last
    layer behind its attention, but for masked tokens and the first of each sequence.
    """
    lengths = np.diff(batch.offsets).tolist()
    encoder = sum(count * work_of(config, count).encoder for count in lengths)
    asked = len(np.union1d(batch.masked_positions, batch.offsets[:-1]))
    hidden, inner = config.hidden_size, config.intermediate_size
    unasked = (sum(lengths) - asked) * 2 * hidden * (hidden + 2 * inner)
    pairs = 0 if batch.next_sentence_label is None else len(batch) * 2 * hidden * (hidden + 2)
    heads = len(batch.masked_ids) * work_of(config, 1).mlm_head + pairs
    return 3 * (encoder - unasked + heads)


def step(batches: str, preset: str, steps: int, precision: str = "float32") -> Callable:
    """Make steps, dropout on: forward, backward, clipping, AdamW; two threads."""
    loaded, shape = loaded_batches(batches), BertConfig.preset(preset)
    config = TrainingConfig(learning_rate=1e-4, precision=precision)
    trainer = Trainer(config, Parameters.initialised(shape, 0), capacity_for(loaded), threads=2)
    endless = cycle(loaded)

    def run() -> dict[str, float]:
        done = []
        for _ in range(steps):
            batch = next(endless)
            found = trainer.gradients([batch])
            trainer.move(1e-4, found.grad_norm)
            done.append(batch)
        return {
            "tokens": sum(len(batch.input_ids) for batch in done),
            "operations": sum(operations(shape, batch) for batch in done),
        }

    return run


def learn(
    shards: str, preset: str, steps: int, seed: int, batch_tokens: int, rate: float
) -> Callable:
    """Train on shards from the beginning; the result is the loss of each step."""
    config = TrainingConfig(
        steps=steps,
        batch_tokens=batch_tokens,
        learning_rate=rate,
        seed=seed,
        mlm_bias="zero",
        eval_steps=0,
        save_steps=steps,
    )

    def run() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "run"
            pretrain(shards, BertConfig.preset(preset), config, out, threads=2)
            lines = [line for line in read_log(out / "log.jsonl") if line.split is None]
        return {"losses": [line.loss for line in lines]}

    return run


def reach(
    shards: str,
    preset: str,
    seed: int,
    steps: int,
    model: dict,
    training: dict,
    threads: int = 2,
) -> Callable:
    """Train so many steps; the result is the loss of the whole validation split."""
    config = TrainingConfig(**training, **_UNDISTURBED, steps=steps, seed=seed, eval_batches=0)

    def run() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            shape = BertConfig.preset(preset, **model)
            made = pretrain(shards, shape, config, Path(place) / "run", threads=threads)
            assert made.evaluation is not None
            loss = made.evaluation.heads["mlm"].loss
        return {"loss": loss, "tokens": made.state.tokens}

    return run


def pace(shards: str, preset: str, seconds: int, model: dict, training: dict) -> Callable:
    """Train for some seconds, as `reach` does, by two threads; the result is what the log says.

    That is the steps behind the first one, and their seconds. Steps of many batches are made with
    a few of them, and count as that part of a step.
    """
    many = training["gradient_accumulation_steps"]
    few = min(many, _FEW)
    asked = {**training, **_UNDISTURBED, "gradient_accumulation_steps": few}
    config = TrainingConfig(**asked, budget=f"{seconds}s", eval_batches=1)

    def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "run"
            pretrain(shards, BertConfig.preset(preset, **model), config, out, threads=2)
            lines = [line for line in read_log(out / "log.jsonl") if line.split is None]
        first, last = lines[0], lines[-1]
        assert first.seconds is not None
        assert last.seconds is not None
        return {
            "steps": (last.step - first.step) * few / many,
            "seconds": last.seconds - first.seconds,
        }

    return run
