"""What a person should know of shards that were made as asked, and yet teach little."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.kernels.words import count_words
from tokpipe.tokenizer.quality import unknown_warning

SKEWED = (0.35, 0.75)  # of random nexts; BERT's own rule gives 0.50 to 0.67
FEW_TARGETS = 0.8  # of those asked; whole words of usual text give 0.97
_ENOUGH = 100  # pairs whose share says something: a fair one is off by 0.15 in 0.3 % of draws


def word_counts(ids: NDArray[np.integer], facts: TokenFacts) -> dict[str, int]:
    """Count the words of a text or of rows, and those that are unknown."""
    words, unknown = count_words(ids, facts.counts_as_word, facts.unk_id)
    return {"words": words, "unknown words": unknown}


def build_warnings(
    tally: Counter[str], examples: ExampleConfig, masks: MaskConfig, longest_word: int | None
) -> Iterator[str]:
    """Say of what was built, by its tally, where vocabulary, masks or pairs do not fit the text."""
    words, unknown = max(tally["words"], 1), tally["unknown words"]
    text = unknown_warning(words, unknown, longest=longest_word)
    if text:
        yield text
    found, asked = tally["targets found"], tally["targets asked"]
    if found < FEW_TARGETS * asked:
        share = 100 * masks.masked_lm_prob
        yield f"{target_shortage(found, asked, share)}: {mask_cause(masks)}"
    ones, pairs = tally["labels of 1"], tally["examples"]
    if examples.pairs and pairs:
        low, high = SKEWED
        if ones in (0, pairs) or (pairs >= _ENOUGH and not low < ones / pairs < high):
            what = "have a random next" if examples.task == "nsp" else "are swapped"
            share = 100 * ones / pairs
            lone = tally["sentences"] <= tally["documents"]
            yield f"{share:.1f} % of the pairs {what}: {pair_cause(ones, pairs, examples, lone)}"


def target_shortage(found: int, asked: int, share: float) -> str:
    """Say how many targets there are of those asked; `share`: per cent of all tokens."""
    if not found:
        return f"nothing is masked, asked {share:g} % of the tokens"
    return f"{share * found / asked:.1f} % of the tokens are masked, asked {share:g} %"


def mask_cause(masks: MaskConfig) -> str:
    """Say why fewer tokens are masked than were asked for, and what to do."""
    if masks.by_words:
        option = "--whole-word" if masks.span == "none" else "--span"
        return (
            "words are long, or many are unknown, which are never chosen; "
            f"without {option} single tokens are"
        )
    return "the others are special or unknown, which are never chosen; does the vocabulary fit?"


def pair_cause(ones: int, pairs: int, examples: ExampleConfig, lone: bool = True) -> str:
    """Say why the labels of pairs are skewed, and what to do.

    `lone`: whether each document is one sentence, as far as is known.
    """
    if ones == 0 and examples.task == "nsp":
        return "there is no other document to take a next from; part documents by blank lines"
    if ones == pairs and lone and examples.task == "nsp":
        return (
            "each document is one sentence, after which none follows; give longer documents, or "
            "build without pairs (--no-nsp)"
        )
    if ones > pairs / 2 and examples.task == "nsp":
        many = "many documents are one sentence"
        if examples.nsp_balance == "exact":
            return f"{many}, more than the others can make up for; give longer documents"
        return f"{many}; --nsp-balance exact makes up for them as far as the others can"
    return "there are too few of them for a fair share"
