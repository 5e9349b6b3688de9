"""Small shard folders with text that can be learned, and runs over them."""

import numpy as np

from tests.unit.shards.folders import write_batches
from tokpipe.bert.config import BertConfig
from tokpipe.examples.build import Rows
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.masking import Masks
from tokpipe.shards.columns import record_batch
from tokpipe.training.config import TrainingConfig
from tokpipe.training.pretrain import pretrain

MODEL = BertConfig(
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=128,
)
STEPS = {"steps": 12, "batch_tokens": 80, "save_steps": 4, "eval_steps": 4, "gradient_shards": 3}


def write_shards(folder, seed=1, rows=60, longest=9, **examples):
    """Write pairs of segments in which a, b and c follow one another; masks are drawn at load."""
    generator = np.random.default_rng(seed)
    train = [lambda columns: _batch(columns, generator, rows, longest)] * (rows > 0)
    validation = [lambda columns: _batch(columns, generator, 9, longest)]
    contents = {"train": [train], "validation": [validation]}
    dynamic = MaskConfig(masking="dynamic")
    return write_batches(folder, contents, dynamic, ExampleConfig(**examples))


def _batch(columns, generator, rows, longest):
    lengths = generator.integers(3, longest, (rows, 2))
    segments = [
        [2, *(5 + (np.arange(a) + a) % 3), 3, *(5 + (np.arange(b) + b) % 3), 3] for a, b in lengths
    ]
    offsets = np.concatenate([[0], np.cumsum([len(s) for s in segments])])
    starts = (lengths[:, 0] + 2).astype(np.int32)
    flat = Rows(np.concatenate(segments).astype(np.int32), offsets, starts)
    labels = generator.integers(0, 2, rows).astype(np.int8)
    return record_batch(columns, flat, labels, Masks(*(np.zeros(0, np.int32) for _ in range(3))))


def train(shards, out, *, threads=1, model=MODEL, **settings):
    """Train a very small model; settings beside those of `STEPS`."""
    names = [name for name in ("force", "watch", "resume", "then") if name in settings]
    how = {"threads": threads, **{name: settings.pop(name) for name in names}}
    config = TrainingConfig(**{**STEPS, **settings})
    return pretrain(shards, model, config, out, **how)
