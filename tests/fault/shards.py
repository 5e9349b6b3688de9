"""A small build of shards, to be disturbed: several files of several batches in a second."""

from tests.fault.conftest import WORDS, Command, write_corpus
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SMALL = (
    *("--shard-size", "12k", "--block-bytes", "3k", "--max-seq-length", "32"),
    *("--masking", "static", "--dupe-factor", "2", "--validation-fraction", "0.2"),
)


def write_tokenizer(path):
    """Write a vocabulary of the words of `write_corpus`, as they are or ending in ``##s``."""
    words = [word.lower() for word in WORDS if word.isascii()]
    tokens = [*SPECIAL, *words, "asa", "cafe", "東", "京", "s", "##s"]
    path.write_bytes(document_bytes(spec_from_bert_vocab(tokens)))
    return path


def build_command(folder, tokenizer, *more, inputs="text.txt"):
    """Return the command, in a folder that holds the corpus and nothing else."""
    write_corpus(folder / "text.txt")
    return Command(folder, "build-shards", inputs, "-t", tokenizer, *SMALL, *more, "-o", "out")
