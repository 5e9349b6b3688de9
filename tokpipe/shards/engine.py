"""Engines: what does the work of a build. The one that is always there is threads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.reader import Corpus, Piece
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.sizes import plural
from tokpipe.foundation.threads import map_ordered
from tokpipe.shards.config import SPLITS, BuildConfig, ShardConfig
from tokpipe.shards.documents import Documents
from tokpipe.shards.making import Job, JobResult, Recipe, jobs_of, make
from tokpipe.shards.split_files import FileLayout, SplitFiles


@dataclass(frozen=True)
class BuildTask:
    """A build whose arguments are checked and whose folder is there, for an engine to do.

    Attributes
    ----------
    folder : Path
        The working folder; or, of one that is built for a store, its place there.
    corpus : Corpus
    recipe : Recipe
    config : BuildConfig
    tokenizer : Path
        Where the vocabulary was read from, and `tokenizer_sha256` of it.
    piece_bytes : int
        How the corpus is cut.
    progress : Progress
    """

    folder: Path
    corpus: Corpus
    recipe: Recipe
    config: BuildConfig
    tokenizer: Path
    tokenizer_sha256: str
    piece_bytes: int
    progress: Progress

    def layout(self, sizes: Callable[[], Sequence[int]]) -> FileLayout:
        """Return where files end; for a number of them, `sizes` tells the text of each block.

        Of training blocks, in their order.
        """
        shards, text = self.config.shards, None
        if shards.num_shards:
            text = _text_of_shard(sizes(), shards)
        return FileLayout(self.recipe.columns, shards.compression, shards.shard_bytes, text)


class Engine(Protocol):
    """What does the work of a build; the bytes of the shards do not depend on which."""

    def digest(self, corpus: Corpus) -> dict[str, str]:
        """Return what `Corpus.digest` does, or refuse the corpus."""
        ...

    def build(self, task: BuildTask) -> tuple[SplitFiles, ...]:
        """Write the shards that are not there yet, and return each split's."""
        ...


def documents_of(config: BuildConfig, *starts: Any) -> Documents:
    """Return what cuts the corpus into blocks, from the start or from where each split goes on."""
    shards = config.shards
    return Documents(shards.block_bytes, shards.validation_fraction, config.seed, *starts)


def loaded_pieces(
    pieces: Iterable[Piece], threads: int, advance: Callable[[int], None] | None = None
) -> Iterator[tuple[int, TextBatch]]:
    """Load pieces in threads; yield index and content in their order."""

    def load(piece: Piece) -> tuple[Piece, TextBatch]:
        return piece, piece.load()

    for piece, batch in map_ordered(load, pieces, threads):
        yield piece.index, batch
        if advance:
            advance(piece.stored_bytes)


@dataclass(frozen=True)
class InThreads:
    """The engine that is always there: threads of this process."""

    threads: int

    def digest(self, corpus: Corpus) -> dict[str, str]:
        """Return what `Corpus.digest` does."""
        return corpus.digest(self.threads)

    def build(self, task: BuildTask) -> tuple[SplitFiles, ...]:
        """Write the shards that are not there yet, and return each split's."""
        with ExitStack() as stack:
            layout = task.layout(lambda: self._sizes(task))
            splits = tuple(SplitFiles(task.folder, name, layout) for name in SPLITS)
            for split in splits:
                stack.callback(split.abandon)
            self._write(task, splits)
            for split in splits:
                split.close()
        return splits

    def _sizes(self, task: BuildTask) -> list[int]:
        documents = documents_of(task.config)
        blocks = documents.blocks(loaded_pieces(task.corpus.pieces(), self.threads))
        return [block.texts.nbytes for block in blocks if block.split == 0]

    def _write(self, task: BuildTask, splits: tuple[SplitFiles, ...]) -> None:
        nexts, corpus = [split.next for split in splits], task.corpus
        if all(after is None for after in nexts):
            return
        documents = documents_of(task.config, tuple(after and after[0] for after in nexts))
        pieces = corpus.pieces(task.piece_bytes, start=documents.first_piece)
        with task.progress.task("building shards", corpus.stored_bytes or None, "B") as advance:
            blocks = documents.blocks(loaded_pieces(pieces, self.threads, advance))
            copies = task.config.masks.copies
            jobs = _jobs(blocks, copies, [after and after[1] for after in nexts])
            result: JobResult
            for result in map_ordered(partial(make, recipe=task.recipe), jobs, self.threads):
                splits[result.job.block.split].write(result)


def _jobs(blocks: Iterable[Any], copies: int, firsts: list[int | None]) -> Iterator[Job]:
    for block in blocks:
        yield from jobs_of(block, copies, firsts[block.split] or 0)
        firsts[block.split] = 0


def _text_of_shard(sizes: Sequence[int], shards: ShardConfig) -> float:
    """Return how much text each of a number of shards has; `sizes` are those of the blocks."""
    wanted = shards.num_shards or 1
    if len(sizes) < wanted:
        raise ConfigError(
            f"num_shards={wanted}, but the training text has {plural(len(sizes), 'block')} of "
            f"block_bytes={shards.block_bytes}, and a file holds at least one",
            hint="Ask for fewer shards, or for smaller blocks.",
        )
    return sum(sizes) / wanted
