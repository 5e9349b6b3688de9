"""The text that everything is measured on: made once from the real corpora, kept in the cache."""

import bz2
import lzma
from pathlib import Path

from platformdirs import user_cache_path
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tests.conftest import SHARED

SIZE = 100_000_000
DNA_PREFIX = 100_000


def folder() -> Path:
    """Return the cache folder of the benchmarks."""
    place = user_cache_path("tokpipe", appauthor=False) / "bench"
    place.mkdir(parents=True, exist_ok=True)
    return place


def text_file() -> Path:
    """Return the first 100 MB of novels-en and wiki-en, cut at a line end."""
    path = folder() / "100mb.txt"
    if not path.exists():
        with bz2.open(SHARED / "corpora/novels-en.txt.bz2") as file:
            data = file.read()
        with lzma.open(SHARED / "corpora/wiki-en.txt.xz") as file:
            data += file.read(SIZE - len(data))
        path.write_bytes(data[: data.rindex(b"\n") + 1])
    return path


def dna_files() -> tuple[Path, Path]:
    """Return the E. coli genome as one line of one word, and its first 100 kB."""
    whole, prefix = folder() / "dna.txt", folder() / "dna-100k.txt"
    if not whole.exists():
        with lzma.open(SHARED / "pathological/dna-ecoli-k12.fna.xz", "rt") as file:
            line = "".join(row.strip() for row in file if not row.startswith(">"))
        whole.write_text(line)
        prefix.write_text(line[:DNA_PREFIX])
    return whole, prefix


def large_file() -> Path:
    """Return the same text ten times over."""
    path = folder() / "1gb.txt"
    if not path.exists():
        text = text_file().read_bytes()
        with path.open("wb") as file:
            for _ in range(10):
                file.write(text)
    return path


def bert_tokenizer() -> Path:
    """Return a tokenizer.json with bert-base-uncased's vocabulary, written by `tokenizers`."""
    path = folder() / "bert-base-uncased.json"
    vocabulary = str(SHARED / "vocab/bert-base-uncased-vocab.txt")
    tokenizer = Tokenizer(models.WordPiece.from_file(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.save(str(path))
    return path


def bert_special_tokenizer() -> Path:
    """Return the same with its special tokens declared, as training data needs them."""
    path = folder() / "bert-base-uncased-special.json"
    tokenizer = Tokenizer.from_file(str(bert_tokenizer()))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save(str(path))
    return path


def gpt2_tokenizer() -> Path:
    """Return a tokenizer.json with GPT-2's vocabulary, written by `tokenizers`."""
    path = folder() / "gpt2.json"
    place = SHARED / "vocab"
    model = models.BPE.from_file(str(place / "gpt2-encoder.json"), str(place / "gpt2-vocab.bpe"))
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path))
    return path
