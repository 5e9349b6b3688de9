"""What comes of word counts: a vocabulary, its tokenizers, how good they are, and their folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.threads import in_background
from tokpipe.tokenizer.folder import KIND, folder_files, write_files
from tokpipe.tokenizer.from_vocabulary import spec_from_vocabulary
from tokpipe.tokenizer.quality import Quality, measure
from tokpipe.tokenizer.spec import AddedToken, ModelKind, Spec
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.train import train
from tokpipe.vocab.vocabulary import Vocabulary
from tokpipe.words.counts import WordCounts

SEVERAL = "tokenizers"  # kind of the manifest over folders of several sizes


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """One vocabulary of a run, with what is known of it."""

    size: int  # as asked; the vocabulary may be smaller
    vocabulary: Vocabulary
    tokenizer: Tokenizer
    quality: Quality
    text_bytes: int  # that it was trained on


def train_sizes(
    counts: WordCounts,
    config: VocabConfig,
    progress: Progress = SILENT,
    threads: int | None = None,
) -> list[Trained]:
    """Train once and cut the vocabulary to each size asked, ascending: the merges are nested."""
    return _measured(_cut(train(counts, config, progress), counts), config, counts, threads)


def train_into(
    folder: Path,
    counts: WordCounts,
    config: VocabConfig,
    progress: Progress = SILENT,
    threads: int | None = None,
    *,
    spares_memory: bool = False,
) -> list[Trained]:
    """Do what `train_sizes` does, and write the tokenizers into a folder that nobody reads yet."""
    # merging leaves a processor free, and kernels that measure leave Python free
    inputs_digest = in_background(counts.digest)
    if not spares_memory:
        in_background(partial(_load_kernels, counts, config.model))
    cut = _cut(train(counts, config, progress), counts)
    files = in_background(lambda: [folder_files(tokenizer.spec) for _, tokenizer in cut])
    trained = _measured(cut, config, counts, threads)
    _write(folder, trained, files(), counts, inputs_digest())
    return trained


def _load_kernels(like: WordCounts, model: str) -> None:
    """Measure a vocabulary of one letter, so that what measuring needs is there when it is asked.

    That takes 0.08 s, of the 1.1 s in which 100 MB become a vocabulary.
    """
    tokens, no_merges = ["a", "[MASK]"], np.zeros((0, 3), np.int32)
    added = (AddedToken(1, "[MASK]"),)
    spec = Spec(ModelKind(model), tokens, no_merges, like.config, added_tokens=added)
    counts = WordCounts(words=Strings.from_list(["a"]), counts=np.ones(1, np.int64))
    measure(Tokenizer(spec), counts, 1)


def _cut(largest: Vocabulary, counts: WordCounts) -> list[tuple[Vocabulary, Tokenizer]]:
    prefixes = [largest.prefix(size) for size in largest.config.sizes]
    return [(part, Tokenizer(spec_from_vocabulary(part, counts.config))) for part in prefixes]


def _measured(
    cut: list[tuple[Vocabulary, Tokenizer]],
    config: VocabConfig,
    counts: WordCounts,
    threads: int | None,
) -> list[Trained]:
    return [
        Trained(size, *one, measure(one[1], counts, threads), counts.facts.get("bytes", 0))
        for size, one in zip(config.sizes, cut, strict=True)
    ]


def _write(
    folder: Path,
    trained: list[Trained],
    files: list[dict[str, bytes]],
    counts: WordCounts,
    inputs: Mapping[str, str],
) -> None:
    """Write one tokenizer folder, or one for each size."""
    if len(trained) == 1:
        write_files(files[0], folder, _manifest(trained[0], counts, inputs))
        return
    names = []
    for one, content in zip(trained, files, strict=True):
        inner = folder / str(one.size)
        inner.mkdir(exist_ok=True)
        write_files(content, inner, _manifest(one, counts, inputs))
        names += [f"{one.size}/{path.name}" for path in inner.iterdir()]
    Manifest(
        kind=SEVERAL, inputs=inputs, facts={str(one.size): one.quality.to_dict() for one in trained}
    ).write(folder, names)


def _manifest(trained: Trained, counts: WordCounts, inputs: Mapping[str, str]) -> Manifest:
    vocabulary = trained.vocabulary
    settings = {
        "vocab": vocabulary.config.to_dict(),
        "words": counts.config.to_dict(),
        **counts.settings,
    }
    facts = {
        **dict(sorted(counts.facts.items())),  # their order is that of the threads
        "unique words": len(counts),
        "tokens": len(vocabulary),
        "merges": len(vocabulary.merges),
        "quality": trained.quality.to_dict(),
    }
    return Manifest(kind=KIND, settings=settings, inputs=inputs, facts=facts)
