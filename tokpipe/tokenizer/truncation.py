"""What truncation leaves of texts, by their lengths alone: ranges of tokens, and windows.

References
----------
huggingface/tokenizers: ``utils/truncation.rs``.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import ConfigError
from tokpipe.tokenizer.spec import Truncation
from tokpipe.tokenizer.texts import check_count

NO_LIMIT = 1 << 30  # `max_length` that cuts nothing, whatever the tokenizer's file says

Range = tuple[int, int]

_STRATEGIES = ("longest_first", "only_first", "only_second")


def truncation_for(
    stored: Truncation | None, max_length: int | None, strategy: str, stride: int | None
) -> Truncation | None:
    """Return the truncation that a caller asks for, or the stored one if it names no length.

    Raises
    ------
    ConfigError
        If the settings contradict each other.
    """
    if strategy not in _STRATEGIES:
        raise ConfigError(f"truncation={strategy!r} is not one of {', '.join(_STRATEGIES)}")
    if max_length is None:
        return stored
    check_count("max_length", max_length)
    if stride is not None:
        check_count("stride", stride)
    if (stride or 0) >= max(1, max_length):
        raise ConfigError(f"max_length={max_length}, stride={stride}: 0 <= stride < max_length")
    return Truncation(max_length, strategy, stride, stored.direction if stored else "right")


def room_for(max_length: int, added: int) -> int:
    """Return how many tokens of text fit beside `added` special ones.

    Raises
    ------
    ConfigError
        If not even those fit.
    """
    if max_length < added:
        raise ConfigError(f"max_length={max_length} cannot hold the {added} special tokens")
    return max_length - added


def kept_lengths(sizes: tuple[int, ...], cut: Truncation, room: int) -> tuple[int, ...]:
    """Return how many tokens of one text or two are kept, which have more than `room` together.

    Raises
    ------
    ConfigError
        If the side that may be cut is not long enough, or is not there; or if windows of what is
        kept cannot share `cut.stride` tokens.
    """
    if room == 0:
        kept = (0,) * len(sizes)
    elif cut.strategy != "longest_first":
        kept = _one_sided(sizes, cut.strategy, sum(sizes) - room)
    else:
        kept = (room,) if len(sizes) == 1 else _fair_lengths(sizes[0], sizes[1], room)
    for size, length in zip(sizes, kept, strict=True):
        if cut.stride is not None and 0 < length < size and cut.stride >= length:
            raise ConfigError(
                f"stride={cut.stride} must be below the {length} tokens that a text may keep"
            )
    return kept


def _fair_lengths(n1: int, n2: int, room: int) -> tuple[int, int]:
    """Share the room: the shorter text keeps all it has if it needs at most half."""
    if n1 > n2:
        return _fair_lengths(n2, n1, room)[::-1]  # type: ignore[return-value]
    n2 = n1 if n1 > room else max(n1, room - n1)
    if n1 + n2 > room:
        return room // 2, room // 2 + room % 2
    return n1, n2


def _one_sided(sizes: tuple[int, ...], strategy: str, excess: int) -> tuple[int, ...]:
    side = ("only_first", "only_second").index(strategy)
    if side >= len(sizes):
        raise ConfigError(
            "truncation=only_second needs a second text", hint="Use longest_first or only_first."
        )
    if sizes[side] <= excess:
        raise ConfigError(
            f"truncation={strategy}: {excess} tokens are too many, that text has {sizes[side]}",
            hint="Use longest_first, or a greater max_length.",
        )
    return tuple(size - excess * (i == side) for i, size in enumerate(sizes))


def windows(start: int, end: int, length: int, cut: Truncation) -> list[Range]:
    """Return the part of a range that is kept, and with a stride the windows of what is not.

    Examples
    --------
    >>> windows(0, 5, 2, Truncation(9, stride=0))
    [(0, 2), (2, 4), (4, 5)]
    """
    is_left, size = cut.direction == "left", end - start
    if size <= length:
        return [(start, end)]
    if cut.stride is None:
        return [(end - length, end) if is_left else (start, start + length)]
    if length == 0:
        return [(end, end) if is_left else (start, start), (start, end)]
    step = length - cut.stride
    firsts = range(0, size - length + step, step)  # the last window holds what is left
    if is_left:
        return [(max(start, end - i - length), end - i) for i in firsts]
    return [(start + i, min(start + i + length, end)) for i in firsts]


def cut_lists(
    borders: NDArray[np.int64], cut: Truncation | None, added: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the kept part of each of T single texts begins and ends, windows left out.

    Parameters
    ----------
    borders : int64[T + 1]
        Text ``t`` has the tokens ``borders[t]`` to ``borders[t + 1]``.
    cut
        None keeps all.
    added
        How many special tokens there are to be beside each.

    Returns
    -------
    starts, ends : int64[T]

    Raises
    ------
    ConfigError
        If a text cannot be cut as asked.
    """
    starts, ends = borders[:-1], borders[1:]
    if cut is None:
        return starts, ends
    room, longest = room_for(cut.max_length, added), int(np.diff(borders).max(initial=0))
    if longest <= room:
        return starts, ends
    (room,) = kept_lengths((longest,), cut, room)
    if cut.direction == "left":
        return np.maximum(starts, ends - room), ends
    return starts, np.minimum(ends, starts + room)
