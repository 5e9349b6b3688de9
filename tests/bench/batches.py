"""Shards and batches of real text for both sides: made once, kept in the cache."""

from contextlib import suppress
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path

import numpy as np

from tests.bench import corpus
from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.examples.config import ExampleConfig
from tokpipe.foundation.errors import TokpipeError
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.reader import Shards, open_shards
from tokpipe.tokenizer.build import default_words, train_vocab
from tokpipe.vocab.config import VocabConfig

_TEXT_BYTES = 8_000_000
_COUNT = 8
_VOCABULARY = 8_192
_UNCASED = replace(default_words("wordpiece"), lowercase=True)


def text_shards() -> Shards:
    """Return shards of the first 8 MB: BERT's pairs of at most 128 tokens, dynamic masks."""
    folder = corpus.folder() / "train-shards"
    with suppress(TokpipeError):  # none yet, or of an older format
        return open_shards(folder)
    text = corpus.folder() / "8mb.txt"
    data = corpus.text_file().read_bytes()[:_TEXT_BYTES]
    text.write_bytes(data[: data.rindex(b"\n") + 1])
    build_shards([text], corpus.bert_special_tokenizer(), folder, force=True)
    return open_shards(folder)


def learning_shards() -> Shards:
    """Return shards of 100 MB of English: 8,192 tokens, no pairs, sequences of 128."""
    folder = corpus.folder() / "learning-shards"
    with suppress(TokpipeError):  # none yet, or of an older format
        return open_shards(folder)
    vocabulary = corpus.folder() / "wordpiece-8192"
    if not vocabulary.exists():
        config = VocabConfig(model="wordpiece", vocab_size=(_VOCABULARY,))
        train_vocab([corpus.text_file()], config, words=_UNCASED, output=vocabulary)
    config = BuildConfig(examples=ExampleConfig(objective="none"))
    build_shards([corpus.text_file()], vocabulary, folder, config, force=True)
    return open_shards(folder)


def text_batches(tokens: int) -> Path:
    """Return a file with batches of at most so many tokens, a field of each as ``name.number``."""
    path = corpus.folder() / f"batches-{tokens}.npz"
    if path.exists():
        return path
    shards = text_shards()
    loader = Loader(shards.train, BatchConfig(batch_tokens=tokens), shards.facts, shards.masks, 0)
    arrays = {}
    for number, batch in enumerate(islice(loader.batches(0), _COUNT)):
        held = {f.name: getattr(batch, f.name) for f in fields(batch)}
        arrays |= {f"{name}.{number}": a for name, a in held.items() if a is not None}
    np.savez(path, **arrays)
    return path
