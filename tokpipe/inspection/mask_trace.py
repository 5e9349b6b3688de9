"""The masking of one example, draw by draw, of any vocabulary and settings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.config import MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.kernels.mask_trace import MaskTrace, trace_row
from tokpipe.examples.masking import mask_rule


def trace_masking(
    ids: NDArray[np.int32], key: int, facts: TokenFacts, config: MaskConfig
) -> MaskTrace:
    """Mask one example, and keep every draw, or raise what `mask_examples` raises.

    The example, int32[L], special tokens included, is left as it is; its draws depend on `key`.
    """
    return trace_row(ids, key, mask_rule(facts, config))


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
