"""The shape of a JSON text, before anything parses it: depth, brackets, values, strings."""

import re

import numpy as np

from tokpipe.foundation.intrinsics import load_u8
from tokpipe.foundation.jit import kernel

DEPTH, CONTAINERS, COMMAS, STRINGS, OPEN_STRING = range(5)  # of what `json_shape` returns

_QUOTE, _BACKSLASH, _COMMA = 34, 92, 44  # in ASCII
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*("?)', re.DOTALL)


def json_shape_reference(data, size):
    text = data[:size].tobytes()
    strings = [match[1] for match in _STRING.finditer(text)]
    skeleton = _STRING.sub(b"", text)
    depth = deepest = 0
    for byte in skeleton:
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    openings = skeleton.count(b"[") + skeleton.count(b"{")
    is_open = int(b"" in strings)
    return np.array([deepest, openings, skeleton.count(b","), len(strings), is_open], np.int64)


@kernel(reference=json_shape_reference)
def json_shape(data, size):
    """Measure the shape of a JSON text, which need not be valid.

    Parameters
    ----------
    data : uint8[N]
    size : int
        Bytes of `data` to look at; at most 64 MB for a call of 100 ms.

    Returns
    -------
    int64[5]
        The deepest nesting, how many lists and objects begin, commas and strings; and whether the
        text ends inside a string.
    """
    position, end = data.ctypes.data, data.ctypes.data + size
    depth, deepest, containers, commas, strings, is_open = 0, 0, 0, 0, 0, 0
    while position < end:
        byte = load_u8(position)
        position += 1
        if byte == _QUOTE:
            strings += 1
            is_open = 1
            while position < end:
                byte = load_u8(position)
                position += 1
                if byte == _QUOTE:
                    is_open = 0
                    break
                if byte == _BACKSLASH:
                    position += 1
        elif byte == _COMMA:
            commas += 1
        elif (byte | 32) == 123:  # [ and { differ in this bit alone
            containers += 1
            depth += 1
            deepest = max(deepest, depth)
        elif (byte | 32) == 125:
            depth -= 1
    return np.array([deepest, containers, commas, strings, is_open], np.int64)
