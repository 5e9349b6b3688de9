"""What a build would give and take, from running it on a sample of the corpus."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from tokpipe.corpus.reader import PIECE_BYTES, Corpus, Piece
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.threads import map_ordered
from tokpipe.shards.config import BuildConfig
from tokpipe.shards.engine import documents_of, loaded_pieces
from tokpipe.shards.making import COPIES, Recipe, jobs_of, make

_PIECES = 12  # of the sample: 48 MiB of text, half a second
_PROGRAM = 300 << 20  # bytes of memory that interpreter, libraries and kernels take
_BLOCKS = 4  # blocks of text, and what is made of them, that a thread has at a time
_START_SECONDS = 0.7  # imports and kernels from their cache; the sample is timed without them


@dataclass(frozen=True)
class Estimate:
    """Expected figures of a whole build."""

    tally: Counter[str]  # as in `BuildReport`, both splits together
    # `file_bytes`, `memory`: on disk, and at most in memory
    file_bytes: int
    memory: int
    seconds: float  # with kernels that are compiled already


def estimate_build(corpus: Corpus, recipe: Recipe, config: BuildConfig, threads: int) -> Estimate:
    """Make the examples of a sample, and write none.

    Of plain files, pieces are taken evenly from the whole corpus; of compressed ones, from the
    start, since they cannot be entered elsewhere.

    Raises
    ------
    ConfigError
        If the corpus can be read only once.
    InputError
        If all of it was tried, and gives no example.
    """
    if any(file.is_stream for file in corpus.files):
        raise ConfigError("no plan for a stream: it can be read only once", hint="Give a file.")
    _run(corpus, recipe, config, 1, islice(_sample(corpus), 1))  # compiles and loads the kernels
    start = time.perf_counter()
    tally, size, stored = _run(corpus, recipe, config, threads, _sample(corpus))
    seconds = time.perf_counter() - start
    if not tally["examples"] and stored >= corpus.stored_bytes:
        raise InputError(f"{corpus.files[0].name}: no examples in the input", hint="Is it blank?")
    share = stored / max(corpus.stored_bytes, stored, 1)
    block = config.shards.block_bytes * min(config.masks.copies, COPIES)
    return Estimate(
        Counter({what: round(count / share) for what, count in tally.items()}),
        int(size / share),
        _PROGRAM + _BLOCKS * threads * block,
        _START_SECONDS + seconds / share,
    )


def _run(
    corpus: Corpus, recipe: Recipe, config: BuildConfig, threads: int, pieces: Iterable[Piece]
) -> tuple[Counter[str], int, int]:
    """Return the tally, the bytes of the batches, and the stored bytes of the pieces."""
    tally, size, stored = Counter(), 0, []
    loaded = loaded_pieces(pieces, threads, stored.append)
    jobs = (
        job
        for block in documents_of(config).blocks(loaded)
        for job in jobs_of(block, config.masks.copies)
    )
    for result in map_ordered(partial(make, recipe=recipe), jobs, threads):
        tally.update(result.tally)
        size += sum(batch.nbytes for batch in result.batches)
    return tally, size, sum(stored)


def _sample(corpus: Corpus) -> Iterator[Piece]:
    """Yield some pieces: all of a small corpus."""
    packed = any(file.codec for file in corpus.files)
    step = 1 if packed else max(1, corpus.stored_bytes // (_PIECES * PIECE_BYTES))
    return islice(corpus.pieces(), 0, _PIECES * step, step)
