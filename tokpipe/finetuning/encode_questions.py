"""Questions about paragraphs to windows: the question, and as much of the paragraph as fits."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_offsets import LocatedTokens, encode_located
from tokpipe.finetuning.encode_template import Column, pack, pieces_of
from tokpipe.finetuning.examples import ContextWindows, Examples
from tokpipe.finetuning.windows import Windows, grid, room_beside, several
from tokpipe.foundation.arrays import range_items
from tokpipe.labelled.records import Questions
from tokpipe.tokenizer.blocks import join_ids
from tokpipe.tokenizer.tokenizer import Tokenizer

_MOST_ASKED = 64  # tokens of a question, as in BERT's own script; but never more than half
_NONE = np.iinfo(np.int64).max  # a window that holds no answer


class _Targets(NamedTuple):
    """Right answers, as tokens.

    Attributes
    ----------
    question : int64[A]
    first, last : int64[A]
        Of the K tokens of all paragraphs; `last` is before `first` where there is none.
    """

    question: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def encode_questions(
    data: Questions,
    tokenizer: Tokenizer,
    config: WindowConfig,
    longest: int | None,
    threads: int | None = None,
) -> Examples:
    """Encode questions, each in front of every window of its paragraph.

    A window's target is the first right answer that it holds whole. An answer that lies across all
    borders of windows, being longer than what they share, gets a window of its own to learn from.

    Parameters
    ----------
    data
        R questions.
    tokenizer, config, longest, threads
        As in `encode_texts`.

    Raises
    ------
    ConfigError
        If the settings leave no room for text.
    """
    pieces = pieces_of(tokenizer.spec.template, 2)
    room = room_beside(pieces, config, longest, least=2)
    ids, asked = join_ids(tokenizer.encode_strings(data.questions, threads=threads))
    contexts = encode_located(tokenizer, data.contexts, threads)
    sizes = np.minimum(np.diff(asked), most_asked(room))
    rooms, base = room - sizes, contexts.borders[data.context_of]
    lengths = contexts.borders[data.context_of + 1] - base
    targets = _targets(data, contexts)

    windows = grid(lengths, rooms, config.stride)
    windowed = several(windows.row)
    windows = windows._replace(starts=windows.starts + base[windows.row],
                               ends=windows.ends + base[windows.row])  # fmt: skip
    chosen, is_held = _held(windows, targets)
    fits = (targets.last >= targets.first) & (
        targets.last - targets.first < rooms[targets.question]
    )
    apart = np.flatnonzero(fits & ~is_held)
    windows, chosen, placed = _with_placed(windows, chosen, apart, targets, (base, lengths, rooms))

    row = windows.row
    question = Column(ids, asked[:-1][row], asked[:-1][row] + sizes[row])
    packed = pack((question, Column(contexts.ids, windows.starts, windows.ends)), pieces)
    paragraphs = ContextWindows(
        packed.places[1], windows.starts, windows.ends, contexts.spans, placed
    )
    return Examples(
        input_ids=packed.input_ids,
        offsets=packed.offsets,
        token_type_ids=packed.token_type_ids,
        row=row,
        rows=len(data),
        answer_spans=_spans(chosen, targets, windows.starts - packed.places[1]),
        paragraphs=paragraphs,
        windowed=windowed,
        cut=int((np.diff(asked) > sizes).sum()),
        lost=int((~fits).sum()),
    )


def most_asked(room: int) -> int:
    """Return how many tokens of a question are read, of windows with room for so many of text."""
    return min(_MOST_ASKED, room // 2)


def _targets(data: Questions, contexts: LocatedTokens) -> _Targets:
    """Find the tokens that answers touch, by bytes counted through all paragraphs."""
    question = np.repeat(np.arange(len(data)), np.diff(data.answer_borders))
    offsets = data.contexts.offsets - data.contexts.offsets[0]
    base = np.repeat(offsets[:-1], np.diff(contexts.borders))
    starts, ends = contexts.spans.T + base
    # marks that normalisation moves may be out of order
    starts = np.minimum.accumulate(starts[::-1])[::-1]
    ends = np.maximum.accumulate(ends)
    begin = offsets[data.context_of[question]] + data.answer_starts
    end = begin + np.diff(data.answers.offsets)
    first = np.searchsorted(ends, begin, side="right")
    return _Targets(question, first, np.searchsorted(starts, end, side="left") - 1)


def _held(windows: Windows, targets: _Targets) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the first answer that each window holds whole, and whether each is in a window."""
    borders = np.searchsorted(windows.row, [targets.question, targets.question + 1])
    counts = borders[1] - borders[0]
    window = range_items(borders[0], counts)
    answer = np.repeat(np.arange(len(targets.question)), counts)
    first, last = targets.first[answer], targets.last[answer]
    holds = (windows.starts[window] <= first) & (first <= last) & (last < windows.ends[window])
    chosen = np.full(len(windows.row), _NONE)
    np.minimum.at(chosen, window[holds], answer[holds])
    is_held = np.zeros(len(targets.question), bool)
    is_held[answer[holds]] = True
    return chosen, is_held


def _with_placed(
    windows: Windows,
    chosen: NDArray[np.int64],
    apart: NDArray[np.int64],
    targets: _Targets,
    shapes: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> tuple[Windows, NDArray[np.int64], NDArray[np.bool_]]:
    """Put windows around the answers `apart`, which are in the middle of them where they can be.

    `shapes` are, of each question: the first token of its paragraph, how many it has, and how many
    a window holds.
    """
    row = targets.question[apart]
    base, lengths, rooms = (shape[row] for shape in shapes)
    middle = (targets.first[apart] + targets.last[apart] + 1) // 2 - base
    starts = base + np.clip(middle - rooms // 2, 0, np.maximum(lengths - rooms, 0))
    own = Windows(row, starts, np.minimum(starts + rooms, base + lengths))
    order = np.argsort(np.concatenate([windows.row, row]), kind="stable")
    placed = np.arange(len(order)) >= len(windows.row)
    joined = Windows(*(np.concatenate(each)[order] for each in zip(windows, own, strict=True)))
    return joined, np.concatenate([chosen, apart])[order], placed[order]


def _spans(
    chosen: NDArray[np.int64], targets: _Targets, shift: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Return the targets in tokens of their windows; [CLS], the first, where there is none."""
    spans = np.zeros((len(chosen), 2), np.int32)
    holds = chosen != _NONE
    for side, tokens in enumerate((targets.first, targets.last)):
        spans[holds, side] = tokens[chosen[holds]] - shift[holds]
    return spans
