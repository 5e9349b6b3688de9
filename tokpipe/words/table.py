"""A word table with a life: it grows, says how large it is, and lists what it holds."""

from collections.abc import Iterable

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.words.kernels.table import (
    ARENA_BYTES,
    ARENA_START,
    ARENA_USED,
    LIMIT,
    RECORD,
    SHORT,
    USED,
    add_words,
    move_words,
)

_FILL = 5 / 8  # words a slot at most: a new word then meets about four others
_FIRST_SLOTS = 1 << 12  # 96 KB
_FIRST_ARENA = 1 << 16  # 64 KB
_ARENA_GROWTH = 4  # a quarter more at a time


class WordTable:
    """Words and one int64 each, on the arrays that kernels work on (see `words.kernels.table`).

    `head`, int64[4], `slots`, uint64[3 * C], and `arena`, uint8[A], are to be handed to kernels;
    larger ones take their place whenever the table grows.

    Examples
    --------
    >>> table = WordTable()
    >>> table.add(Strings.from_list(["a", "b", "a"]), [1, 1, 1])
    >>> sorted(table.to_dict().items())
    [(b'a', 2), (b'b', 1)]
    """

    def __init__(self) -> None:
        self.head = np.zeros(4, np.int64)
        self.slots = np.zeros(3 * _FIRST_SLOTS, np.uint64)
        self.arena = np.empty(_FIRST_ARENA, np.uint8)
        self.head[LIMIT] = int(_FIRST_SLOTS * _FILL)
        self.head[ARENA_USED], self.head[ARENA_BYTES] = ARENA_START, _FIRST_ARENA

    def __len__(self) -> int:
        return int(self.head[USED])

    @property
    def arena_used(self) -> int:
        """Bytes of the arena that hold words."""
        return int(self.head[ARENA_USED])

    @property
    def nbytes(self) -> int:
        """Bytes of memory the table holds."""
        return self.slots.nbytes + self.arena.nbytes

    def fits(self, word_bytes: int, most_slots: int, most_arena: int) -> bool:
        """Say whether one more word of `word_bytes` fits without growing past some limits."""
        full = self.head[USED] >= self.head[LIMIT]
        need = self.arena_used + RECORD + word_bytes + SHORT
        return not (full and 2 * len(self.slots) // 3 > most_slots) and need <= most_arena

    def make_room(self, word_bytes: int = 1) -> None:
        """Grow until one more word of `word_bytes` fits: call it when a kernel stopped short."""
        if self.head[USED] >= self.head[LIMIT]:
            self._grow_slots()
        need = int(self.head[ARENA_USED]) + RECORD + word_bytes + SHORT
        if need > self.head[ARENA_BYTES]:
            self._grow_arena(need)

    def _grow_slots(self) -> None:
        old, slot = self.slots, 0
        slots = np.zeros(2 * len(old), np.uint64)
        while slot < len(old) // 3:
            slot = move_words(old, slot, self.arena, slots)
        self.slots, self.head[LIMIT] = slots, int(len(slots) // 3 * _FILL)

    def _grow_arena(self, need: int) -> None:
        size = max(need, len(self.arena) + len(self.arena) // _ARENA_GROWTH)
        # realloc: for large blocks the system moves pages and copies nothing
        self.arena.resize(size, refcheck=False)
        self.head[ARENA_BYTES] = size

    def add(self, words: Strings, values: Iterable[int], *, lower: bool = False) -> None:
        """Add a value to each word, growing as needed."""
        numbers, done = np.fromiter(values, np.int64), 0
        while True:
            done = add_words(
                words.data, words.offsets, numbers, lower, done, self.head, self.slots, self.arena
            )
            if done == len(numbers):
                return
            self.make_room(int(words.offsets[done + 1] - words.offsets[done]))

    def clear(self) -> None:
        """Forget all words, and keep the memory."""
        self.slots[:] = 0
        self.head[USED], self.head[ARENA_USED] = 0, ARENA_START

    def to_dict(self) -> dict[bytes, int]:
        """Return the words and their values: for tests and small tables."""
        rows = self.slots.reshape(-1, 3)
        return {
            self._word(int(key), int(place)): int(np.int64(value))
            for key, place, value in rows[rows[:, 1] != 0]
        }

    def _word(self, key: int, place: int) -> bytes:
        if place <= SHORT:
            return key.to_bytes(8, "little")[:place]
        size = int(self.arena[place : place + RECORD].view(np.int64)[0])
        return self.arena[place + RECORD : place + RECORD + size].tobytes()
