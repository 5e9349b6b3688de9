"""Parts of labelled data: some rows, a part held out, and parts that grow.

Which rows a draw takes depends on the seed and the data's own order alone, and is the same on every
machine: counter-based numbers (`tokpipe.foundation.seeds`), no generator with a state.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import gather_ranges, take_strings
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.seeds import random_order, stream_key
from tokpipe.foundation.sizes import plural
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords

Kind = TypeVar("Kind", LabelledTexts, TaggedWords, Questions)


def take_rows(data: Kind, rows: NDArray[np.integer]) -> Kind:
    """Copy some texts, sentences or questions, in the order asked for.

    Parameters
    ----------
    data
        Of N rows.
    rows : int[R]
        Which of them.
    """
    rows = np.asarray(rows, np.int64)
    if isinstance(data, LabelledTexts):
        return _take_texts(data, rows)
    return (
        _take_sentences(data, rows)
        if isinstance(data, TaggedWords)
        else _take_questions(data, rows)
    )


def hold_out(data: Kind, fraction: float, seed: int) -> tuple[Kind, Kind]:
    """Part data in two: what is left to train on, and a share to choose by.

    Texts with one class each are drawn class by class, so that both parts have the classes in the
    same shares, as near as whole rows allow, and the first has a row of each. Questions are drawn
    with all others on their paragraph, as near to the share as paragraphs allow: a paragraph in
    both parts would give answers away. All else is drawn from all rows. Both parts keep the order
    of the file.

    Parameters
    ----------
    data
        Of N rows.
    fraction
        Of the rows that are held out, above 0 and below 1; at least one row on either side.
    seed
        Other seeds hold out other rows.

    Raises
    ------
    InputError
        If there are less than two rows, or one alone of each class.
    """
    order = _drawn(data, stream_key(seed, "hold out"))
    stay = 1
    if isinstance(data, LabelledTexts) and data.labels.dtype == np.int32:
        order, stay = _one_of_each_last(order, data.labels)
    if len(data) <= stay:
        needed = f"of its {stay} labels one must have two" if stay > 1 else "two are needed"
        problem = f"{data.source}: {plural(len(data), 'row')}; to hold a part out, {needed}"
        raise InputError(problem, hint="Pass a validation file, or more data.")
    count = min(max(round(fraction * len(data)), 1), len(data) - stay)
    if isinstance(data, Questions):
        count = _nearest_border(data.context_of[order], count)
    kept = np.ones(len(data), np.bool_)
    kept[order[:count]] = False
    return take_rows(data, np.flatnonzero(kept)), take_rows(data, np.flatnonzero(~kept))


def growing(data: Kind, counts: Sequence[int | None], seed: int) -> list[Kind]:
    """Return parts of growing size, each within the next: for a learning curve.

    Texts with one class each have the classes in the shares of the whole, and questions come
    paragraph by paragraph, as in `hold_out`.

    Parameters
    ----------
    data
        Of N rows.
    counts
        How many rows each part has, ascending; None (or more than N): all of them, which is one
        part, however often it is asked for.
    seed
        Other seeds take other rows.
    """
    order = _drawn(data, stream_key(seed, "growing parts"))
    sizes = dict.fromkeys(len(data) if n is None else min(n, len(data)) for n in counts)
    return [data if size == len(data) else take_rows(data, np.sort(order[:size])) for size in sizes]


def _drawn(data: Labelled, key: int) -> NDArray[np.int64]:
    """Return all rows in an order whose every start has the classes in their shares.

    Of questions those on the same paragraph stay together.
    """
    if isinstance(data, Questions):
        place = np.empty(len(data.contexts), np.int64)
        place[random_order(key, len(data.contexts))] = np.arange(len(data.contexts))
        return np.argsort(place[data.context_of], kind="stable")
    order = random_order(key, len(data))
    if not isinstance(data, LabelledTexts) or data.labels.dtype != np.int32:
        return order
    labels = data.labels[order]
    by_class = np.argsort(labels, kind="stable")
    counts = np.unique(labels, return_counts=True)[1]
    within = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    # row i of a class of n stands at (i + 1/2) / n of the way; ties stay in the drawn order
    share = np.empty(len(order))
    share[by_class] = (within + 0.5) / np.repeat(counts, counts)
    return order[np.argsort(share, kind="stable")]


def _one_of_each_last(
    order: NDArray[np.int64], labels: NDArray[np.int32]
) -> tuple[NDArray[np.int64], int]:
    """Put the last row of each class behind all others; return how many these are, too."""
    ends = np.unique(labels[order[::-1]], return_index=True)[1]
    is_last = np.zeros(len(order), np.bool_)
    is_last[len(order) - 1 - ends] = True
    return np.concatenate([order[~is_last], order[is_last]]), len(ends)


def _nearest_border(contexts: NDArray[np.int64], count: int) -> int:
    """Return where a paragraph ends, as near to `count` questions as can be."""
    borders = np.flatnonzero(np.diff(contexts)) + 1
    return int(borders[np.abs(borders - count).argmin()]) if len(borders) else count


def _take_texts(data: LabelledTexts, rows: NDArray[np.int64]) -> LabelledTexts:
    return replace(
        data,
        texts=tuple(take_strings(column, rows) for column in data.texts),
        labels=data.labels[rows],
        lines=data.lines[rows],
        ids=None if data.ids is None else take_strings(data.ids, rows),
    )


def _take_sentences(data: TaggedWords, rows: NDArray[np.int64]) -> TaggedWords:
    words, borders = gather_ranges(data.borders, rows)
    return replace(
        data,
        words=take_strings(data.words, words),
        borders=borders,
        tags=data.tags[words],
        lines=data.lines[words],
        wrong=None if data.wrong is None else data.wrong[words],
    )


def _take_questions(data: Questions, rows: NDArray[np.int64]) -> Questions:
    answers, answer_borders = gather_ranges(data.answer_borders, rows)
    contexts, context_of = np.unique(data.context_of[rows], return_inverse=True)
    return replace(
        data,
        contexts=take_strings(data.contexts, contexts),
        context_of=context_of.astype(np.int64),
        questions=take_strings(data.questions, rows),
        ids=take_strings(data.ids, rows),
        answers=take_strings(data.answers, answers),
        answer_starts=data.answer_starts[answers],
        answer_borders=answer_borders,
    )
