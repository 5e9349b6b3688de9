"""Sentences copied out end to end, their lines joined."""

import re

import numpy as np

from tokpipe.corpus.kernels.characters import next_mark
from tokpipe.foundation.intrinsics import load_u8, store_u8
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.utf8 import copy_bytes


def join_sentences_reference(data, spans, borders, leading_space):
    first = set(borders.tolist())
    sentences = []
    for i, (a, b) in enumerate(spans.tolist()):
        joined = re.sub(rb"[\t-\r ]*\n[\t-\r ]*", b" ", data[a:b].tobytes())
        sentences.append(b" " * (leading_space and i not in first) + joined)
    out = np.frombuffer(b"".join(sentences) + bytes(64), np.uint8)
    return out, np.cumsum([0] + [len(sentence) for sentence in sentences]).astype(np.int64)


@inlined_helper
def _is_blank(byte):
    return byte == 32 or (byte >= 9 and byte <= 13)


@kernel(reference=join_sentences_reference)
def join_sentences(data, spans, borders, leading_space):
    """Copy sentences out, end to end, the white space round a line end made one space.

    Parameters
    ----------
    data : uint8[N]
        64 bytes more may be loaded.
    spans : int64[S, 2]
        Where the sentences are; none begins or ends with ASCII white space.
    borders : int64[D + 1]
        Borders of the documents among the sentences.
    leading_space : bool
        Whether a space comes before each sentence that is not the first of its document.

    Returns
    -------
    data : uint8[N' + 64]
        The sentences, then zeros.
    offsets : int64[S + 1]
    """
    base, count = data.ctypes.data, spans.shape[0]
    room = count + 64
    for i in range(count):
        room += spans[i, 1] - spans[i, 0]
    out = np.empty(room, np.uint8)
    offsets = np.zeros(count + 1, np.int64)
    target = out.ctypes.data
    for document in range(borders.size - 1):
        for i in range(borders[document], borders[document + 1]):
            at, stop = base + spans[i, 0], base + spans[i, 1]
            if leading_space and i > borders[document]:
                store_u8(target, np.uint8(32))
                target += 1
            while at < stop:
                newline = min(next_mark(at, stop, False), stop)
                end = newline
                while newline < stop and _is_blank(load_u8(end - 1)):
                    end -= 1
                copy_bytes(target, at, end - at)
                target += end - at
                at = newline
                if newline < stop:
                    store_u8(target, np.uint8(32))
                    target += 1
                while at < stop and _is_blank(load_u8(at)):
                    at += 1
            offsets[i + 1] = target - out.ctypes.data
    size = offsets[count]
    out[size : size + 64] = 0
    return out[: size + 64], offsets
