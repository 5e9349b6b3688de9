"""Texts in the four Unicode normal forms; how a call ends and begins is said in `normalize`."""

from itertools import groupby
from typing import NamedTuple

import numpy as np

from tokpipe.foundation.intrinsics import (
    ascii32,
    keep_alive,
    load_i32,
    load_i64,
    load_u8,
    load_u16,
    load_u32,
    store_i64,
    store_u32,
    trailing_zeros,
)
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.foundation.utf8 import character_before, copy_bytes, decode_at, encode_at
from tokpipe.words.kernels.growth import larger
from tokpipe.words.kernels.paged import look_up, slot_in, string
from tokpipe.words.tables.names import CUT, SAFE

_HANGUL_FIRST, _HANGUL_LAST = 0xAC00, 0xD7A3  # the 11,172 syllables (Unicode, section 3.12)
_L, _V, _T = 0x1100, 0x1161, 0x11A7  # where the three kinds of jamo begin

# A character on its way is a uint32: how many source characters it stands for (3 bits; 0 for an
# inserted one), its combining class (8), its code point (21).
_POINT_BITS, _USED_SHIFT = 21, 29
_POINT = (1 << _POINT_BITS) - 1


def normal_form_reference(data, offsets, text, position, budget, tables, aligned):
    out, ends, sources = bytearray(), [], []
    for t in range(text, len(offsets) - 1):
        start = max(int(offsets[t]), position)
        source = data[start : offsets[t + 1]].tobytes().decode()
        widths = [len(c.encode()) for c in source]
        places = [start + sum(widths[:i]) for i in range(len(source))]
        normal = _sorted_marks([part for c in source for part in _decomposed(c, tables)], tables)
        if tables.pair_keys.size:
            normal = _composed(normal, tables)
        used = 0
        for character, standing_for in normal:
            place = places[used] if standing_for else places[used - 1]
            used += standing_for
            out += character.encode()
            sources += [place] * len(character.encode()) if aligned else []
        ends.append(len(out))
    result = np.frombuffer(bytes(out), np.uint8), np.array(ends, np.int64)
    return *result, np.array(sources, np.int64), len(offsets) - 1, int(offsets[-1])


def _decomposed(character, tables):
    """Return [part, source characters it stands for]: the first stands for one, others for none."""
    number = look_up(tables.replacements, character, tables.pages)
    parts = string(number, tables) if number else character
    if _HANGUL_FIRST <= ord(character) <= _HANGUL_LAST:
        index = ord(character) - _HANGUL_FIRST
        parts = chr(_L + index // 588) + chr(_V + index % 588 // 28)
        parts += chr(_T + index % 28) if index % 28 else ""
    return [[part, int(i == 0)] for i, part in enumerate(parts)]


def _sorted_marks(parts, tables):
    def combining(item):
        return look_up(tables.combining, item[0], tables.pages)

    runs = (list(run) for _, run in groupby(parts, key=lambda item: combining(item) > 0))
    return [item for run in runs for item in sorted(run, key=combining)]


def _composed(parts, tables):
    """Join each character to the starter before it, where nothing between them stands in the way.

    References
    ----------
    Unicode Standard Annex 15, Unicode Normalization Forms, and chapter 3.11, D117.
    """
    done, starter, last = [], None, -1  # `last`: the class of the mark before, -1 for none
    for character, used in parts:
        own = look_up(tables.combining, character, tables.pages)
        joined = None
        if starter is not None and (last == -1 or last < own):
            joined = _joined(starter[0], character, tables)
        if joined:
            starter[0], starter[1] = joined, starter[1] + used
            continue
        done.append([character, used])
        if own == 0:
            starter, last = done[-1], -1
        elif starter is not None:
            last = own
    return done


def _joined(first, second, tables):
    one, two = ord(first), ord(second)
    if _L <= one < _L + 19 and _V <= two < _V + 21:
        return chr(_HANGUL_FIRST + (one - _L) * 588 + (two - _V) * 28)
    whole = _HANGUL_FIRST <= one <= _HANGUL_LAST and (one - _HANGUL_FIRST) % 28 == 0
    if whole and _T < two < _T + 28:
        return chr(one + two - _T)
    matches = np.flatnonzero(tables.pair_keys == (one << _POINT_BITS | two))
    return chr(tables.pair_values[matches[0]]) if matches.size else None


@kernel(reference=normal_form_reference)
def normal_form(data, offsets, text, position, budget, tables, aligned):
    """Bring texts into a normal form.

    What it takes and returns is said in `normalize.map_characters`; here `tables` are FormTables,
    and a call ends only where a text may be cut.

    References
    ----------
    Unicode Standard Annex 15, Unicode Normalization Forms.
    """
    base, form = np.int64(data.ctypes.data), _form_addresses(tables)
    texts, at = np.int64(offsets.size - 1), np.int64(position)
    first = max(at, offsets[text]) if text < texts else at
    stop = min(first + budget, offsets[texts])
    out = np.empty(stop - first + 64, np.uint8)
    sources = np.empty(out.size if aligned else 0, np.int64)
    ends = np.empty(16, np.int64)
    cluster, spare = np.empty(64, np.uint32), np.empty(64, np.uint32)
    size, count = np.int64(0), np.int64(0)
    while text < texts:
        at, end = max(at, offsets[text]), offsets[text + 1]
        while at < end and at < stop:
            calm, unsafe = _after_safe(base + at, base + end, base + stop, form)
            start = calm
            if unsafe and form.pairs > 0 and calm > base + at:
                start = character_before(calm)  # what follows may join it
            if size + start - base - at + 64 > out.size:
                out = larger(out, size + start - base - at + 64)
                sources = larger(sources, out.size) if aligned else sources
            target, origin = np.int64(out.ctypes.data), np.int64(sources.ctypes.data)
            size = _copy_safe(base, base + at, start, target, size, origin, aligned)
            at = calm - base
            if not unsafe:
                continue
            place, filled = start, np.int64(0)
            while place < base + end:
                code_point, width = decode_at(place)
                kind = load_u8(form.unsafe + slot_in(code_point, form.pages))
                if place > calm and (kind == SAFE or (kind == CUT and form.pairs == 0)):
                    break
                if filled + 32 > cluster.size:  # no character has more than 18 parts
                    cluster = larger(cluster, filled + 32)
                filled += _decompose(code_point, cluster.ctypes.data + 4 * filled, form)
                place += width
            if spare.size < filled:
                spare = np.empty(cluster.size, np.uint32)
            room = np.int64(cluster.ctypes.data)
            _sort_marks(room, filled, np.int64(spare.ctypes.data))
            if form.pairs > 0:
                filled = _compose(room, filled, form)
            if size + 4 * filled + 64 > out.size:
                out = larger(out, size + 4 * filled + 64)
                sources = larger(sources, out.size) if aligned else sources
            target, origin = np.int64(out.ctypes.data), np.int64(sources.ctypes.data)
            size = _write(room, filled, base, start, target, size, origin, aligned)
            at = place - base
        if at < end:
            break
        if count == ends.size:
            ends = larger(ends, 2 * count)
        ends[count] = size
        count += 1
        text += 1
    keep_alive(cluster)
    keep_alive(spare)
    return out[:size].copy(), ends[:count].copy(), sources[: size * aligned].copy(), text, at


class _FormAddresses(NamedTuple):
    """Where the arrays of a `FormTables` are, and how many pairs compose."""

    pages: int
    unsafe: int
    replacements: int
    string_offsets: int
    strings: int
    combining: int
    pairs: int
    pair_keys: int
    pair_values: int


@inlined_helper
def _form_addresses(tables):
    return _FormAddresses(
        np.int64(tables.pages.ctypes.data),
        np.int64(tables.unsafe.ctypes.data),
        np.int64(tables.replacements.ctypes.data),
        np.int64(tables.string_offsets.ctypes.data),
        np.int64(tables.strings.ctypes.data),
        np.int64(tables.combining.ctypes.data),
        np.int64(tables.pair_keys.size),
        np.int64(tables.pair_keys.ctypes.data),
        np.int64(tables.pair_values.ctypes.data),
    )


@compiled_helper
def _after_safe(position, end, stop, form):
    """Return the first unsafe character and True; or the end, or a safe one behind `stop`."""
    while position < end:
        if load_u8(position) < 0x80:
            if position >= stop:
                return position, False
            position = min(end, position + np.int64(trailing_zeros(~ascii32(position))))
            continue
        code_point, width = decode_at(position)
        if load_u8(form.unsafe + slot_in(code_point, form.pages)) != SAFE:
            return position, True
        if position >= stop:
            return position, False
        position += width
    return position, False


@compiled_helper
def _copy_safe(base, start, end, target, size, origin, aligned):
    """Copy bytes that stay as they are; return the new size."""
    count = end - start
    copy_bytes(target + size, start, count)
    if aligned:
        place = start
        for i in range(count):
            if load_u8(start + i) & 0xC0 != 0x80:
                place = start + i
            store_i64(origin + 8 * (size + i), place - base)
    return size + count


@inlined_helper
def _packed(code_point, used, form):
    own = np.int64(load_u8(form.combining + slot_in(code_point, form.pages)))
    return np.uint32((used << _USED_SHIFT) | (own << _POINT_BITS) | code_point)


@compiled_helper
def _decompose(code_point, room, form):
    """Write a code point's parts to `room`, packed; return how many."""
    if _HANGUL_FIRST <= code_point <= _HANGUL_LAST:
        index = code_point - _HANGUL_FIRST
        store_u32(room, np.uint32((1 << _USED_SHIFT) | (_L + index // 588)))
        store_u32(room + 4, np.uint32(_V + (index % 588) // 28))
        if index % 28 == 0:
            return np.int64(2)
        store_u32(room + 8, np.uint32(_T + index % 28))
        return np.int64(3)
    slot = slot_in(code_point, form.pages)
    number = np.int64(load_u16(form.replacements + (slot << 1)))
    if number == 0:
        store_u32(room, _packed(code_point, np.int64(1), form))
        return np.int64(1)
    place = form.strings + np.int64(load_i32(form.string_offsets + (number << 2)))
    end = form.strings + np.int64(load_i32(form.string_offsets + ((number + 1) << 2)))
    parts = np.int64(0)
    while place < end:
        part, width = decode_at(place)
        store_u32(room + 4 * parts, _packed(part, np.int64(parts == 0), form))
        parts += 1
        place += width
    return parts


@inlined_helper
def _combining_of(packed):
    return (np.int64(packed) >> _POINT_BITS) & 255


@compiled_helper
def _sort_marks(room, filled, spare):
    """Sort each run of marks by combining class, equal ones in their order."""
    start = np.int64(0)
    while start < filled:
        if _combining_of(load_u32(room + 4 * start)) == 0:
            start += 1
            continue
        end = start + 1
        while end < filled and _combining_of(load_u32(room + 4 * end)) > 0:
            end += 1
        if end - start > 32:
            _counting_sort(room + 4 * start, end - start, spare)
        else:
            for i in range(start + 1, end):
                moved, place = load_u32(room + 4 * i), i
                own = _combining_of(moved)
                while place > start and _combining_of(load_u32(room + 4 * (place - 1))) > own:
                    store_u32(room + 4 * place, load_u32(room + 4 * (place - 1)))
                    place -= 1
                store_u32(room + 4 * place, moved)
        start = end


@compiled_helper
def _counting_sort(room, count, spare):
    """Sort a long run in linear time: a text may be nothing but marks."""
    places = np.zeros(257, np.int64)
    for i in range(count):
        places[_combining_of(load_u32(room + 4 * i)) + 1] += 1
    for k in range(256):
        places[k + 1] += places[k]
    for i in range(count):
        own = _combining_of(load_u32(room + 4 * i))
        store_u32(spare + 4 * places[own], load_u32(room + 4 * i))
        places[own] += 1
    for i in range(count):
        store_u32(room + 4 * i, load_u32(spare + 4 * i))


@compiled_helper
def _compose(room, filled, form):
    """Join what composes, in place; return how many are left."""
    done, starter, last = np.int64(0), np.int64(-1), np.int64(-1)
    for i in range(filled):
        packed = np.int64(load_u32(room + 4 * i))
        own = _combining_of(packed)
        if starter >= 0 and (last == -1 or last < own):
            before = np.int64(load_u32(room + 4 * starter))
            joined = _join(before & _POINT, packed & _POINT, form)
            if joined > 0:
                used = (before >> _USED_SHIFT) + (packed >> _USED_SHIFT)
                store_u32(room + 4 * starter, _packed(joined, used, form))
                continue
        store_u32(room + 4 * done, np.uint32(packed))
        if own == 0:
            starter, last = done, np.int64(-1)
        elif starter >= 0:
            last = own
        done += 1
    return done


@inlined_helper
def _join(first, second, form):
    """Return the code point that two make together, or 0."""
    if _L <= first < _L + 19 and _V <= second < _V + 21:
        return _HANGUL_FIRST + (first - _L) * 588 + (second - _V) * 28
    if _HANGUL_FIRST <= first <= _HANGUL_LAST and _T < second < _T + 28:
        return first + second - _T if (first - _HANGUL_FIRST) % 28 == 0 else np.int64(0)
    key, low, high = (first << _POINT_BITS) | second, np.int64(0), form.pairs
    while low < high:
        middle = (low + high) >> 1
        found = load_i64(form.pair_keys + 8 * middle)
        if found == key:
            return np.int64(load_i32(form.pair_values + 4 * middle))
        if found < key:
            low = middle + 1
        else:
            high = middle
    return np.int64(0)


@compiled_helper
def _write(room, filled, base, source, target, size, origin, aligned):
    """Write packed characters as UTF-8 and, for each byte, where its source begins."""
    before = source
    for i in range(filled):
        packed = np.int64(load_u32(room + 4 * i))
        width = encode_at(target + size, packed & _POINT)
        used = packed >> _USED_SHIFT
        if aligned:
            place = (source if used > 0 else before) - base
            for k in range(width):
                store_i64(origin + 8 * (size + k), place)
            for _ in range(used):
                before = source
                source += decode_at(source)[1]
        size += width
    return size
