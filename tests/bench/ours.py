"""Our side of the comparisons: the same jobs as in peers.py, through the public functions."""

import hashlib
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import tokpipe
from tests.bench.peers import mixed_sentences, short_texts
from tests.bench.treebanks import borders
from tokpipe.corpus.config import ReadConfig, SentenceConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.corpus.sentences import split_sentences
from tokpipe.foundation.arrays import Strings
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


def encode_ids(path: str, tokenizer: str) -> Callable:
    """Encode a whole file as `encode` does; the ids themselves are told, by their hash."""
    model = tokpipe.Tokenizer.load(tokenizer)

    def run() -> Callable:
        chunks = model.encode_files([path]).chunks
        return lambda: _hashed([chunk.values.to_numpy() for chunk in chunks])

    return run


def _hashed(parts: list[Any]) -> dict[str, Any]:
    ids = np.concatenate(parts).astype(np.int32)
    return {"ids": len(ids), "sha256": hashlib.sha256(ids.tobytes()).hexdigest()}


def batch(path: str, tokenizer: str, texts: int, characters: int) -> Callable:
    """Encode short texts to `Encoding`s, and read the ids of each."""
    model = tokpipe.Tokenizer.load(tokenizer)
    lines = short_texts(path, texts, characters)

    def run() -> dict[str, int]:
        return {"ids": sum(len(encoding.ids) for encoding in model.encode_batch(lines))}

    return run


def sentence_borders(path: str) -> Callable:
    """Split paragraphs, and say where their sentences end."""
    texts = Strings.from_list(json.loads(Path(path).read_text()))
    documents = np.arange(len(texts) + 1)

    def run() -> list[list[int]]:
        found = split_sentences(texts, documents, SentenceConfig(), is_lines=False)
        sentences = [text.decode() for text in found.texts.iter_bytes()]
        pairs = pairwise(found.documents.tolist())
        return [borders(sentences[a:b]) for a, b in pairs]

    return run


def split_file(path: str) -> Callable:
    """Split the documents of a file, about 4 MB a call."""
    config = ReadConfig()
    pieces = list(open_corpus([path], config).pieces(4 << 20))
    batches = [piece.load() for piece in pieces]

    def run() -> dict[str, int]:
        sizes = []
        for batch in batches:
            split_sentences(batch.texts, batch.documents, SentenceConfig(), is_lines=True)
            sizes.append(batch.texts.nbytes)
        return {"bytes": sum(sizes)}

    return run


def embed(
    path: str, model: str, texts: int, characters: int, precision: str = "float32"
) -> Callable:
    """Embed sentences of mixed length: the mean of the last layer, whatever the folder says."""
    from tokpipe.tasks.config import EmbedConfig
    from tokpipe.tasks.embed import embed_texts

    loaded = tokpipe.BertModel.load(model, precision=precision)
    sentences = mixed_sentences(path, texts, characters)
    config = EmbedConfig(pooling="mean", normalize=False, max_length=loaded.config.longest)

    def run() -> dict[str, Any]:
        vectors = embed_texts(loaded, sentences, config)
        return {"rows": len(vectors), "first": vectors[0, :4].tolist()}

    return run
