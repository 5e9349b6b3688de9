"""A long word, or a window of one, as symbols, and its merges in calls of bounded time."""

import numpy as np

from tokpipe.foundation.jit import kernel
from tokpipe.tokenizer.kernels.bpe import (
    bpe_symbols,
    merge_by_rank,
    merges_of,
    run_heap,
    start_heap,
    symbols_reference,
)
from tokpipe.tokenizer.kernels.tables import model_addresses

HEAP_STEPS = 1 << 19  # symbols linked or pairs taken in one call of `merge_long`: about 100 ms


def long_symbols_reference(word, size, edges, model, symbols):
    found = symbols_reference(word[:size].tobytes(), model, edges)
    for i, (token, length) in enumerate(found):
        symbols[i] = length << 32 | token
    return len(found)


@kernel(reference=long_symbols_reference)
def long_symbols(word, size, edges, model, symbols):
    """Write the symbols of the part of a long word that a window shows; return how many.

    Parameters
    ----------
    word : uint8[size + PADDING]
        Whole characters.
    edges : int
        1 if the word begins with it, plus 2 if the word ends with it.
    model : ModelTables
    symbols : uint64[at least size]
        Written to: bytes << 32 | id.
    """
    settings, _, _, pairs, mask, bytes_ = model_addresses(model)
    return bpe_symbols(
        word.ctypes.data, size, edges, settings, pairs, mask, bytes_, symbols.ctypes.data
    )


def merge_long_reference(symbols, count, links, heap, state, model):
    found = symbols[:count].tolist()
    ids, sizes, places = [s & 0xFFFFFFFF for s in found], [s >> 32 for s in found], [*range(count)]
    for i in merge_by_rank(ids, merges_of(model)):
        sizes[i : i + 2] = [sizes[i] + sizes[i + 1]]
        del places[i + 1]
    symbols[:count] = 0
    symbols[places] = [size << 32 | id for size, id in zip(sizes, ids, strict=True)]
    state[:] = count, 0
    return True


@kernel(reference=merge_long_reference)
def merge_long(symbols, count, links, heap, state, model):
    """Merge a long word a little further; call until it returns True.

    Parameters
    ----------
    symbols : uint64[n]
        From `long_symbols`; changed in place, what is merged away becomes 0.
    count : int
        How many symbols there were.
    links, heap : int
        Addresses of 8 and 16 free bytes a symbol.
    state : int64[2]
        Symbols linked and heap size, zeros at first.
    """
    _, _, _, pairs, mask, _ = model_addresses(model)
    base, chain, waiting = symbols.ctypes.data, np.int64(links), np.int64(heap)
    last = min(count, state[0] + HEAP_STEPS)
    steps = HEAP_STEPS - (last - state[0])
    state[1] = start_heap(base, state[0], last, count, chain, waiting, state[1], pairs, mask)
    state[0] = last
    if last == count:
        state[1] = run_heap(base, chain, waiting, state[1], pairs, mask, steps)
    return state[0] == count and state[1] == 0
