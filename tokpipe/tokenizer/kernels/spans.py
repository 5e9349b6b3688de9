"""Where the words of one text stand, for offsets."""

import numpy as np

from tokpipe.foundation.jit import kernel
from tokpipe.words.kernels.classes import rest_of, split_addresses, words_from
from tokpipe.words.kernels.layout import split_words
from tokpipe.words.kernels.split import take_word


def word_spans_reference(data, first, last, split, starts, ends):
    offsets = np.array([first, last], np.int64)
    words, borders, _ = split_words.reference(data, offsets, split)
    count, text, position = 0, data[:last].tobytes(), int(first)
    for i in range(min(len(borders) - 1, len(starts))):
        word = words[borders[i] : borders[i + 1]].tobytes()
        starts[i] = text.index(word, position)
        position = ends[i] = starts[i] + len(word)
        count += 1
    return (last if count < len(starts) else position), count


@kernel(reference=word_spans_reference)
def word_spans(data, first, last, split, starts, ends):
    """Find the words of a text that is normalised already.

    Parameters
    ----------
    data : uint8[N + PADDING]
    first, last : int
        Where in `data` the text begins and ends.
    split : SplitTables
        From `words.pre_tokenizers.plain_split_tables`.
    starts, ends : int64[W]
        Written.

    Returns
    -------
    position : int
        `last`, or where to go on when `starts` is full.
    count : int
        How many words were found.
    """
    splitter, base, count = split_addresses(split), data.ctypes.data, 0
    cursor, end, position = words_from(base + first), base + last, np.int64(last)
    while True:
        if count == starts.size:
            position = rest_of(cursor) - base
            break
        cursor, word, size, _ = take_word(cursor, end, splitter, np.int64(0))
        if size == 0:
            break
        starts[count] = word - base
        ends[count] = word - base + size
        count += 1
    _keep = data.size + split.classes.size + split.strings.size + split.pages.size
    return position, count
