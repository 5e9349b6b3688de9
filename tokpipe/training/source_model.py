"""A model that a training goes out from: settings, tokenizer and, when asked for, weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, read_outline
from tokpipe.bert.huggingface.stored import layout_of
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.manifest import digest_of
from tokpipe.tokenizer.copies import tokenizer_files
from tokpipe.tokenizer.tokenizer import Tokenizer

_READ = ("*.json", "*.txt")  # of a model folder, beside its weights: settings, vocabulary


class Source(NamedTuple):
    """A model before it is trained further."""

    folder: Path  # where it is; its weights are read when a training begins, and not kept
    config: BertConfig  # its settings, without the head of a job
    family: Family  # the kind of model that its folder says it is
    tokenizer: Tokenizer  # its tokenizer
    files: Mapping[str, bytes]  # name and content of the tokenizer's files
    digest: str  # a hash of all files that were read
    left_out: tuple[str, ...]  # names of tensors of heads that the task does not want


def open_source(folder: str | Path) -> Source:
    """Read a model folder with its tokenizer, ours or Hugging Face's; of its weights the outline.

    Raises
    ------
    InputError
        If a file is missing, damaged, or of a kind that may run code.
    ArtifactError
        If a file is not what a manifest of ours beside it says.
    """
    path = model_path("folder", folder)
    found, tokenizer = read_outline(path, "none"), Tokenizer.load(path)
    segments = found.config.type_vocab_size > 1
    files = tokenizer_files(tokenizer, path, found.config.longest, segments=segments)
    layout = layout_of(path)
    patterns = (*_READ, f"*{layout.ending}") if layout else _READ
    read = {one.name: one for pattern in patterns for one in path.glob(pattern)}
    digest = digest_of(path, (read[name] for name in sorted(read)))
    return Source(path, found.config, found.family, tokenizer, files, digest, found.left_out)


def weights_of(source: Source) -> Parameters:
    """Read the weights of a model, without the head of a job.

    Raises
    ------
    InputError
        If a weight is not finite.
    ArtifactError
        If the file is not what a manifest of ours beside it says.
    """
    return load_checkpoint(source.folder, "none").parameters
