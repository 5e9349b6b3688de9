"""The peers' side of training: transformers' BertForPreTraining in torch, eager, fp32."""

import os
import time
from collections.abc import Callable, Mapping
from itertools import count, cycle
from types import MappingProxyType
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

PRESETS = {
    "tiny": (2, 128),
    "mini": (4, 256),
    "small": (4, 512),
    "medium": (8, 512),
    "base": (12, 768),
}


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def step(
    batches: str, preset: str, steps: int, masked_only: bool, autocast: bool = False
) -> Callable:
    """Make steps over padded batches, dropout on; the head at all places, or the masked only.

    `autocast`: products in bfloat16, as torch.autocast has them.
    """
    import numpy as np

    with np.load(batches) as stored:
        count = len({name.split(".")[1] for name in stored.files})
        names = {name.split(".")[0] for name in stored.files}
        packed = [{name: stored[f"{name}.{i}"] for name in names} for i in range(count)]
    endless = cycle([(_padded(batch), len(batch["input_ids"])) for batch in packed])
    wrapped = _in_bfloat16 if autocast else lambda module: module
    one = _trainer(preset, 30_522, masked_only, 1e-4, wrapped)

    def run() -> dict[str, float]:
        tokens = 0
        for _ in range(steps):
            batch, size = next(endless)
            one(batch)
            tokens += size
        return {"tokens": tokens}

    return run


def _in_bfloat16(module: Any) -> Callable[[dict], Any]:
    import torch

    def loss_of(batch: dict) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return module(batch)

    return loss_of


def learn(
    shards: str, preset: str, steps: int, seed: int, batch_tokens: int, rate: float
) -> Callable:
    """Train on the same batches as our side, from weights of the same distribution."""
    import torch

    from tokpipe.batches.config import BatchConfig
    from tokpipe.batches.loader import Loader
    from tokpipe.shards.reader import open_shards
    from tokpipe.training.config import TrainingConfig
    from tokpipe.training.parts import batches_from
    from tokpipe.training.progress import Position
    from tokpipe.training.schedule import Schedule

    found = open_shards(shards)
    batches = BatchConfig(batch_tokens=batch_tokens)
    loader = Loader(found.train, batches, found.facts, found.masks, seed)
    torch.manual_seed(seed)
    one = _trainer(preset, found.facts.vocab_size, True, rate)
    schedule = Schedule(TrainingConfig(steps=steps, learning_rate=rate), steps)

    def run() -> dict[str, Any]:
        losses = []
        for number, (batch, _) in enumerate(batches_from(loader, Position())):
            if number == steps:
                break
            losses.append(one(_padded(_fields(batch)), schedule.learning_rate(number, 0)))
        return {"losses": losses}

    return run


def reach(
    shards: str, preset: str, seed: int, steps: int, threads: int = 2, **settings: Any
) -> Callable:
    """Train so many steps, as run_mlm.py does but the head at masked places only; see ours."""
    from tokpipe.shards.reader import open_shards
    from tokpipe.training.config import TrainingConfig
    from tokpipe.training.loading import loaders

    one, model = _run_mlm(shards, preset, seed, steps, threads, **settings)
    _, held = loaders(open_shards(shards), TrainingConfig(seed=seed))

    def run() -> dict[str, Any]:
        for _ in range(steps):
            one()
        return {"loss": _held_out(model, held)}

    return run


def pace(shards: str, preset: str, seconds: int, **settings: Any) -> Callable:
    """Make steps of `reach` for some seconds, by two threads; see ours."""
    one, _ = _run_mlm(shards, preset, 0, 1_000_000, 2, **settings)

    def run() -> dict[str, float]:
        begin, steps = time.monotonic(), 0
        while time.monotonic() - begin < seconds:
            one()
            steps += 1
        return {"steps": steps, "seconds": time.monotonic() - begin}

    return run


def _run_mlm(
    shards: str,
    preset: str,
    seed: int,
    steps: int,
    threads: int,
    rate: float,
    batch_size: int,
    warmup: float,
    beta2: float,
    dropout: float,
) -> tuple[Callable[[], float], Any]:
    """Return what makes the next step, and the model that learns."""
    import torch

    from tokpipe.shards.reader import open_shards
    from tokpipe.training.config import TrainingConfig
    from tokpipe.training.loading import loaders
    from tokpipe.training.parts import batches_from
    from tokpipe.training.progress import Position
    from tokpipe.training.schedule import Schedule

    found = open_shards(shards)
    config = TrainingConfig(
        steps=steps,
        batch_size=batch_size,
        batch_tokens=1 << 20,
        learning_rate=rate,
        warmup_proportion=warmup,
        seed=seed,
    )
    torch.manual_seed(seed)
    shape = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    how = {"betas": (0.9, beta2), "eps": 1e-8, "decay": 0.0}
    modules: list[Any] = []

    def seen(module: Any) -> Any:
        modules.append(module)
        return module

    step = _trainer(preset, found.facts.vocab_size, True, rate, seen, threads, shape, how)
    schedule, numbers = Schedule(config, steps), count()
    batches = batches_from(loaders(found, config)[0], Position(), threads)

    def one() -> float:
        batch, _ = next(batches)
        return step(_padded(_fields(batch)), schedule.learning_rate(next(numbers), 0))

    return one, modules[0].model


def _held_out(model: Any, held: Any) -> float:
    """Return the mean loss of a masked token over the validation split."""
    import torch

    losses, masked = 0.0, 0
    model.eval()
    with torch.no_grad():
        for batch in held.batches(0):
            losses += float(_masked_loss(model, _padded(_fields(batch)))) * len(batch.masked_ids)
            masked += len(batch.masked_ids)
    return losses / masked


def _trainer(
    preset: str,
    vocab_size: int,
    masked_only: bool,
    rate: float,
    wrapped: Callable[[Any], Any] = lambda module: module,
    threads: int = 2,
    shape: Mapping[str, Any] = MappingProxyType({}),
    how: Mapping[str, Any] = MappingProxyType({}),
) -> Callable:
    """Return what makes a step; its module, from batch to loss, may be `wrapped`."""
    import torch
    from transformers import BertConfig, BertForPreTraining

    torch.set_num_threads(threads)
    layers, hidden = PRESETS[preset]
    config = BertConfig(
        vocab_size=vocab_size,
        num_hidden_layers=layers,
        hidden_size=hidden,
        num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden,
        attn_implementation="eager",
        **shape,
    )
    model = BertForPreTraining(config).train()
    named = list(model.named_parameters())
    plain = [p for name, p in named if name.endswith("bias") or "LayerNorm" in name]
    decayed = [p for name, p in named if not (name.endswith("bias") or "LayerNorm" in name)]
    how = {"decay": 0.01, "eps": 1e-6, **how}
    decay = how.pop("decay")
    groups = [{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate, **how)

    class Loss(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, batch: dict) -> Any:
            return _masked_loss(model, batch) if masked_only else model(**batch).loss

    loss_of = wrapped(Loss())

    def one(batch: dict, rate: float = rate) -> float:
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        return float(loss.detach())

    return one


def _masked_loss(model: Any, batch: dict) -> Any:
    import torch.nn.functional as functional

    inputs = {n: batch[n] for n in ("input_ids", "attention_mask", "token_type_ids")}
    out = model.bert(**inputs)
    masked = batch["labels"] != -100
    logits = model.cls.predictions(out.last_hidden_state[masked])
    loss = functional.cross_entropy(logits, batch["labels"][masked])
    if "next_sentence_label" not in batch:
        return loss
    pairs = model.cls.seq_relationship(out.pooler_output)
    return loss + functional.cross_entropy(pairs, batch["next_sentence_label"])


def _fields(batch: Any) -> dict:
    from dataclasses import fields

    held = {f.name: getattr(batch, f.name) for f in fields(batch)}
    return {name: array for name, array in held.items() if array is not None}


def _padded(batch: dict) -> dict:
    import numpy as np
    import torch

    lengths = np.diff(batch["offsets"])
    is_token = np.arange(lengths.max()) < lengths[:, None]
    labels = np.full(len(batch["input_ids"]), -100)
    labels[batch["masked_positions"]] = batch["masked_ids"]
    fillers = {"input_ids": 0, "token_type_ids": 0, "labels": -100}
    flat = {**batch, "labels": labels}
    made = {"attention_mask": torch.tensor(is_token.astype(np.int64))}
    for name, filler in fillers.items():
        rows = np.full(is_token.shape, filler, np.int64)
        rows[is_token] = flat[name]
        made[name] = torch.tensor(rows)
    if batch.get("next_sentence_label") is not None:
        made["next_sentence_label"] = torch.tensor(batch["next_sentence_label"].astype(np.int64))
    return made
