"""The peers' side: each job loads a library and returns the function that is timed."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def describe(result: Any) -> Any:
    """Return what of a result goes into the report: hashes and counts, plain JSON."""
    return result() if callable(result) else result


def tokenizers_train(path: str, model: str, vocab_size: int, min_frequency: int) -> Callable:
    """Train with Hugging Face tokenizers on a file, as its documentation shows."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    def run() -> Callable:
        if model == "wordpiece":
            tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
            tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
            tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
            trainer = trainers.WordPieceTrainer(
                vocab_size=vocab_size,
                min_frequency=min_frequency,
                special_tokens=BERT_SPECIALS,
                limit_alphabet=1000,
                show_progress=False,
            )
        else:
            tokenizer = Tokenizer(models.BPE())
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
            tokenizer.decoder = decoders.ByteLevel()
            trainer = trainers.BpeTrainer(
                vocab_size=vocab_size,
                min_frequency=min_frequency,
                special_tokens=ROBERTA_SPECIALS,
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                show_progress=False,
            )
        tokenizer.train([path], trainer)
        return lambda: _merges_of(tokenizer.to_str())

    return run


def tokenizers_train_line(path: str, vocab_size: int) -> Callable:
    """Train plain BPE on one line that is one word."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        text = file.read()

    def run() -> Callable:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.BpeTrainer(vocab_size=vocab_size, min_frequency=2, show_progress=False)
        tokenizer.train_from_iterator([text], trainer)
        return lambda: _merges_of(tokenizer.to_str())

    return run


def _merges_of(text: str) -> dict[str, Any]:
    model = json.loads(text)["model"]
    merges = model.get("merges")
    return {
        "tokens": len(model["vocab"]),
        "merges": hashlib.sha256(json.dumps(merges).encode()).hexdigest() if merges else None,
    }


def gigatoken_train(path: str, vocab_size: int) -> Callable:
    """Train byte-level BPE with gigatoken, its default tie-breaking (Hugging Face's)."""
    import gigatoken

    specials = ROBERTA_SPECIALS

    def run() -> dict[str, int]:
        source = gigatoken.TextFileSource([path], separator="\n")
        gigatoken.train_bpe(source, vocab_size, specials)
        return {}

    return run


def gigabpe_train(path: str, vocab_size: int, min_frequency: int) -> Callable:
    """Train byte-level BPE with gigabpe, to merges in memory.

    It begins with the bytes that occur, not with all 256, and makes as many merges more: those that
    all 256 leave room for are compared.
    """
    import gigabpe

    count = vocab_size - 256 - len(ROBERTA_SPECIALS)

    def run() -> Callable:
        vocab, merges = gigabpe.train_bpe(
            [path],
            vocab_size,
            special_tokens=ROBERTA_SPECIALS,
            min_frequency=min_frequency,
            pretokenizer="bytelevel",
        )
        return lambda: {
            "tokens": len(vocab),
            "merges": hashlib.sha256(json.dumps(merges[:count]).encode()).hexdigest(),
        }

    return run


def tokenizers_encode(path: str, tokenizer: str, texts: int) -> Callable:
    """Encode the first lines of a file with encode_batch_fast and take the ids."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(tokenizer)
    with open(path, encoding="utf-8", newline="\n") as file:  # noqa: PTH123
        lines = [line for line, _ in zip(file, range(texts), strict=False)]
    size = sum(len(line.encode()) for line in lines)

    def run() -> dict[str, int]:
        count = 0
        for start in range(0, len(lines), 5000):
            batch = model.encode_batch_fast(lines[start : start + 5000], add_special_tokens=False)
            count += sum(len(encoding.ids) for encoding in batch)
        return {"bytes": size, "ids": count}

    return run


def tokenizers_batch(path: str, tokenizer: str, texts: int, characters: int) -> Callable:
    """Encode short texts with tokenizers' fastest call, and read the ids of each."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    from tokenizers import Tokenizer

    model = Tokenizer.from_file(tokenizer)
    lines = short_texts(path, texts, characters)

    def run() -> dict[str, int]:
        encodings = model.encode_batch_fast(lines)
        return {"ids": sum(len(encoding.ids) for encoding in encodings)}

    return run


def short_texts(path: str, texts: int, characters: int) -> list[str]:
    """Return the beginnings of the first lines of a file."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as `tokenizers_encode`
        lines = (line.strip() for line in file)
        return list(islice((line[:characters] for line in lines if line), texts))


def tokie_encode(path: str, tokenizer: str) -> Callable:
    """Encode a whole file, a line a document, with tokie's encode_files."""
    import tokie

    model = tokie.Tokenizer.from_json(tokenizer)

    def run() -> dict[str, int]:
        ids, _ = model.encode_files([path], b"\n")
        return {"ids": len(ids)}

    return run


def nanotoken_encode(path: str, tokenizer: str) -> Callable:
    """Encode a whole file, a line a document, with nanotoken's encode_files."""
    import nanotoken
    import numpy as np

    model = nanotoken.Tokenizer(tokenizer)

    def run() -> Callable:
        source = nanotoken.TextFileSource(path, separator="\n")
        ids = model.encode_files(source, add_special_tokens=False).ids
        return lambda: {
            "ids": len(ids),
            "sha256": hashlib.sha256(ids.astype(np.int32).tobytes()).hexdigest(),
        }

    return run


def gigatoken_encode(path: str, tokenizer: str) -> Callable:
    """Encode a whole file, a line a document, with gigatoken's encode_files."""
    import gigatoken
    import numpy as np

    model = gigatoken.Tokenizer(tokenizer)

    def run() -> dict[str, int]:
        rows = model.encode_files(gigatoken.TextFileSource([path], separator="\n"))
        return {"ids": int(np.asarray(rows.layout.offsets)[-1])}

    return run


def pysbd_borders(path: str, language: str) -> Callable:
    """Split paragraphs with pysbd, and say where their sentences end."""
    import pysbd

    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        texts = json.load(file)
    segmenter = pysbd.Segmenter(language=language, clean=False)

    def run() -> list[list[int]]:
        found = []
        for text in texts:
            lengths = [len("".join(part.split())) for part in segmenter.segment(text)]
            ends = {sum(lengths[: i + 1]) for i in range(len(lengths))}
            found.append(sorted(ends - {0, sum(lengths)}))
        return found

    return run


def pysbd_split(path: str, lines: int) -> Callable:
    """Split the first lines of a file with pysbd, each line a text."""
    import pysbd

    with open(path, encoding="utf-8", newline="\n") as file:  # noqa: PTH123
        texts = [line for line, _ in zip(file, range(lines), strict=False)]
    segmenter = pysbd.Segmenter(language="en", clean=False)
    size = sum(len(text.encode()) for text in texts)

    def run() -> dict[str, int]:
        for text in texts:
            segmenter.segment(text)
        return {"bytes": size}

    return run


def mixed_sentences(path: str, texts: int, characters: int) -> list[str]:
    """Return the beginnings of lines from all over a file: of one word to several sentences.

    The file is read twice, and never held: peak memory would be that of its lines on either side.
    """
    step = sum(1 for _ in _lines(path)) // texts
    return [line[:characters] for line in islice(_lines(path), 0, texts * step, step)]


def _lines(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as `tokenizers_encode`
        yield from filter(None, map(str.strip, file))


def transformers_embed(
    path: str, model: str, texts: int, characters: int, is_sorted: bool, is_bfloat16: bool = False
) -> Callable:
    """Embed sentences with transformers, 32 padded ones at a time: as they come, or by length."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    loaded = AutoModel.from_pretrained(model).eval()
    sentences = mixed_sentences(path, texts, characters)

    def run() -> dict[str, Any]:
        order = list(range(len(sentences)))
        if is_sorted:
            order.sort(key=lambda i: -len(sentences[i]))
        out = torch.empty(len(sentences), loaded.config.hidden_size)
        rounded = torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16)
        with torch.inference_mode(), rounded:
            for start in range(0, len(order), 32):
                rows = order[start : start + 32]
                chosen = [sentences[i] for i in rows]
                batch = tokenizer(chosen, padding=True, truncation=True, return_tensors="pt")
                states = loaded(**batch).last_hidden_state
                mask = batch["attention_mask"][..., None]
                out[rows] = ((states * mask).sum(1) / mask.sum(1)).float()
        return {"rows": len(out), "first": out[0, :4].tolist()}

    return run
