"""The peers' side of fine-tuning: transformers in torch, eager, fp32, batches padded.

Rows come from the plain files of `finetune_jobs`. What is special about a kind of data is in
`peers_texts`, `peers_words` and `peers_answers`: features of rows, targets, and what logits mean.
"""

import copy
import os
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

_ASKED = 32  # rows of a batch that is only asked
_NO_DECAY = ("bias", "LayerNorm.weight")


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def epochs(
    task: str, model: str, parts: dict, settings: dict, tokens: int, is_grouped: bool
) -> Callable:
    """Go through the training part once, in any order or in batches of about one length."""
    kind = _kind(task, model, parts, tokens)
    rows = kind.features("train")
    loaded = _loaded(kind, model, settings, 0)
    step, numbers = _stepping(loaded, settings, None), count()

    def run() -> dict[str, int]:
        steps = seen = 0
        order = _order([len(row["input_ids"]) for row in rows], settings, next(numbers), is_grouped)
        for batch in _batches(order, settings["batch_size"]):
            step(kind.padded([rows[i] for i in batch]))
            steps, seen = steps + 1, seen + len(batch)
        return {"steps": steps, "rows": seen}

    return run


def tune(
    task: str, model: str, parts: dict, settings: dict, tokens: int, seed: int, threads: int
) -> Callable:
    """Fine-tune, keep the best epoch, and say what it predicts of the test part."""
    kind = _kind(task, model, parts, tokens, threads)
    rows, held, asked = (kind.features(part) for part in ("train", "validation", "test"))

    def run() -> dict[str, Any]:
        loaded = _loaded(kind, model, settings, seed)
        size, best = settings["batch_size"], (-1.0, None)
        steps = settings["epochs"] * -(-len(rows) // size)
        step = _stepping(loaded, settings, steps)
        for epoch in range(settings["epochs"]):
            loaded.train()
            order = _order([len(r["input_ids"]) for r in rows], settings, (seed, epoch), True)
            for batch in _batches(order, size):
                step(kind.padded([rows[i] for i in batch]))
            score = kind.score(
                "validation", kind.said("validation", held, _logits(loaded, kind, held))
            )
            if score > best[0]:
                best = score, copy.deepcopy(loaded.state_dict())
        loaded.load_state_dict(best[1])
        return {
            "said": kind.said("test", asked, _logits(loaded, kind, asked)),
            "validation": best[0],
        }

    return run


def answer(path: str, model: str, texts: int, characters: int) -> Callable:
    """Say the classes of texts of mixed length, through a pipeline, 32 at a time."""
    from transformers import pipeline

    from tests.bench.peers import mixed_sentences

    classify = pipeline("text-classification", model=model, batch_size=32, device=-1)
    asked = mixed_sentences(path, texts, characters)

    def run() -> dict[str, Any]:
        found = classify(asked, top_k=None, truncation=True)
        first = [{one["label"]: one["score"] for one in row} for row in found[:20]]
        return {"rows": len(found), "first": first}

    return run


def _kind(task: str, model: str, parts: dict, tokens: int, threads: int = 2) -> Any:
    import torch
    from transformers import AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(model)
    if task == "classification":
        from tests.bench.peers_texts import Texts as Kind
    elif task == "qa":
        from tests.bench.peers_answers import Answers as Kind
    else:
        from tests.bench.peers_words import Words as Kind
    return Kind(tokenizer, parts, tokens, task)


def _loaded(kind: Any, model: str, settings: dict, seed: int) -> Any:
    """Load the encoder with a head that is drawn by the seed; dropout on."""
    import torch
    import transformers

    torch.manual_seed(seed)
    more = {"num_labels": len(kind.names)} if kind.names else {}
    dropout = settings["dropout"]
    return (
        getattr(transformers, kind.model)
        .from_pretrained(
            model,
            attn_implementation="eager",
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            dtype=torch.float32,
            **more,
        )
        .train()
    )


def _stepping(model: Any, settings: dict, steps: int | None) -> Callable[[dict], None]:
    """Return a step: forward, backward, clipping, AdamW; the rate rises and falls over all."""
    import torch
    from transformers import get_linear_schedule_with_warmup

    named = list(model.named_parameters())
    plain = [p for name, p in named if name.endswith(_NO_DECAY)]
    decayed = [p for name, p in named if not name.endswith(_NO_DECAY)]
    groups = [
        {"params": decayed, "weight_decay": settings["weight_decay"]},
        {"params": plain, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups, lr=settings["learning_rate"], eps=settings["adam_epsilon"]
    )
    warm_up = round((steps or 0) * settings["warmup_proportion"])
    falling = get_linear_schedule_with_warmup(optimizer, warm_up, steps) if steps else None

    def step(batch: dict) -> None:
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings["max_grad_norm"])
        optimizer.step()
        if falling:
            falling.step()

    return step


def _order(lengths: list[int], settings: dict, seed: Any, is_grouped: bool) -> list[int]:
    """Shuffle rows; grouped, those of about one length stand together, as in transformers."""
    if is_grouped:
        import torch
        from transformers.trainer_pt_utils import get_length_grouped_indices

        draw = torch.Generator().manual_seed(random.Random(str(seed)).getrandbits(31))
        return get_length_grouped_indices(lengths, settings["batch_size"], generator=draw)
    order = list(range(len(lengths)))
    random.Random(str(seed)).shuffle(order)
    return order


def _batches(order: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _logits(model: Any, kind: Any, rows: list[dict]) -> list:
    """Return the logits of each row, without what is padded."""
    import torch

    model.eval()
    found: list = [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]["input_ids"]))
    with torch.inference_mode():
        for batch in _batches(order, _ASKED):
            chosen = [rows[i] for i in batch]
            asked = kind.padded([{k: row[k] for k in kind.inputs(row)} for row in chosen])
            for i, one in zip(batch, kind.logits(model(**asked)), strict=True):
                found[i] = one[: len(rows[i]["input_ids"])] if kind.is_of_tokens else one
    return found
