"""The models on words, whichever it is: bytes in, ids out."""

import numpy as np

from tokpipe.foundation.intrinsics import load_i64
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.tokenizer.kernels.bpe import bpe_reference, bpe_word
from tokpipe.tokenizer.kernels.tables import KIND, WORDPIECE, ModelTables, model_addresses
from tokpipe.tokenizer.kernels.wordpiece import wordpiece_reference, wordpiece_word


def encode_word_reference(word: bytes, model: ModelTables) -> list[tuple[int, int]]:
    """Return (id, end byte) of each piece of a word, whatever the model."""
    is_wordpiece = model.settings[KIND] == WORDPIECE
    return (wordpiece_reference if is_wordpiece else bpe_reference)(word, model)


@inlined_helper
def encode_word(address, size, model, ids, ends, scratch):
    """Write the pieces of a word, whatever the model, and return how many there are."""
    settings, trie, mask = model[0], model[1], model[2]
    if load_i64(settings + 8 * KIND) == WORDPIECE:
        return wordpiece_word(address, size, settings, trie, mask, ids, ends)
    return bpe_word(address, size, model, ids, ends, scratch)


def encode_words_reference(data, starts, ends, first, model, ids, piece_ends, counts, scratch):
    written = 0
    for k in range(first, len(starts)):
        if (len(ids) - written) < ends[k] - starts[k] + 1:
            return k, written
        pieces = encode_word_reference(data[starts[k] : ends[k]].tobytes(), model)
        for id, end in pieces:
            ids[written], piece_ends[written] = id, starts[k] + end
            written += 1
        counts[k] = len(pieces)
    return len(starts), written


@kernel(reference=encode_words_reference)
def encode_words(data, starts, ends, first, model, ids, piece_ends, counts, scratch):
    """Encode words that are marked in a text, with the end of each piece.

    Parameters
    ----------
    data : uint8[N + PADDING]
    starts, ends : int64[W]
        Borders of the words in `data`.
    first : int
        The word to begin with.
    model : ModelTables
    ids, piece_ends : int32[K]
        Written from the start: the id of each piece, and where in `data` it ends.
    counts : int32[W]
        Written: how many pieces each word has.
    scratch : int
        Address of ``NODE_BYTES * S`` free bytes, S the size of the longest word.

    Returns
    -------
    next : int
        The word to go on with when `ids` was full; W when all are done.
    written : int
        How many ids were written.
    """
    addresses = model_addresses(model)
    base, out, out_ends = data.ctypes.data, ids.ctypes.data, piece_ends.ctypes.data
    work, written, k = np.int64(scratch), 0, np.int64(first)
    while k < starts.size:
        size = ends[k] - starts[k]
        if ids.size - written < size + 1:
            break
        found = encode_word(
            base + starts[k], size, addresses, out + 4 * written, out_ends + 4 * written, work
        )
        for i in range(written, written + found):
            piece_ends[i] += starts[k]
        counts[k] = found
        written += found
        k += 1
    return k, written
