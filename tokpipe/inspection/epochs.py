"""One text under static and dynamic masking, pass after pass: what a model would see of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np

from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.kernels.mask_trace import MaskTrace
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.seeds import stream_key
from tokpipe.inspection.mask_trace import trace_masking
from tokpipe.shards.vocabulary import token_facts
from tokpipe.tokenizer.tokenizer import Tokenizer

MOST_TOKENS = 512  # a line each; the longest example of BERT, too


@dataclass(frozen=True)
class Passes:
    """The masks of one kind of masking, one for each pass over the corpus."""

    name: str
    masks: Sequence[MaskTrace]

    @property
    def overlap(self) -> float | None:
        """Mean share of a pass's masked positions that another pass masks too; None for one."""
        chosen = [set(mask.positions) for mask in self.masks]
        pairs = [(len(a & b), len(a)) for a, b in combinations(chosen, 2)]
        return fmean(both / max(own, 1) for both, own in pairs) if pairs else None

    @property
    def positions(self) -> set[int]:
        """The positions that any pass masks."""
        return {position for mask in self.masks for position in mask.positions}


@dataclass(frozen=True)
class EpochsView:
    """A text and its masks."""

    ids: tuple[int, ...]  # the text as ids, special tokens included
    candidates: int  # how many of them may be chosen
    # `static`, `dynamic`: its masks, pass by pass
    static: Passes
    dynamic: Passes
    copies: int  # how many masked copies the static ones come from

    @property
    def chance(self) -> float:
        """The overlap of two draws that know nothing of each other: chosen / candidates."""
        sizes = [len(mask.positions) for mask in self.dynamic.masks]
        return fmean(sizes) / self.candidates if self.candidates else 0.0


def encode_one(text: str, tokenizer: Tokenizer) -> tuple[np.ndarray, TokenFacts]:
    """Return a text as int32[L], special tokens included, and the facts of its vocabulary.

    A text that is long, or in which nothing can be masked, is a `ConfigError`.
    """
    ids = np.array(tokenizer.encode(text, padding=False).ids, np.int32)
    facts = token_facts(tokenizer)
    if not len(ids) or facts.is_special[ids].all():
        raise ConfigError("There is no token in the text that may be masked", hint="Give a TEXT.")
    if len(ids) > MOST_TOKENS:
        raise ConfigError(
            f"{len(ids):,} tokens, at most {MOST_TOKENS} can be looked at",
            hint="Give one sentence; inspect shards shows examples of a whole corpus.",
        )
    return ids, facts


def view_epochs(
    text: str, tokenizer: Tokenizer, config: MaskConfig, epochs: int, seed: int
) -> EpochsView:
    """Mask a text once for each of several passes; what cannot be is refused as by `encode_one`.

    Static masks are those of the copies that `build_shards` stores: pass e sees copy e, and from
    the last copy on the first again. Dynamic ones are drawn anew, as the loader does.

    `dupe_factor` of the settings is the number of static copies.
    """
    ids, facts = encode_one(text, tokenizer)
    keys = [stream_key(seed, "mask", epoch, 0, 0) for epoch in range(epochs)]
    drawn = [trace_masking(ids, key, facts, config) for key in keys]
    copies = min(config.dupe_factor, epochs)
    stored = [drawn[epoch % copies] for epoch in range(epochs)]
    candidates = sum(map(len, drawn[0].candidates))
    return EpochsView(
        tuple(ids.tolist()),
        candidates,
        Passes("static", stored),
        Passes("dynamic", drawn),
        config.dupe_factor,
    )


def epochs_json(view: EpochsView, tokens: Sequence[str]) -> dict[str, Any]:
    """Return a view as JSON types; `tokens` are those of the vocabulary, by id."""
    return {
        "tokens": [tokens[i] for i in view.ids],
        "candidates": view.candidates,
        "dupe_factor": view.copies,
        "overlap_by_chance": view.chance,
        **{passes.name: _passes_json(passes, tokens) for passes in (view.static, view.dynamic)},
    }


def _passes_json(passes: Passes, tokens: Sequence[str]) -> dict[str, Any]:
    return {
        "overlap": passes.overlap,
        "different_positions": len(passes.positions),
        "epochs": [
            {
                "positions": list(mask.positions),
                "becomes": [fate.becomes for fate in mask.fates],
                "input_tokens": [tokens[i] for i in mask.masked],
            }
            for mask in passes.masks
        ],
    }
