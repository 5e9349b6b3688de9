"""Texts to sequences of ids for a model, and sequences to batches without padding.

Sequences of about one length go into one batch, so that threads get parts of like work; how they
are put together depends on their lengths alone, so results do not depend on threads.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity
from tokpipe.bert.model import Model
from tokpipe.bert.workspace import Workspace
from tokpipe.bert.workspaces import Workspaces
from tokpipe.foundation.arrays import Strings, gather_ranges
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.threads import Feed, run_in_threads, thread_count
from tokpipe.tokenizer.blocks import join_ids
from tokpipe.tokenizer.rows import Finish, finished, finished_pairs
from tokpipe.tokenizer.spec import Truncation
from tokpipe.tokenizer.texts import Inputs, strings_of
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.truncation import NO_LIMIT, truncation_for
from tokpipe.training.ranks import ALONE, Ranks

WITHOUT_ROWS = "Tokens were added to the tokenizer alone: pretrain --from makes rows for them."
BATCH_TOKENS = 2048  # of a batch: its hidden states stay in the second-level cache


class Sequences(NamedTuple):
    """Sequences end to end, special tokens included."""

    input_ids: NDArray[np.int32]  # int32[T]: tokens
    offsets: NDArray[np.int64]  # int64[B + 1]: borders of the sequences
    token_type_ids: NDArray[np.uint8] | None = None  # uint8[T]: segments, where there are two
    cut: int = 0  # how many texts were longer than the model allows, or than was asked for

    @property
    def rows(self) -> int:
        """How many sequences there are, B."""
        return len(self.offsets) - 1


class Masked(NamedTuple):
    """Sequences and the places in them that the MLM head is asked about."""

    places: NDArray[np.int64]  # int64[M]: indices into the T tokens, ascending
    borders: NDArray[np.int64]  # int64[B + 1]: which of them belong to each sequence

    @classmethod
    def where(cls, sequences: Sequences, id: int) -> Self:
        """Find the places of a token."""
        places = np.flatnonzero(sequences.input_ids == id)
        return cls(places, np.searchsorted(places, sequences.offsets))


Work = Callable[[NDArray[np.int64], Batch, Workspace], None]


def encode_texts(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    config: BertConfig,
    max_length: int | None = None,
    threads: int | None = None,
) -> Sequences:
    """Encode texts with special tokens around each, the longest cut.

    Parameters
    ----------
    max_length
        Most tokens, if fewer than the model allows.

    Raises
    ------
    InputError
        If a text is none or holds a lone surrogate, or the tokenizer makes no token of it.
    """
    cut, most = _truncation(tokenizer, config, max_length, pairs=False)
    strings = Strings.from_list(Inputs(strings_of(texts)).utf8()[0])
    parts = tokenizer.encode_strings(strings, threads=threads)
    longer = sum(int((np.diff(borders) > most).sum()) for _, borders in parts)
    finish = Finish(tokenizer.spec.template, True, cut)
    ids, offsets = join_ids([finished(*part, finish) for part in parts])
    _check(ids, offsets, config, tokenizer)
    return Sequences(ids, offsets, None, longer)


def encode_pairs(
    tokenizer: Tokenizer,
    pairs: Sequence[tuple[str, str]],
    config: BertConfig,
    threads: int | None = None,
) -> Sequences:
    """Encode pairs of texts, the longer one cut first.

    Raises
    ------
    InputError
        If a text is none or holds a lone surrogate.
    """
    cut, most = _truncation(tokenizer, config, None, pairs=True)
    firsts, seconds = ([pair[side] for pair in pairs] for side in (0, 1))
    inputs = Inputs(strings_of(firsts), strings_of(seconds, "pair"))
    strings = Strings.from_list(inputs.utf8()[0])
    found, borders = join_ids(tokenizer.encode_strings(strings, threads=threads))
    longer = int((np.diff(borders[::2]) > most).sum())
    finish = Finish(tokenizer.spec.template, True, cut)
    ids, offsets, kinds = finished_pairs(found, borders, finish)
    _check(ids, offsets, config, tokenizer)
    return Sequences(ids, offsets, kinds if config.type_vocab_size > 1 else None, longer)


def run_batches(  # noqa: PLR0913 - who works, behind what is asked
    model: Model,
    sequences: Sequences,
    work: Work,
    *,
    masked: Masked | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> None:
    """Give every batch of some sequences to `work`, over threads; of several ranks each its share.

    Parameters
    ----------
    work
        Called with the numbers of the sequences (int64[b]), the batch of them, and a workspace
        that no other thread uses; from several threads at once.
    masked
        Places that go along as `masked_positions`.
    """
    batches = batches_of(sequences, ranks.rank, ranks.size)
    workers = max(1, min(thread_count(threads), len(batches)))
    workspaces = Workspaces(model, _largest(batches, sequences, masked), workers, training=False)
    with progress.task("computing", sequences.rows, "texts") as advance:

        def run(feed: Feed[NDArray[np.int64]]) -> None:
            for rows in feed:
                batch = pack(sequences, rows, masked)
                with workspaces.lend(batch) as workspace:
                    work(rows, batch, workspace)
                advance(len(rows))

        run_in_threads(run, batches, workers)


def batches_of(sequences: Sequences, rank: int, ranks: int) -> list[NDArray[np.int64]]:
    """Return the numbers of the sequences in each batch that a rank works on."""
    return list(batches_by_length(np.diff(sequences.offsets)))[rank::ranks]


def batches_by_length(
    lengths: NDArray[np.int64], batch_tokens: int = BATCH_TOKENS
) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of sequences that make a batch, longest first.

    Examples
    --------
    >>> [rows.tolist() for rows in batches_by_length(np.array([2, 9, 3, 2]), 5)]
    [[1], [2, 0], [3]]
    """
    order = np.argsort(-lengths, kind="stable")
    sums = np.cumsum(lengths[order])
    start, before = 0, 0
    while start < len(order):
        end = int(np.searchsorted(sums, before + batch_tokens, side="right"))
        end = max(end, start + 1)
        yield order[start:end]
        start, before = end, int(sums[end - 1])


def pack(sequences: Sequences, rows: NDArray[np.int64], masked: Masked | None = None) -> Batch:
    """Copy some sequences into a batch."""
    index, offsets = gather_ranges(sequences.offsets, rows)
    kinds = sequences.token_type_ids
    positions = None
    if masked is not None:
        found, borders = gather_ranges(masked.borders, rows)
        shift = offsets[:-1] - sequences.offsets[rows]
        moved = masked.places[found] + np.repeat(shift, np.diff(borders))
        positions = moved.astype(np.int32)
    return Batch(
        input_ids=sequences.input_ids[index],
        offsets=offsets.astype(np.int32),
        token_type_ids=None if kinds is None else kinds[index].astype(np.int32),
        masked_positions=positions,
    )


def _largest(
    batches: list[NDArray[np.int64]], sequences: Sequences, masked: Masked | None
) -> Capacity:
    lengths = np.diff(sequences.offsets)
    tokens = max((int(lengths[rows].sum()) for rows in batches), default=1)
    most_rows = max(map(len, batches), default=1)
    if masked is None:
        return Capacity(tokens, most_rows, 0)
    masks = np.diff(masked.borders)
    return Capacity(tokens, most_rows, max((int(masks[rows].sum()) for rows in batches), default=0))


def _truncation(
    tokenizer: Tokenizer, config: BertConfig, max_length: int | None, *, pairs: bool
) -> tuple[Truncation | None, int]:
    """Return how texts are cut, and how many tokens of a text, or of two, are not.

    They are cut to what the model takes or was asked for, if either says a length.
    """
    added = tokenizer.spec.template.added(pairs)
    limits = [limit for limit in (config.longest, max_length) if limit is not None]
    if not limits:
        return None, NO_LIMIT
    if min(limits) <= added:
        raise ConfigError(f"max_length={min(limits)} leaves no room beside {added} special tokens")
    cut = truncation_for(tokenizer.spec.truncation, min(limits), "longest_first", None)
    return cut, min(limits) - added


def _check(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], config: BertConfig, tokenizer: Tokenizer
) -> None:
    empty = np.flatnonzero(np.diff(offsets) == 0)
    if len(empty):
        raise InputError(
            f"text {int(empty[0]) + 1} is empty", hint="This tokenizer puts no special tokens."
        )
    if len(ids) and int(ids.max()) >= config.vocab_size:
        raise InputError(
            f"the tokenizer gives the id {int(ids.max()):,}, the model knows "
            f"{config.vocab_size:,} of {tokenizer.vocab_size:,}",
            hint=WITHOUT_ROWS,
        )
