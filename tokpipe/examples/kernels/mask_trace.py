"""The masking of one row, draw by draw: what `mask_rows` does, slowly and with reasons.

Tokens are chosen by groups: single tokens, or words. Groups are tried in a random order (a
Fisher-Yates shuffle that goes on only as long as it must) until the row has as many chosen tokens
as it should; one that would give too many is passed over, so no word is ever split. For spans, a
group drawn this way and the words behind it are taken together, up to a length drawn from a table.

Words that are longer than all that is wanted never fit: what writing without spaces makes of a
sentence. Should too few others be there, single tokens of such words are drawn.

Draws of a row hang on its key alone: the shuffle on child 0, what becomes of the token at a
position on child 1 and that position, the random token on child 2, a span's length on child 3.

References
----------
J. Devlin et al.: BERT, 2019, appendix A.1.
M. Joshi et al.: SpanBERT, TACL 2020, sec. 3.1.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.seeds import (
    child_key_reference,
    random_below_reference,
    random_unit_reference,
)

FIXED, CONTINUES = 1, 2  # kinds of tokens: never chosen; belongs to the word before it
MASKED, RANDOM, KEPT = "mask", "random", "keep"
PART = "a part of a word that is too long"  # why a single token was taken

Group = tuple[int, ...]  # positions that are chosen together


class MaskRule(NamedTuple):
    """What is asked, as kernels take it."""

    # uint8[V]: `FIXED` for tokens that are never chosen, `CONTINUES` for those that go on in a word
    kinds: NDArray[np.uint8]
    ordinary: NDArray[np.int32]  # int32[K]: what a random token may be
    mask_id: int
    # float64[3]: of tokens chosen; of those, the share that becomes the mask token; that plus the
    # share that becomes a random token
    shares: NDArray[np.float64]
    most: int  # most tokens chosen in a row
    # float64[W]: the chance that a span has at most 1, 2, … W words: one entry for single words,
    # none for single tokens. The tokens of a span share their fate, as in SpanBERT
    lengths: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of the order: a group was tried."""

    # `first`, `count`: the draw was one of ``range(first, first + count)`` places in the order
    first: int
    count: int
    place: int  # which one it was
    # the groups at that place and behind it, as many as the span should have (one without spans):
    # where each begins
    groups: tuple[int, ...]
    words: int  # how many the span should have
    taken: tuple[int, ...]  # the positions that were chosen
    left: int  # how many may still be chosen after it
    reason: str  # why the span is shorter than it should be, or was passed over; else empty


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a chosen token."""

    position: int  # within the row
    unit: float  # the draw from [0, 1) that decided
    becomes: str  # `MASKED`, `RANDOM` or `KEPT`
    token: int  # the id that stands there now


@dataclass(frozen=True, slots=True)
class MaskTrace:
    """How a row was masked."""

    ids: tuple[int, ...]  # the row as it was
    groups: tuple[Group, ...]  # the positions of each group that is tried: single tokens, or words
    fixed: frozenset[int]  # the positions of special tokens: passed over if they are tried
    wanted: int  # how many tokens were to be chosen
    # `draws`, `fates`: what was drawn
    draws: tuple[Draw, ...]
    fates: tuple[Fate, ...]

    @property
    def masked(self) -> tuple[int, ...]:
        """The row as it is."""
        now = {fate.position: fate.token for fate in self.fates}
        return tuple(now.get(position, was) for position, was in enumerate(self.ids))

    @property
    def candidates(self) -> tuple[Group, ...]:
        """The groups that may be chosen."""
        return tuple(group for group in self.groups if group[0] not in self.fixed)

    @property
    def positions(self) -> tuple[int, ...]:
        """The chosen positions, ascending."""
        return tuple(fate.position for fate in self.fates)


def trace_row(row: NDArray[np.int32], key: int, rule: MaskRule) -> MaskTrace:
    """Mask a row and keep every draw; the row (int32[L]) is left as it is."""
    kinds = rule.kinds[row]
    fixed = frozenset(np.flatnonzero(kinds & FIXED).tolist())
    groups = _words(kinds) if len(rule.lengths) else tuple((i,) for i in range(len(row)))
    wanted = min(rule.most, max(1, round(len(row) * rule.shares[0])))
    order, fate, word, length = (child_key_reference(key, i) for i in range(4))
    draws, begins = _draw_groups(groups, fixed, rule.lengths, wanted, (order, length))
    left = draws[-1].left if draws else wanted
    parts = [i for group in groups if len(rule.lengths) and len(group) > wanted for i in group]
    for draw in _draw_parts(parts, left, (order, len(groups))):
        draws.append(draw)
        begins[draw.taken[0]] = draw.taken[0]
    fates = tuple(
        _fate(position, begins[position], (fate, word), int(row[position]), rule)
        for position in sorted(begins)
    )
    return MaskTrace(tuple(row.tolist()), groups, fixed, wanted, tuple(draws), fates)


def _words(kinds: NDArray[np.uint8]) -> tuple[Group, ...]:
    """Return the positions of each word: no special token is in one, none goes over one."""
    words: list[list[int]] = []
    apart = True
    for i, kind in enumerate(kinds.tolist()):
        if not kind & FIXED:
            if apart or not kind & CONTINUES:
                words.append([])
            words[-1].append(i)
        apart = bool(kind & FIXED)
    return tuple(map(tuple, words))


def _draw_groups(
    groups: tuple[Group, ...],
    fixed: Set[int],
    lengths: NDArray[np.float64],
    wanted: int,
    keys: tuple[int, int],
) -> tuple[list[Draw], dict[int, int]]:
    """Draw groups until enough are chosen; also return where the span of each position begins."""
    tried, begins, draws, left = list(range(len(groups))), {}, [], wanted
    for first in range(len(groups)):
        if not left:
            break
        count = len(groups) - first
        place = first + random_below_reference(keys[0], first, count)
        tried[first], tried[place] = tried[place], tried[first]
        words = 1
        if len(lengths) > 1:
            unit = random_unit_reference(keys[1], first)
            words += int((unit >= lengths[:-1]).sum())
        span = groups[tried[first] : tried[first] + words]
        taken, reason = _take(span, words, (fixed, begins.keys()), left)
        begins |= {i: span[0][0] if len(lengths) > 1 else i for i in taken}
        left -= len(taken)
        starts = tuple(group[0] for group in span)
        draws.append(Draw(first, count, place, starts, words, taken, left, reason))
    return draws, begins


def _draw_parts(tokens: list[int], left: int, key: tuple[int, int]) -> Iterator[Draw]:
    """Draw single tokens of the words that are too long; `key`: and how many draws it has had."""
    for first in range(min(left, len(tokens))):
        count = len(tokens) - first
        place = first + random_below_reference(key[0], key[1] + first, count)
        tokens[first], tokens[place] = tokens[place], tokens[first]
        taken = (tokens[first],)
        yield Draw(first, count, place, taken, 1, taken, left - first - 1, PART)


def _take(
    span: tuple[Group, ...], words: int, closed: tuple[Set[int], Set[int]], left: int
) -> tuple[Group, str]:
    """Return what of a span may be chosen, and what ended it; `closed`: special, chosen before."""
    taken: list[int] = []
    for group in span:
        if taken and taken[-1] + 1 != group[0]:
            return tuple(taken), "a special token follows"
        for positions, reason in zip(closed, ("never chosen", "chosen already"), strict=True):
            if group[0] in positions:
                return tuple(taken), reason
        if len(group) > left - len(taken):
            room = left - len(taken)
            return tuple(taken), f"{len(group)} tokens, room for {room}" if room else ""
        taken += group
    return tuple(taken), "the text ends" if len(span) < words else ""


def _fate(position: int, begin: int, keys: tuple[int, int], token: int, rule: MaskRule) -> Fate:
    unit = random_unit_reference(keys[0], begin)
    if unit < rule.shares[1]:
        return Fate(position, unit, MASKED, rule.mask_id)
    if unit < rule.shares[2]:
        drawn = random_below_reference(keys[1], position, len(rule.ordinary))
        return Fate(position, unit, RANDOM, int(rule.ordinary[drawn]))
    return Fate(position, unit, KEPT, token)
