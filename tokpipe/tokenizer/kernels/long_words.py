"""A long word, or a window of one, as symbols, and its merges in calls of bounded time."""

from tokpipe.foundation.jit import compiled_helper
from tokpipe.tokenizer.kernels.bpe import bpe_symbols, run_heap, start_heap
from tokpipe.tokenizer.kernels.tables import model_addresses

HEAP_STEPS = 1 << 19  # pairs taken in one call of `merge_long`: about 100 ms


@compiled_helper
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
        Written to.
    """
    settings, _, _, pairs, mask, bytes_ = model_addresses(model)
    count = bpe_symbols(
        word.ctypes.data, size, edges, settings, pairs, mask, bytes_, symbols.ctypes.data
    )
    _keep = word.size + symbols.size + model.settings.size + model.pairs.size + model.bytes.size
    return count


@compiled_helper
def merge_long(symbols, count, links, heap, state, model):
    """Merge a long word a little further; call until it returns True.

    No `kernel` with a twin of its own, because half a merge means nothing: tests compare the end
    with `bpe.bpe_reference`.

    Parameters
    ----------
    symbols : uint64[n]
        From `long_symbols`; changed in place, what is merged away becomes 0.
    count : int
        How many symbols there were.
    links : int32[2 * n], heap : uint64[2 * n]
        Room; not initialised.
    state : int64[2]
        Symbols linked and heap size, zeros at first.
    """
    _, _, _, pairs, mask, _ = model_addresses(model)
    base, chain, waiting = symbols.ctypes.data, links.ctypes.data, heap.ctypes.data
    if state[0] < count:
        last = min(count, state[0] + HEAP_STEPS)
        state[1] = start_heap(base, state[0], last, count, chain, waiting, state[1], pairs, mask)
        state[0] = last
    else:
        state[1] = run_heap(base, chain, waiting, state[1], pairs, mask, HEAP_STEPS)
    _keep = symbols.size + links.size + heap.size + model.pairs.size
    return state[0] == count and state[1] == 0
