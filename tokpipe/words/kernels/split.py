"""Texts to words on UTF-8 bytes: `take_word` for other kernels (faces are in `layout`).

A kernel walks a text with a cursor, on addresses and on the tables that `split_addresses` takes
from a `tokpipe.words.pre_tokenizers.SplitTables`::

    split = split_addresses(tables)
    cursor, end = words_from(data_address + offsets[t]), data_address + offsets[t + 1]
    while True:
        cursor, word, size, lower = take_word(cursor, end, split, scratch)
        if size == 0:
            break

A word is `size` bytes at address `word`: in the text itself where it stands there as it is, else
in `scratch`, where the next call overwrites it. If `lower` is set, its ASCII capitals are still to
be lowered (`scan.lower_ascii8`); other bytes are final. ``rest_of(cursor)`` is the address from
which `words_from` finds the words not yet taken, so that a kernel can stop after any word and go
on in another call.

The scratch must hold what the longest text of the batch can grow to, `split.scratch_bytes`: the
longest text, not the longest word, because a text may be one word. It is not initialised, so that
what is never written costs no memory. One call takes time in proportion to the bytes that it
passes.

Where the words of a block of 64 bytes begin is found for all of them at once, and kept in the
cursor: to look for a word at the end of the one before makes a chain of loads through the whole
text (English: 380 MB/s with the chain, 1,090 without).
"""

import numpy as np

from tokpipe.foundation.jit import compiled_helper, inlined_helper
from tokpipe.words.kernels.bert import take_bert
from tokpipe.words.kernels.classes import (
    BERT,
    GPT2,
    LETTER,
    NONE,
    SPACE,
    WHITESPACE_SPLIT,
    class_at,
    words_from,
)
from tokpipe.words.kernels.gpt2 import take_gpt2
from tokpipe.words.kernels.scan import after_alphanumerics
from tokpipe.words.kernels.spaced import take_spaced


@inlined_helper
def take_word(cursor, end, split, scratch):
    """Find the next word.

    Parameters
    ----------
    cursor : (int64, uint64, int64)
        From `words_from`, or from the call before.
    end : int64
        Address where the text ends.
    split : eight int64
        From `split_addresses`.
    scratch : int64
        Address of room for a word that is not in the text as it is.

    Returns
    -------
    cursor : (int64, uint64, int64)
        Behind the word.
    word, size : int64
        Where the word is and its bytes; size 0 when there are no more words.
    lower : bool
        Whether the word's ASCII capitals are still to be lowered.
    """
    if split.kind == BERT:
        return take_bert(cursor, end, split, scratch)
    if split.kind == GPT2:
        return take_gpt2(cursor, end, split)
    if split.kind == WHITESPACE_SPLIT:
        return take_spaced(cursor, end, split)
    position = cursor[2]
    following = end
    if split.kind != NONE:
        position, following = _next_run(position, end, split)
    return words_from(following), position, following - position, False


@compiled_helper
def _next_run(position, end, split):
    """Return start and end of the next run of one class, white space passed over."""
    kind = np.int64(SPACE)
    start = position
    while position < end:
        start = position
        kind, width = class_at(position, split)
        position += width
        if kind != SPACE:
            break
    if kind == SPACE:
        return end, end
    while position < end:
        position = after_alphanumerics(position) if kind == LETTER else position
        if position >= end:
            break
        other, width = class_at(position, split)
        if other != kind:
            return start, position
        position += width
    return start, end
