"""Sentences to units: pieces of text that fit into an example, none of them empty.

A unit is a sentence, or a part of one that is longer than the window; units stand end to end in
the ids, so that their borders are all there is to know.
"""

import numpy as np

from tokpipe.foundation.jit import kernel


def cut_sentences_reference(sentences, documents, window, longest):
    borders, starts, cut = [sentences[0]], [0], 0
    for d in range(len(documents) - 1):
        for s in range(documents[d], documents[d + 1]):
            at, end = sentences[s], sentences[s + 1]
            cut += end - at > window
            step = longest if end - at > window else window
            while at < end:
                at = min(at + step, end)
                borders.append(at)
        starts.append(len(borders) - 1)
    return np.array(borders, np.int64), np.array(starts, np.int64), cut


@kernel(reference=cut_sentences_reference)
def cut_sentences(sentences, documents, window, longest):
    """Cut sentences longer than the window into parts, and leave out the empty ones.

    Parameters
    ----------
    sentences : int64[S + 1]
        Borders into the ids.
    documents : int64[D + 1]
        Borders into the sentences, from 0 to S.
    window : int
        Most tokens of a sentence that stays whole.
    longest : int
        Most tokens of a part of a sentence that does not.

    Returns
    -------
    units : int64[U + 1]
        Borders into the ids.
    documents : int64[D + 1]
        Borders into the units.
    cut : int
        How many sentences were cut.
    """
    most = sentences.size + (sentences[-1] - sentences[0]) // min(window, longest)
    borders = np.empty(most + 1, np.int64)
    starts = np.empty(documents.size, np.int64)
    borders[0] = sentences[0]
    starts[0] = 0
    count, cut = 0, 0
    for d in range(documents.size - 1):
        for s in range(documents[d], documents[d + 1]):
            at, end = sentences[s], sentences[s + 1]
            step = window
            if end - at > window:
                step = longest
                cut += 1
            while at < end:
                at = min(at + step, end)
                count += 1
                borders[count] = at
        starts[d + 1] = count
    return borders[: count + 1].copy(), starts, cut
