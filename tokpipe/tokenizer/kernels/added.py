"""Where added tokens stand in raw text: a trie behind a filter of first bytes.

Nearly every text has none, so what counts is to pass over bytes that begin no token: eight at a
time where the tokens have one or two first bytes ("[" or "<"), else by a table.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_u8, load_u64, trailing_zeros
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.tokenizer.kernels.tables import WORD_ROOT, longest_token, words_of

SCAN_BYTES = 64 << 20  # looked over in one call of `find_tokens`: about 50 ms

# In each of eight bytes: a one (times a byte: that byte in all), the highest bit, the other seven
_ONES, _HIGH = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_LOW, _ZERO = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0)
_EIGHT = 8


@inlined_helper
def _equal_bytes(eight, pattern):
    """Return the high bits of the bytes that are equal, exactly."""
    different = eight ^ pattern
    return ~(((different & _LOW) + _LOW) | different) & _HIGH


@inlined_helper
def _next_start(position, end, table, one, other, is_simple):
    """Return the address of the next byte that may begin a token, or `end`."""
    while position < end:
        if is_simple:
            eight = load_u64(position)
            equal = _equal_bytes(eight, one) | _equal_bytes(eight, other)
            if equal == _ZERO:
                position += _EIGHT
                continue
            position += np.int64(trailing_zeros(equal)) >> 3
            return position if position < end else end
        if load_u8(table + np.int64(load_u8(position))) != 0:
            return position
        position += 1
    return end


def find_tokens_reference(data, offsets, starts, trie, progress, rows):
    tokens = words_of(trie, WORD_ROOT)
    longest_first = sorted(tokens, key=len, reverse=True)
    found = 0
    for text in range(len(offsets) - 1):
        position, end = int(offsets[text]), int(offsets[text + 1])
        while position < end:
            rest = data[position:end].tobytes()
            token = next((t for t in longest_first if rest.startswith(t)), None)
            if token is None:
                position += 1
                continue
            rows[found] = position, position + len(token), tokens[token], text
            position, found = position + len(token), found + 1
    progress[:] = len(offsets) - 1, offsets[-1]
    return found


@kernel(reference=find_tokens_reference)
def find_tokens(data, offsets, starts, trie, progress, rows):
    """Find added tokens in texts: leftmost, then longest, none over another.

    Parameters
    ----------
    data : uint8[N + PADDING], offsets : int64[T + 1]
        The texts.
    starts : uint8[256]
        1 for each byte that a token begins with.
    trie : uint64[2 * C]
        The tokens' bytes under the root of words.
    progress : int64[2]
        The text and the byte to go on with, changed in place.
    rows : int64[R, 4]
        Written: start, end, id, text.

    Returns
    -------
    found : int
        Rows written. The search is over when the first of `progress` is T; a call ends early when
        `rows` is full, and after `SCAN_BYTES`.
    """
    base, table = data.ctypes.data, starts.ctypes.data
    edges, mask = trie.ctypes.data, np.uint64(trie.size // 2 - 1)
    one, other, kinds = np.uint64(0), np.uint64(0), 0
    for byte in range(256):
        if starts[byte] != 0:
            other = one if kinds > 0 else np.uint64(byte) * _ONES
            one = np.uint64(byte) * _ONES
            kinds += 1
    is_simple = 0 < kinds <= 2
    text, found = progress[0], 0
    last = base + offsets[offsets.size - 1]
    position = base + max(progress[1], offsets[text]) if text < offsets.size - 1 else last
    pause = min(position + SCAN_BYTES, last)
    while position < pause and found < rows.shape[0]:
        position = _next_start(position, pause, table, one, other, is_simple)
        if position >= pause:
            break
        while base + offsets[text + 1] <= position:
            text += 1
        id, size = longest_token(position, base + offsets[text + 1], edges, mask)
        if size > 0:
            rows[found, 0], rows[found, 1] = position - base, position - base + size
            rows[found, 2], rows[found, 3] = id, text
            found += 1
        position += max(size, 1)
    while text < offsets.size - 1 and base + offsets[text + 1] <= position:
        text += 1
    progress[0], progress[1] = text, position - base
    return found
