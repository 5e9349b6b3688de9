"""What a model reads of labelled data: windows of its rows end to end, and what is asked of each.

A row (a text, a sentence, a question) becomes one window, or several where it is longer than the
model takes. Windows of a row stand together, in the order of the row.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import gather_ranges, range_items
from tokpipe.foundation.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class ContextWindows:
    """Which tokens of the paragraphs stand in each of E windows of questions."""

    places: NDArray[np.int64]  # int64[E]: where in a window the paragraph's tokens begin
    # `first`, `last`: int64[E]: which they are, of the K tokens of all paragraphs: from `first` up
    # to `last`
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    spans: NDArray[np.int32]  # int32[K, 2]: the bytes of its paragraph that a token stands for
    # bool[E]: windows that were put around a right answer, longer than windows overlap: to learn
    # from, and left out where answers are looked for
    placed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Examples:
    """E windows of R rows."""

    input_ids: NDArray[np.int32]  # int32[T]: tokens, special ones included
    offsets: NDArray[np.int64]  # int64[E + 1]: borders of the windows
    token_type_ids: NDArray[np.uint8] | None  # uint8[T]: segments; None: all 0
    row: NDArray[np.int64]  # int64[E]: row of each window, ascending
    rows: int  # how many there are; one without a token to ask about may have no window
    # int32[E], float32[E], float32[E, C]: of texts, as in `tokpipe.foundation.batch.Batch`
    labels: NDArray | None = None
    # int64[N]: of words: first pieces, as indices into the T tokens, ascending
    tag_positions: NDArray[np.int64] | None = None
    tags: NDArray[np.int32] | None = None  # int32[N]: of those; -1: the word has none
    word: NDArray[np.int64] | None = None  # int64[N]: which word of the data each is
    # int64[N]: how many tokens stand between it and the nearer end of its window
    context: NDArray[np.int64] | None = None
    # int32[E, 2]: of questions: first and last token of the answer, counted in the window; 0, 0
    # where the window does not hold it
    answer_spans: NDArray[np.int32] | None = None
    paragraphs: ContextWindows | None = None  # of questions
    windowed: int = 0  # rows that became more than one window
    cut: int = 0  # rows of which something is not read
    lost: int = 0  # right answers that no window holds: longer than a window, or without a token

    def __len__(self) -> int:
        """Return how many windows there are."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Tokens of each window, int32[E]."""
        return np.diff(self.offsets).astype(np.int32)

    @property
    def tag_borders(self) -> NDArray[np.int64]:
        """Which of the N positions belong to each window, int64[E + 1]."""
        assert self.tag_positions is not None
        return np.searchsorted(self.tag_positions, self.offsets)

    @property
    def logit_count(self) -> int:
        """How many lines of logits a model gives for all: one a window, position or token."""
        if self.tag_positions is not None:
            return len(self.tag_positions)
        return len(self) if self.paragraphs is None else len(self.input_ids)

    def logit_places(self, windows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return which of the lines of logits of all windows those of some windows are.

        Batches hold windows in another order: ``logits[examples.logit_places(windows)] = found``.
        """
        if self.tag_positions is not None:
            ends = np.stack([self.offsets[windows], self.offsets[windows + 1]])
            first, last = np.searchsorted(self.tag_positions, ends)
            return range_items(first, last - first)
        if self.paragraphs is not None:
            return gather_ranges(self.offsets, windows)[0]
        return np.asarray(windows, np.int64)

    def fitted(self, vocab_size: int, type_vocab_size: int) -> Self:
        """Return what a model of that many tokens and segments reads of it.

        Raises
        ------
        InputError
            If it does not know a token.
        """
        greatest = int(self.input_ids.max(initial=0))
        if greatest >= vocab_size:
            raise InputError(
                f"the tokenizer gives the id {greatest:,}, the model knows {vocab_size:,} tokens",
                hint="Use the tokenizer that the model was trained with.",
            )
        return replace(self, token_type_ids=None) if type_vocab_size < 2 else self
