"""Our side of making and loading training data, through the public functions."""

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import tokpipe
from tokpipe.shards.build import BuildConfig, build_shards


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def build(path: str, tokenizer: str, out: str, recipe: str, masking: str, length: int) -> Callable:
    """Make a shard folder of a file, with two threads."""
    examples = tokpipe.ExampleConfig(recipe=recipe, max_seq_length=length)
    config = BuildConfig(examples=examples, masks=tokpipe.MaskConfig(masking=masking))
    size = Path(path).stat().st_size

    def run() -> dict[str, int]:
        with tempfile.TemporaryDirectory(dir=out) as place:
            folder = Path(place) / "shards"
            build_shards([path], tokenizer, folder, config, threads=2)
        return {"bytes": size}

    return run


def keep(path: str, tokenizer: str, out: str) -> Callable:
    """Make shards with dynamic masks where the loaders find them."""

    def run() -> dict[str, str]:
        try:
            tokpipe.open_shards(out)
        except tokpipe.TokpipeError:  # none yet, or of an older format
            build_shards([path], tokenizer, out, threads=2, force=True)
        return {"folder": out}

    return run


def load(shards: str, batch_tokens: int, batches: int) -> Callable:
    """Load packed batches, masked anew, with two threads."""
    opened = tokpipe.open_shards(shards)
    config = tokpipe.BatchConfig(batch_tokens=batch_tokens)
    loader = tokpipe.Loader(opened.train, config, opened.facts, opened.masks, seed=1)

    def run() -> dict[str, int]:
        wanted = islice(loader.batches(epoch=0, threads=2), batches)
        return {"tokens": sum(len(batch.input_ids) for batch in wanted)}

    return run
