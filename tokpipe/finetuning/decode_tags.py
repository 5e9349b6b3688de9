"""Logits at first pieces to exactly one tag a word.

References
----------
J. Devlin et al.: BERT, NAACL 2019; google-research/bert, ``run_squad.py``: of the windows that hold
a token, the one counts in which the nearer end is farthest.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.predictions import TagPredictions, softmax
from tokpipe.labelled.records import TaggedWords

_OUTSIDE = "O"  # of a word that is in no entity


def decode_tags(data: TaggedWords, examples: Examples, logits: NDArray) -> TagPredictions:
    """Return the tag of each word, by the window in which it has most context.

    A word without a piece is taken to be outside of entities; where tags are none of entities, it
    gets that of the word before it in the sentence, or else of the word behind.

    Parameters
    ----------
    data
        W words.
    examples
        Of them, asked at N positions.
    logits : float32[N, C]
    """
    assert examples.word is not None
    assert examples.context is not None
    order = np.lexsort((-examples.context, examples.word))  # equals stay in the order of windows
    words, first = np.unique(examples.word[order], return_index=True)
    tags = np.full(len(data.words), -1, np.int32)
    probabilities = np.zeros(len(data.words), np.float32)
    if len(words):  # else nothing was asked, and nobody knows how many classes there are
        asked = logits[order[first]]
        tags[words] = best = asked.argmax(axis=1)
        probabilities[words] = softmax(asked)[np.arange(len(words)), best]
    _fill_gaps(tags, data)
    return TagPredictions(tags, probabilities, len(tags) - len(words))


def _fill_gaps(tags: NDArray[np.int32], data: TaggedWords) -> None:
    """Give words of tag -1 one."""
    gaps = np.flatnonzero(tags < 0)
    if not len(gaps):
        return
    if _OUTSIDE in data.names:
        tags[gaps] = data.names.index(_OUTSIDE)
        return
    sentence = np.searchsorted(data.borders, gaps, side="right") - 1
    known = np.flatnonzero(tags >= 0)
    at = np.searchsorted(known, gaps)
    places = np.concatenate([[-1], known, [len(tags)]])  # the k-th known word is at k + 1
    before, behind = places[at], places[at + 1]
    filled = np.append(tags, 0)
    near = np.where(before >= data.borders[sentence], before, behind)
    near[near >= data.borders[sentence + 1]] = len(tags)  # the whole sentence has no piece
    tags[gaps] = filled[near]
