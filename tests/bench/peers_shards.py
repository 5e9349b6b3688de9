"""The peers' side of making and loading training data."""

import os
import random
from collections.abc import Callable
from itertools import chain, islice
from typing import Any

from tests.parity.pretraining_script import Settings, make_instances


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def _lines(path: str, size: int) -> list[str]:
    """Return the first lines of a file, as many as `size` bytes hold."""
    with open(path, "rb") as file:  # noqa: PTH123
        data = file.read(size)
    return data[: data.rindex(b"\n")].decode().split("\n")


def run_mlm_map(path: str, tokenizer: str, size: int, length: int) -> Callable:
    """Encode and group texts with `datasets.map`, as transformers' run_mlm example does."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    import datasets
    from transformers import PreTrainedTokenizerFast

    datasets.disable_progress_bars()
    model = PreTrainedTokenizerFast(tokenizer_file=tokenizer, model_max_length=1 << 40)
    lines = [line for line in _lines(path, size) if line]
    texts = datasets.Dataset.from_dict({"text": lines})

    def encode(rows: dict) -> Any:
        return model(rows["text"], return_special_tokens_mask=True)

    def group(rows: dict) -> dict:
        joined = {name: list(chain(*rows[name])) for name in rows}
        total = len(joined["input_ids"]) // length * length
        return {
            name: [values[i : i + length] for i in range(0, total, length)]
            for name, values in joined.items()
        }

    def run() -> dict[str, int]:
        fresh = {"batched": True, "load_from_cache_file": False}
        encoded = texts.map(encode, remove_columns=["text"], **fresh)
        return {"rows": len(encoded.map(group, **fresh)), "bytes": size}

    return run


def google_script(path: str, tokenizer: str, size: int, length: int, dupe: int) -> Callable:
    """Make masked pairs in plain Python; even the words come from `tokenizers`, not from Python.

    As the script wants it, a line is a sentence and a blank line ends a document; nothing is
    written, which spares it the slow part of its output.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(tokenizer)
    lines = _lines(path, size)
    words = list(model.get_vocab())

    def run() -> dict[str, int]:
        rng, documents, made = random.Random(12345), [[]], 0
        encodings = model.encode_batch(lines, add_special_tokens=False)
        for line, encoding in zip(lines, encodings, strict=True):
            if not line.strip():
                documents.append([])
            elif encoding.tokens:
                documents[-1].append(encoding.tokens)
        for _ in range(dupe):
            made += len(make_instances(documents, words, rng, Settings(max_seq_length=length)))
        return {"instances": made, "bytes": size}

    return run


def collated_batches(shards: str, tokenizer: str, rows: int, batch_size: int) -> Callable:
    """Load rows with `datasets` and torch's DataLoader, masked by transformers' collator."""
    import datasets
    from torch.utils.data import DataLoader
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    names = {"mask_token": "[MASK]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    model = PreTrainedTokenizerFast(tokenizer_file=tokenizer, sep_token="[SEP]", **names)
    train = datasets.load_from_disk(shards)["train"].select_columns(["input_ids"])
    collator = DataCollatorForLanguageModeling(model)

    def run() -> dict[str, int]:
        loader = DataLoader(train, batch_size, shuffle=True, collate_fn=collator)
        tokens = 0
        for batch in islice(loader, rows // batch_size):
            tokens += int(batch["attention_mask"].sum())
        return {"tokens": tokens}

    return run
