"""Our side of the comparisons: the same jobs as in peers.py, through the public functions."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import tokpipe
from tokpipe.foundation.sizes import parse_bytes


def describe(result: Any) -> Any:
    """Return what of a result goes into the report: hashes and counts, plain JSON."""
    return result() if callable(result) else result


def train(
    path: str, memory: str | None = None, pre_tokenizer: str | None = None, **settings: Any
) -> Callable:
    """Train a vocabulary on a file."""
    size = settings.pop("vocab_size")
    config = tokpipe.VocabConfig(vocab_size=(size,), **settings)
    plain = {"normalizer": "none", "lowercase": False, "pre_tokenizer": pre_tokenizer}
    words = tokpipe.WordsConfig(**plain) if pre_tokenizer else None
    limit = parse_bytes(memory) if memory else None

    def run() -> Callable:
        tokenizer = tokpipe.train_vocab([path], config, words=words, memory=limit)
        return lambda: _merges_of(tokenizer.spec)

    return run


def _merges_of(spec: Any) -> dict[str, Any]:
    merges = [[spec.tokens[a], spec.tokens[b]] for a, b, _ in spec.merges.tolist()]
    return {
        "tokens": len(spec.tokens),
        "merges": hashlib.sha256(json.dumps(merges).encode()).hexdigest(),
    }


def encode(path: str, tokenizer: str) -> Callable:
    """Encode a whole file, a line a text, to Arrow lists of ids."""
    model = tokpipe.Tokenizer.load(tokenizer)

    def run() -> dict[str, int]:
        ids = model.encode_files([path])
        return {"ids": sum(len(chunk.values) for chunk in ids.chunks)}

    return run
