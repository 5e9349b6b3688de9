"""The one function that masks: when shards are built (static), and when they are read (dynamic)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.kernels.mask_trace import CONTINUES, FIXED, MaskRule
from tokpipe.examples.kernels.masks import mask_rows
from tokpipe.foundation.errors import ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """What is to be predicted."""

    positions: NDArray[np.int32]  # int32[M]: within the example, ascending
    ids: NDArray[np.int32]  # int32[M]: the tokens that stood there
    offsets: NDArray[np.int64]  # int64[E + 1]: which of them belong to an example


def mask_examples(
    input_ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keys: NDArray[np.uint64],
    facts: TokenFacts,
    config: MaskConfig,
) -> Masks:
    """Mask examples in place.

    An example of L tokens gets ``min(max_predictions_per_seq, max(1, round(prob * L)))`` targets,
    as BERT has it; fewer if it has fewer that may be chosen, or if no more whole words fit. Words
    longer than that many tokens are masked in part, once no others fit.

    Parameters
    ----------
    input_ids : int32[N]
        The examples, end to end; changed.
    offsets : int64[E + 1]
        Their borders.
    keys : uint64[E]
        Of each example's draws: the masks depend on its key and its tokens alone.
    facts, config

    Raises
    ------
    ConfigError
        If the vocabulary has no mask token, or nothing that a random token could be.

    Examples
    --------
    >>> facts = TokenFacts.of_tokens(["[CLS]", "[MASK]", "a"], {"[CLS]", "[MASK]"}, {"mask": 1}, "")
    >>> ids = np.array([0, 2, 2, 0], np.int32)
    >>> config = MaskConfig(masked_lm_prob=0.5, mask_replace_prob=1, random_replace_prob=0)
    >>> masks = mask_examples(ids, np.array([0, 4]), np.zeros(1, np.uint64), facts, config)
    >>> ids.tolist(), masks.positions.tolist(), masks.ids.tolist()
    ([0, 1, 1, 0], [1, 2], [2, 2])
    """
    rule = mask_rule(facts, config)
    room = wanted_targets(np.diff(offsets), config)
    positions, originals = np.empty(room, np.int32), np.empty(room, np.int32)
    borders = np.zeros(len(offsets), np.int64)
    filled = mask_rows(input_ids, offsets, keys, rule, (positions, originals, borders))
    return Masks(positions[:filled], originals[:filled], borders)


def wanted_targets(lengths: NDArray[Any], config: MaskConfig) -> int:
    """Return how many targets examples of some lengths (int[E]) are to have together."""
    most = config.max_predictions_per_seq or np.iinfo(np.int32).max
    wanted = np.rint(lengths * config.masked_lm_prob).astype(np.int64)
    return int(np.clip(wanted, 1, most).sum())


def mask_rule(facts: TokenFacts, config: MaskConfig) -> MaskRule:
    """Return what is asked as kernels take it, or raise what `mask_examples` raises."""
    check_facts(facts, config)
    to_mask = config.mask_replace_prob
    return MaskRule(
        _kinds(facts, config),
        _random_tokens(facts, config),
        facts.mask_id,
        np.array([config.masked_lm_prob, to_mask, to_mask + config.random_replace_prob]),
        config.max_predictions_per_seq or np.iinfo(np.int32).max,
        span_lengths(config),
    )


def check_facts(facts: TokenFacts, config: MaskConfig) -> None:
    """Refuse a vocabulary that cannot be masked."""
    if facts.mask_id < 0:
        raise ConfigError(
            "the vocabulary has no mask token",
            hint="Train it with one of --special-tokens [MASK] or <mask>.",
        )
    if config.random_replace_prob > 0 and not len(facts.ordinary):
        raise ConfigError("the vocabulary has special tokens only: no random token can be drawn")


def span_lengths(config: MaskConfig) -> NDArray[np.float64]:
    """Return the chance that a span has at most 1, 2, … words; empty if tokens are chosen.

    A geometric distribution, cut at the longest span and scaled to add up to 1.

    Examples
    --------
    >>> span_lengths(MaskConfig(span="geometric", span_prob=0.5, span_longest=2)).tolist()
    [0.6666666666666666, 1.0]
    """
    if config.span == "none":
        return np.ones(1 if config.whole_word else 0)
    below = 1 - (1 - config.span_prob) ** np.arange(1, config.span_longest + 1)
    return below / below[-1]


def _kinds(facts: TokenFacts, config: MaskConfig) -> NDArray[np.uint8]:
    """Return uint8[V]: the kinds of tokens, as the kernel wants them."""
    fixed = facts.is_special
    if config.compat == "google":
        fixed = np.zeros_like(facts.is_special)
        fixed[[id_ for id_ in (facts.cls_id, facts.sep_id) if id_ >= 0]] = FIXED
    return fixed | CONTINUES * facts.continues_word if config.by_words else fixed


def _random_tokens(facts: TokenFacts, config: MaskConfig) -> NDArray[np.int32]:
    if config.compat == "none":
        return facts.ordinary
    return np.arange(facts.vocab_size, dtype=np.int32)
