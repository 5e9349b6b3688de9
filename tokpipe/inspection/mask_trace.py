"""The masking of one example, draw by draw: `examples.masking`, slowly and with reasons."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.masking import check_facts, span_lengths
from tokpipe.foundation.seeds import (
    child_key_reference,
    random_below_reference,
    random_unit_reference,
)

MASKED, RANDOM, KEPT = "mask", "random", "keep"


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of the order: a group was tried.

    Attributes
    ----------
    first, count
        The draw was one of ``range(first, first + count)`` places in the order.
    place
        Which one it was.
    groups
        The groups at that place and behind it, as many as the span should have (one without
        spans): where each begins.
    words
        How many the span should have.
    taken
        The positions that were chosen.
    left
        How many may still be chosen after it.
    reason
        Why the span is shorter than it should be, or was passed over; else empty.
    """

    first: int
    count: int
    place: int
    groups: tuple[int, ...]
    words: int
    taken: tuple[int, ...]
    left: int
    reason: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a chosen token.

    Attributes
    ----------
    position
        Within the example.
    unit
        The draw from [0, 1) that decided.
    becomes
        `MASKED`, `RANDOM` or `KEPT`.
    token
        The id that stands there now.
    """

    position: int
    unit: float
    becomes: str
    token: int


@dataclass(frozen=True)
class MaskTrace:
    """How an example was masked.

    Attributes
    ----------
    ids
        The example as it was.
    masked
        As it is.
    groups
        The positions of each group that is tried: single tokens, or words.
    fixed
        The positions of special tokens: passed over if they are tried.
    wanted
        How many tokens were to be chosen.
    draws, fates
        What was drawn.
    """

    ids: tuple[int, ...]
    masked: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    fixed: frozenset[int]
    wanted: int
    draws: tuple[Draw, ...]
    fates: tuple[Fate, ...]

    @property
    def candidates(self) -> tuple[tuple[int, ...], ...]:
        """The groups that may be chosen."""
        return tuple(group for group in self.groups if group[0] not in self.fixed)

    @property
    def positions(self) -> tuple[int, ...]:
        """The chosen positions, ascending."""
        return tuple(fate.position for fate in self.fates)


def trace_masking(
    ids: NDArray[np.int32], key: int, facts: TokenFacts, config: MaskConfig
) -> MaskTrace:
    """Mask one example, and keep every draw.

    Parameters
    ----------
    ids : int32[L]
        The example, special tokens included; left as it is.
    key
        Of its draws.
    facts
        Of the vocabulary.
    config
        What is asked; `compat` is not looked at.

    Raises
    ------
    ConfigError
        If the vocabulary has no mask token, or nothing that a random token could be.
    """
    check_facts(facts, config)
    groups = find_groups(ids, facts, config)
    fixed = frozenset(np.flatnonzero(facts.is_special[ids]).tolist())
    most = config.max_predictions_per_seq or len(ids)
    wanted = min(most, max(1, round(len(ids) * config.masked_lm_prob)))
    order, fate, word, length = (child_key_reference(key, i) for i in range(4))
    tried = _Tried(groups, fixed, span_lengths(config))
    draws, begins = _draw_groups(tried, wanted, (order, length))
    fates = tuple(
        _fate(position, begin, (fate, word), int(ids[position]), facts, config)
        for position, begin in sorted(begins.items())
    )
    masked = ids.copy()
    for one in fates:
        masked[one.position] = one.token
    return MaskTrace(
        tuple(ids.tolist()), tuple(masked.tolist()), groups, fixed, wanted, draws, fates
    )


def find_groups(
    ids: NDArray[np.int32], facts: TokenFacts, config: MaskConfig
) -> tuple[tuple[int, ...], ...]:
    """Return the positions that are tried together: each token, or each word but no special one."""
    if not config.by_words:
        return tuple((i,) for i in range(len(ids)))
    groups: list[list[int]] = []
    for i, token in enumerate(ids.tolist()):
        if facts.is_special[token]:
            continue
        follows = i > 0 and not facts.is_special[ids[i - 1]]
        if follows and facts.continues_word[token]:
            groups[-1].append(i)
        else:
            groups.append([i])
    return tuple(map(tuple, groups))


class _Tried(NamedTuple):
    """What there is to draw: the groups, special positions, and chances of a span's length."""

    groups: tuple[tuple[int, ...], ...]
    fixed: frozenset[int]
    lengths: NDArray[np.float64]


def _draw_groups(
    what: _Tried, wanted: int, keys: tuple[int, int]
) -> tuple[tuple[Draw, ...], dict[int, int]]:
    """Draw groups until enough are chosen; also return where the span of each position begins."""
    groups, fixed, lengths = what
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
    return tuple(draws), begins


def _take(
    span: tuple[tuple[int, ...], ...], words: int, closed: tuple[Set[int], Set[int]], left: int
) -> tuple[tuple[int, ...], str]:
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


def _fate(
    position: int,
    begin: int,
    keys: tuple[int, int],
    token: int,
    facts: TokenFacts,
    config: MaskConfig,
) -> Fate:
    unit = random_unit_reference(keys[0], begin)
    if unit < config.mask_replace_prob:
        return Fate(position, unit, MASKED, facts.mask_id)
    if unit < config.mask_replace_prob + config.random_replace_prob:
        drawn = random_below_reference(keys[1], position, len(facts.ordinary))
        return Fate(position, unit, RANDOM, int(facts.ordinary[drawn]))
    return Fate(position, unit, KEPT, token)


def trace_json(trace: MaskTrace, tokens: list[str]) -> dict[str, Any]:
    """Return a trace as JSON types; `tokens` are those of the vocabulary, by id."""
    return {
        "tokens": [tokens[i] for i in trace.ids],
        "masked_tokens": [tokens[i] for i in trace.masked],
        "groups": [list(group) for group in trace.candidates],
        "wanted": trace.wanted,
        "draws": [
            {
                "place": draw.place,
                "of": draw.count,
                "groups": list(draw.groups),
                "taken": list(draw.taken),
                "left": draw.left,
                "reason": draw.reason,
            }
            for draw in trace.draws
        ],
        "fates": [
            {"position": f.position, "draw": f.unit, "becomes": f.becomes, "token": tokens[f.token]}
            for f in trace.fates
        ],
    }
