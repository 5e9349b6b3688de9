"""Our side of the comparisons: the same jobs as in peers.py, through the public functions."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import tokpipe


def describe(result: Any) -> Any:
    """Return what of a result goes into the report: hashes and counts, plain JSON."""
    return result() if callable(result) else result


def train(path: str, memory: str | None = None, **settings: Any) -> Callable:
    """Train a vocabulary on a file."""
    config = tokpipe.VocabConfig(**settings)

    def run() -> Callable:
        trained = tokpipe.train_vocab([path], config, memory=memory)
        return lambda: _merges_of(trained.vocabulary)

    return run


def _merges_of(vocabulary: Any) -> dict[str, Any]:
    tokens = vocabulary.tokens
    merges = [[tokens[left], tokens[right]] for left, right, _ in vocabulary.merges.tolist()]
    return {
        "tokens": len(tokens),
        "merges": hashlib.sha256(json.dumps(merges).encode()).hexdigest(),
    }


def encode(path: str, tokenizer: str) -> Callable:
    """Encode a whole file, a line a text, to Arrow lists of ids."""
    model = tokpipe.Tokenizer.load(tokenizer)

    def run() -> dict[str, int]:
        ids = model.encode_files([path])
        return {"ids": len(ids.values)}

    return run
