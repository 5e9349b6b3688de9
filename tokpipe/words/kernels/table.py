"""The word table: an open-addressing hash table from words (bytes) to one int64 each, on addresses.

Layout. A table is three arrays:

``slots : uint64[3 * C]``
    ``C`` a power of two. Slot ``i`` is ``key, place, value``, 24 bytes side by side, so that a
    known word costs one cache line. ``place`` 0 means free.
``arena : uint8[A]``
    Words longer than eight bytes, one record each, in order of arrival: int64 size, the bytes,
    zeros up to a multiple of eight. The first 16 bytes are unused, so no place is 8 or less.
``head : int64[4]``
    Words in the table, the most it may hold, arena bytes used, arena bytes there.

A word of up to eight bytes is its own key (little-endian, zeros behind) and its place is its size:
it never touches the arena. The key of a longer word is a hash of its bytes, its place the offset
of its record. Sizes and offsets are 64 bits wide, so a word may be as long as memory.

A kernel that meets a new word and finds no room gets False from `insert_word`, returns to Python
where it stands, and is called again with a larger table: nothing is ever allocated in the loop.
Words may be lower-cased (ASCII letters only) while they are hashed, compared and copied. Eight
bytes are loaded at a time, so at least eight readable bytes must follow every word.
"""

import numpy as np

from tokpipe.foundation.intrinsics import load_i64, load_u64, store_i64, store_u64
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.words.kernels.scan import lower_ascii8

SLOT_BYTES = 24  # key, place and value, eight each
SHORT = 8  # the longest word that is its own key
RECORD = 8  # bytes in front of a word in the arena
ARENA_START = 16  # the first place in the arena: places up to `SHORT` are sizes of short words
MOVE_SLOTS = 1 << 20  # slots moved in one call of `move_words`: about 30 ms
USED, LIMIT, ARENA_USED, ARENA_BYTES = range(4)  # fields of `head`

_ONE, _EIGHT = np.uint64(1), np.uint64(8)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)  # bits: shifted, the mask of a word's bytes
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, as in Fibonacci hashing
_MIX_SIZE = np.uint64(0xD6E8FEB86659FD93)  # odd and unlike `_MIX`: sizes and bytes do not cancel
_FOLD = np.uint64(32)  # brings the upper half of a product, the better mixed, to the lower


def word_key_reference(word: bytes) -> int:
    """Return the 64-bit key of a word in plain Python: the definition of `word_key`."""
    if len(word) <= SHORT:
        return int.from_bytes(word, "little")
    state, full = len(word) * int(_MIX_SIZE), 2**64 - 1
    for i in range(0, len(word), 8):
        state = (state ^ int.from_bytes(word[i : i + 8], "little")) * int(_MIX) & full
        state ^= state >> int(_FOLD)
    return state


def first_slot_reference(key: int, size: int, capacity: int) -> int:
    """Return the slot where the search for a word begins in plain Python."""
    state = (key ^ (size * int(_MIX_SIZE))) * int(_MIX) & (2**64 - 1)
    return int.from_bytes(state.to_bytes(8, "little"), "big") & (capacity - 1)


def word_at_reference(slots, arena, slot):
    """Return the word in a slot as Python bytes, or None where the slot is free."""
    key, place = int(slots[3 * slot]), int(slots[3 * slot + 1])
    if place <= SHORT:
        return key.to_bytes(8, "little")[:place] if place else None
    size = int.from_bytes(arena[place : place + RECORD].tobytes(), "little")
    return arena[place + RECORD : place + RECORD + size].tobytes()


@inlined_helper
def _bytes_mask(size):
    """Return ones over the low `size` bytes (1 to 8) of a uint64."""
    return _ALL >> (np.uint64(64) - np.uint64(size) * _EIGHT)


@inlined_helper
def _eight_of(address, end, lower):
    """Return the next eight bytes of a word, zeros behind its end, lower-cased if asked."""
    eight = load_u64(address)
    if address + 8 > end:
        eight &= _bytes_mask(end - address)
    return lower_ascii8(eight) if lower else eight


@inlined_helper
def word_key(address, size, lower):
    """Return the key (uint64) of the `size` bytes at an address; see the module's layout."""
    if size <= SHORT:
        eight = load_u64(address) & _bytes_mask(size)
        return lower_ascii8(eight) if lower else eight
    state = np.uint64(size) * _MIX_SIZE
    end = address + size
    while address < end:
        state = (state ^ _eight_of(address, end, lower)) * _MIX
        state ^= state >> _FOLD
        address += 8
    return state


@inlined_helper
def swap_bytes(eight):
    """Turn little-endian into big-endian; LLVM makes one instruction of it."""
    m8, m16 = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
    b8, b16, b32 = np.uint64(8), np.uint64(16), np.uint64(32)
    eight = ((eight >> b8) & m8) | ((eight & m8) << b8)
    eight = ((eight >> b16) & m16) | ((eight & m16) << b16)
    return (eight >> b32) | (eight << b32)


@inlined_helper
def first_slot(key, size):
    """Return a mixed key, whose low bits say where the search for a word begins.

    Only the highest byte of the product depends on all bytes of the key, so the bytes are swapped.
    A shift in place of it left the last two letters of short words out: 8-digit numbers fell on
    each other by the hundred.
    """
    return swap_bytes((key ^ (np.uint64(size) * _MIX_SIZE)) * _MIX)


@inlined_helper
def _is_word(record, address, size, lower):
    """Say whether the arena record at an address holds the word at another address."""
    if load_i64(record) != size:
        return False
    record += RECORD
    end = address + size
    while address < end:
        if _eight_of(address, end, lower) != load_u64(record):
            return False
        address += 8
        record += 8
    return True


@inlined_helper
def find_word(slots, mask, arena, address, size, lower, key):
    """Return the address of the slot of a word, or of the free slot where it belongs.

    Parameters
    ----------
    slots, arena : int64
        Addresses of the arrays.
    mask : uint64
        Slots less one.
    address, size : int64
        The word; `size` at least 1.
    lower : bool
        Whether its ASCII letters are still to be lowered.
    key : uint64
        What `word_key` says of it.

    Returns
    -------
    slot : int64
        ``load_i64(slot + 8)`` is 0 if the word is new; its value is at ``slot + 16``.
    """
    i = first_slot(key, size) & mask
    while True:
        slot = slots + np.int64(i) * SLOT_BYTES
        place = load_i64(slot + 8)
        if place == 0:
            return slot
        if load_u64(slot) == key:
            if size <= SHORT:
                if place == size:
                    return slot
            elif place > SHORT and _is_word(arena + place, address, size, lower):
                return slot
        i = (i + _ONE) & mask


@compiled_helper
def insert_word(head, slot, arena, address, size, lower, key, value):
    """Put a new word and its value into the free slot of `find_word`; return if there was room."""
    place = size
    if load_i64(head + 8 * USED) >= load_i64(head + 8 * LIMIT):
        return False
    if size > SHORT:
        place = load_i64(head + 8 * ARENA_USED)
        after = place + RECORD + ((size + 7) & ~7)
        if after > load_i64(head + 8 * ARENA_BYTES):
            return False
        store_i64(head + 8 * ARENA_USED, after)
        _copy_word(arena + place, address, size, lower)
    store_i64(head + 8 * USED, load_i64(head + 8 * USED) + 1)
    store_u64(slot, key)
    store_i64(slot + 8, place)
    store_i64(slot + 16, value)
    return True


@inlined_helper
def _copy_word(record, address, size, lower):
    store_i64(record, size)
    record += RECORD
    end = address + size
    while address < end:
        store_u64(record, _eight_of(address, end, lower))
        address += 8
        record += 8


def add_words_reference(data, offsets, values, lower, first, head, slots, arena):
    capacity = len(slots) // 3
    for i in range(first, len(values)):
        word = data[offsets[i] : offsets[i + 1]].tobytes()
        word = word.lower() if lower else word  # bytes.lower knows ASCII alone
        key = word_key_reference(word)
        slot = first_slot_reference(key, len(word), capacity)
        while word_at_reference(slots, arena, slot) not in (None, word):
            slot = (slot + 1) % capacity
        if slots[3 * slot + 1]:
            slots[3 * slot + 2] += np.uint64(values[i])
            continue
        place, padded_size = len(word), -(-len(word) // 8) * 8
        if head[USED] >= head[LIMIT]:
            return i
        if len(word) > SHORT:
            place = int(head[ARENA_USED])
            if place + RECORD + padded_size > head[ARENA_BYTES]:
                return i
            record = len(word).to_bytes(RECORD, "little") + word.ljust(padded_size, b"\0")
            arena[place : place + len(record)] = np.frombuffer(record, np.uint8)
            head[ARENA_USED] += len(record)
        head[USED] += 1
        slots[3 * slot : 3 * slot + 3] = key, place, values[i]
    return len(values)


@kernel(reference=add_words_reference)
def add_words(data, offsets, values, lower, first, head, slots, arena):
    """Add values to words in the table, which get a slot when they are new, until it is full.

    Parameters
    ----------
    data : uint8[N + PADDING]
    offsets : int64[W + 1]
        Borders of the words in `data`; no word is empty.
    values : int64[W]
        What to add to the value of each word.
    lower : bool
        Whether ASCII letters are lowered on the way.
    first : int
        The word to begin with.
    head : int64[4], slots : uint64[3 * C], arena : uint8[A]
        The table, changed in place.

    Returns
    -------
    next : int
        The word to go on with after growing the table; W when all are in.
    """
    head_address, slots_address, arena_address = (
        head.ctypes.data,
        slots.ctypes.data,
        arena.ctypes.data,
    )
    mask = np.uint64(slots.size // 3 - 1)
    i, base = np.int64(first), data.ctypes.data
    while i < values.size:
        address, size = base + offsets[i], offsets[i + 1] - offsets[i]
        key = word_key(address, size, lower)
        slot = find_word(slots_address, mask, arena_address, address, size, lower, key)
        if load_i64(slot + 8) != 0:
            store_i64(slot + 16, load_i64(slot + 16) + values[i])
        elif not insert_word(
            head_address, slot, arena_address, address, size, lower, key, values[i]
        ):
            break
        i += 1
    return i


def move_words_reference(old, first, arena, slots):
    last, capacity = min(len(old) // 3, first + MOVE_SLOTS), len(slots) // 3
    for i in range(first, last):
        word = word_at_reference(old, arena, i)
        if word is not None:
            slot = first_slot_reference(int(old[3 * i]), len(word), capacity)
            while slots[3 * slot + 1]:
                slot = (slot + 1) % capacity
            slots[3 * slot : 3 * slot + 3] = old[3 * i : 3 * i + 3]
    return last


@kernel(reference=move_words_reference)
def move_words(old, first, arena, slots):
    """Move words from slot `first` of an old table, uint64[3 * C], on into a larger or growing one.

    Both tables share the arena; `slots`, uint64[3 * C'], are filled. One call moves at most
    `MOVE_SLOTS`. Returned is the slot to go on with; C at the end.
    """
    last = min(old.size // 3, first + MOVE_SLOTS)
    mask = slots.size // 3 - 1
    for i in range(first, last):
        size = np.int64(old[3 * i + 1])
        if size == 0:
            continue
        if size > SHORT:
            size = load_i64(arena.ctypes.data + size)
        j = np.int64(first_slot(old[3 * i], size) & np.uint64(mask))
        while slots[3 * j + 1] != 0:
            j = (j + 1) & mask
        slots[3 * j] = old[3 * i]
        slots[3 * j + 1] = old[3 * i + 1]
        slots[3 * j + 2] = old[3 * i + 2]
    return last
