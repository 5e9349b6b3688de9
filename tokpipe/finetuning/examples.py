"""What a model reads of labelled data: windows of its rows end to end, and what is asked of each.

A row (a text, a sentence, a question) becomes one window, or several where it is longer than the
model takes. Windows of a row stand together, in the order of the row.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.windows import range_items
from tokpipe.foundation.arrays import gather_ranges
from tokpipe.foundation.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class ContextWindows:
    """Which tokens of the paragraphs stand in each of E windows of questions.

    Attributes
    ----------
    places : int64[E]
        Where in a window the paragraph's tokens begin.
    first, last : int64[E]
        Which they are, of the K tokens of all paragraphs: from `first` up to `last`.
    spans : int32[K, 2]
        The bytes of its paragraph that a token stands for.
    placed : bool[E]
        Windows that were put around a right answer, longer than windows overlap: to learn from,
        and left out where answers are looked for.
    """

    places: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    spans: NDArray[np.int32]
    placed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Examples:
    """E windows of R rows.

    Attributes
    ----------
    input_ids : int32[T]
        Tokens, special ones included.
    offsets : int64[E + 1]
        Borders of the windows.
    token_type_ids : uint8[T] or None
        Segments; None: all 0.
    row : int64[E]
        Row of each window, ascending.
    rows : int
        How many there are; one without a token to ask about may have no window.
    labels : int32[E], float32[E], float32[E, C] or None
        Of texts, as in `tokpipe.foundation.batch.Batch`.
    tag_positions : int64[N] or None
        Of words: first pieces, as indices into the T tokens, ascending.
    tags : int32[N] or None
        Of those; -1: the word has none.
    word : int64[N] or None
        Which word of the data each is.
    context : int64[N] or None
        How many tokens stand between it and the nearer end of its window.
    answer_spans : int32[E, 2] or None
        Of questions: first and last token of the answer, counted in the window; 0, 0 where the
        window does not hold it.
    paragraphs : ContextWindows or None
        Of questions.
    windowed : int
        Rows that became more than one window.
    cut : int
        Rows of which something is not read.
    lost : int
        Right answers that no window holds: longer than a window, or without a token.
    """

    input_ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    token_type_ids: NDArray[np.uint8] | None
    row: NDArray[np.int64]
    rows: int
    labels: NDArray | None = None
    tag_positions: NDArray[np.int64] | None = None
    tags: NDArray[np.int32] | None = None
    word: NDArray[np.int64] | None = None
    context: NDArray[np.int64] | None = None
    answer_spans: NDArray[np.int32] | None = None
    paragraphs: ContextWindows | None = None
    windowed: int = 0
    cut: int = 0
    lost: int = 0

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
