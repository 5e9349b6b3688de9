"""Normalised texts: each character by itself.

This kernel and that of `forms` take a batch of texts, work from a place in it until about `budget`
bytes are read, and say where to go on: so that no call is long, however long a text is (a run of
marks apart, which is one unit: `forms`). They cut a text only where what stands before cannot
change what stands behind.

With `aligned` they also tell where each byte of the result comes from: ``sources[i]`` is where in
`data` the character begins that byte ``i`` belongs to. The rules are those of the `tokenizers`
library (`NormalizedString`), for equal offsets: an inserted character belongs to the one before
it, and what was joined or reordered is told off in order, not by identity.
"""

from typing import NamedTuple

import numpy as np

from tokpipe.foundation.intrinsics import (
    ascii_printable32,
    load_i32,
    load_u8,
    load_u16,
    load_u64,
    store_i64,
    store_u8,
    store_u64,
    trailing_zeros,
)
from tokpipe.foundation.jit import inlined_helper, kernel
from tokpipe.foundation.utf8 import decode_at
from tokpipe.words.kernels.growth import larger
from tokpipe.words.kernels.paged import look_up, slot_in, string
from tokpipe.words.kernels.scan import lower_ascii8
from tokpipe.words.tables.names import KEEP, REMOVE, REPLACE, SPACED


def map_characters_reference(data, offsets, text, position, budget, tables, aligned):
    out, ends, sources = bytearray(), [], []
    for t in range(text, len(offsets) - 1):
        start = max(int(offsets[t]), position)
        for character in data[start : offsets[t + 1]].tobytes().decode():
            made = _mapped(character, tables).encode()
            out += made
            sources += [start] * len(made) if aligned else []
            start += len(character.encode())
        ends.append(len(out))
    result = np.frombuffer(bytes(out), np.uint8), np.array(ends, np.int64)
    return *result, np.array(sources, np.int64), len(offsets) - 1, int(offsets[-1])


def _mapped(character, tables):
    if tables.lower and character.isascii() and character.isalpha():
        return character.lower()
    action = look_up(tables.actions, character, tables.pages)
    if action == REPLACE:
        return string(look_up(tables.replacements, character, tables.pages), tables)
    return {KEEP: character, REMOVE: "", SPACED: f" {character} "}[action]


@kernel(reference=map_characters_reference)
def map_characters(data, offsets, text, position, budget, tables, aligned):
    """Keep, remove or replace each character by itself.

    Parameters
    ----------
    data : uint8[N + PADDING], offsets : int64[T + 1]
        The texts.
    text, position : int
        Where to begin: a text, and a place in `data` in or before it.
    budget : int
        Stop after about so many bytes.
    tables : MapTables
        What is done to each character.
    aligned : bool
        Whether to say where each byte comes from.

    Returns
    -------
    out : uint8[M], ends : int64[K]
        The result, and where in it the texts end that were finished.
    sources : int64[M] or int64[0]
        Where in `data` the character of each byte begins.
    text, position : int
        Where to go on.
    """
    base, mapping = np.int64(data.ctypes.data), _map_addresses(tables)
    texts, at = np.int64(offsets.size - 1), np.int64(position)
    first = max(at, offsets[text]) if text < texts else at
    stop = min(first + budget, offsets[texts])
    out = np.empty(2 * (stop - first) + 64, np.uint8)  # no character more than doubles
    ends = np.empty(16, np.int64)
    sources = np.empty(out.size if aligned else 0, np.int64)
    target, origin = np.int64(out.ctypes.data), np.int64(sources.ctypes.data)
    size, count = np.int64(0), np.int64(0)
    while text < texts:
        at, end = max(at, offsets[text]), offsets[text + 1]
        limit = min(end, stop)
        while at < limit:
            at, size = _map_some(base, at, limit, target, size, origin, aligned, mapping)
        if at < end:
            break
        if count == ends.size:
            ends = larger(ends, 2 * count)
        ends[count] = size
        count += 1
        text += 1
    return out[:size].copy(), ends[:count].copy(), sources[: size * aligned].copy(), text, at


class _MapAddresses(NamedTuple):
    """A `MapTables`: its number, and where its arrays are."""

    lower: int
    pages: int
    actions: int
    replacements: int
    string_offsets: int
    strings: int


@inlined_helper
def _map_addresses(tables):
    return _MapAddresses(
        np.int64(tables.lower),
        np.int64(tables.pages.ctypes.data),
        np.int64(tables.actions.ctypes.data),
        np.int64(tables.replacements.ctypes.data),
        np.int64(tables.string_offsets.ctypes.data),
        np.int64(tables.strings.ctypes.data),
    )


@inlined_helper
def _map_some(base, at, limit, target, size, origin, aligned, mapping):
    """Map a run of printable ASCII, or one character; return the new place and size."""
    run = np.int64(trailing_zeros(~ascii_printable32(base + at)))
    run = min(run, limit - at)
    if run > 0:
        done = np.int64(0)
        while done < run:
            block = load_u64(base + at + done)
            store_u64(target + size + done, lower_ascii8(block) if mapping.lower else block)
            done += 8
        if aligned:
            for i in range(run):
                store_i64(origin + 8 * (size + i), at + i)
        return at + run, size + run
    code_point, width = decode_at(base + at)
    before, slot = size, slot_in(code_point, mapping.pages)
    action = load_u8(mapping.actions + slot)
    if action == KEEP:
        size += _put_character(target + size, base + at, width)
    elif action == SPACED:
        store_u8(target + size, np.uint8(32))
        size += 1 + _put_character(target + size + 1, base + at, width)
        store_u8(target + size, np.uint8(32))
        size += 1
    elif action == REPLACE:
        number = np.int64(load_u16(mapping.replacements + (slot << 1)))
        start = np.int64(load_i32(mapping.string_offsets + (number << 2)))
        stop = np.int64(load_i32(mapping.string_offsets + ((number + 1) << 2)))
        size += _put_character(target + size, mapping.strings + start, stop - start)
    if aligned:
        for i in range(before, size):
            store_i64(origin + 8 * i, at)
    return at + width, size


@inlined_helper
def _put_character(target, source, width):
    for i in range(width):
        store_u8(target + i, load_u8(source + i))
    return width
