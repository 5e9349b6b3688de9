"""Small shard folders, put together by hand: what the reader must take and what it must refuse."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from tokpipe.examples.build import Rows
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.masking import Masks
from tokpipe.foundation.manifest import Manifest
from tokpipe.shards.columns import record_batch
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.dataset_files import write_dataset_files
from tokpipe.shards.reader import KIND, shard_name
from tokpipe.shards.schema import columns_of
from tokpipe.shards.vocabulary import TOKENIZER
from tokpipe.shards.writer import ShardFile
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "##d"]
STATIC = MaskConfig(masking="static")


def tokenizer() -> Tokenizer:
    return Tokenizer(spec_from_bert_vocab(TOKENS))


def batch(columns, first: int) -> pa.RecordBatch:
    """Return three pairs of 5, 6 and 7 tokens; the second token is masked."""
    sizes = np.array([5, 6, 7])
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    ids = np.concatenate([[2, 4, 5 + first % 3, *[6] * (n - 4), 3] for n in sizes])
    rows = Rows(ids.astype(np.int32), offsets, np.full(3, 3, np.int32))
    masks = Masks(np.ones(3, np.int32), np.full(3, 7, np.int32), np.arange(4))
    return record_batch(columns, rows, np.array([0, 1, 0], np.int8), masks)


def rows_of(split) -> list[list[int]]:
    """Return the ids of each row of an opened split."""
    return [
        ids.tolist()
        for part in split.parts
        for ids in np.split(part.input_ids.values, part.input_ids.offsets[1:-1])
    ]


def write_folder(folder: Path, masks: MaskConfig = STATIC, **shards) -> Path:
    """Write two training shards of two batches each, and an empty validation split."""
    train = [[lambda columns, n=n: batch(columns, n) for n in (2 * i, 2 * i + 1)] for i in range(2)]
    return write_batches(folder, {"train": train, "validation": [[]]}, masks, **shards)


def write_batches(
    folder: Path, contents: dict, masks: MaskConfig, examples: ExampleConfig | None = None, **shards
) -> Path:
    """Write a folder: of each split, for each of its shards, what makes a batch of the columns."""
    examples, config = examples or ExampleConfig(), ShardConfig(**shards)
    columns = columns_of(examples, masks, config, len(TOKENS))
    facts: dict = {"vocab_size": len(TOKENS), "shards": {split: [] for split in contents}}
    files = {
        split: [shard_name(split, number, len(made)) for number in range(len(made))]
        for split, made in contents.items()
    }
    for split, shards_of in contents.items():
        (folder / split).mkdir(parents=True)
        for name, batches in zip(files[split], shards_of, strict=True):
            file = ShardFile(folder / name, columns, config.compression)
            for make in batches:
                file.write(make(columns))
            file.finish()
            facts["shards"][split].append({"rows": file.rows, "tokens": file.tokens})
    others = write_dataset_files(folder, columns, files, "by hand")
    (folder / TOKENIZER).write_bytes(document_bytes(tokenizer().spec))
    settings = {
        "examples": examples.to_dict(),
        "masks": masks.to_dict(),
        "shards": config.to_dict(),
    }
    names = [name for split in files.values() for name in split] + [*others, TOKENIZER]
    Manifest(kind=KIND, settings=settings, facts=facts).write(folder, names)
    return folder
