"""Our side of training: steps over given batches, and whole runs over shards."""

import tempfile
from collections.abc import Callable
from dataclasses import fields
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.batches.batch import Batch
from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters
from tokpipe.training.config import TrainingConfig
from tokpipe.training.log import read_log
from tokpipe.training.parts import cut
from tokpipe.training.pretrain import pretrain
from tokpipe.training.trainer import Room, Trainer


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def step(batches: str, preset: str, steps: int) -> Callable:
    """Make steps, dropout on: forward, backward, clipping, AdamW; two threads."""
    with np.load(batches) as stored:
        count = len({name.split(".")[1] for name in stored.files})
        loaded = [
            Batch(**{f.name: stored[f"{f.name}.{i}"] for f in fields(Batch)}) for i in range(count)
        ]
    config = TrainingConfig(learning_rate=1e-4)
    parts = [Room.of(part) for batch in loaded for part in cut(batch, config.gradient_shards)]
    room = Room(*(max(sizes) for sizes in zip(*parts, strict=True)))
    parameters = Parameters.initialised(BertConfig.preset(preset), 0)
    trainer = Trainer(config, parameters, room, threads=2)
    endless = cycle(loaded)

    def run() -> dict[str, float]:
        tokens = 0
        for _ in range(steps):
            batch = next(endless)
            found = trainer.gradients([batch])
            trainer.optimizer.step(1e-4, found.grad_norm)
            tokens += len(batch.input_ids)
        return {"tokens": tokens}

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
