"""The attention of a model over a text as one page: all heads, one head, one token's way to it."""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.looking import LayerSeen
from tokpipe.foundation.threads import map_ordered
from tokpipe.foundation.visible import visible
from tokpipe.inspection.attention import KIND_NAMES, Chosen, numbers
from tokpipe.inspection.pages import rendered
from tokpipe.inspection.readable import signed
from tokpipe.tasks.attention import Attention
from tokpipe.tasks.attention_measures import MEASURES, even, kind_of, measure

_STEPS = 255  # of the square root of a weight
# From this step on the nearest one is taken, as below the first: two steps are 0.004 apart there.
_COARSE = 126
_OFF = 0.01 * _STEPS**2  # of the sum of a row, from where on it is mended
_SHIFTS = 0.7548776662, 0.5698402910  # of a sequence that fills the unit square evenly (R2)
# Bytes of a page. Queries and keys get what weights leave of it.
_ROOM = 2.3e6  # of 144 heads on 128 tokens
_A_WEIGHT = 0.62  # for each weight of pages that are larger


def attention_page(
    chosen: Chosen, view: str, *, exact: bool = False, threads: int | None = None
) -> str:
    """Return the page.

    Weights are stored as steps of their square roots: single ones are off by 0.004 at most, and
    those of a row add up to 1 within 0.012. Queries and keys are those of all heads if there is
    room, else of the layer in question, else of the head; each vector in 65,535 steps.

    Parameters
    ----------
    chosen
        What is shown at first: layer, head, token, and which texts of a pair.
    view
        What is shown at first: ``"model"``, ``"head"`` or ``"neuron"``.
    exact
        Whether to store all weights, queries and keys as they are: up to ten times as much.
    threads
        How many work on it; the page is the same for any number.
    """
    seen, layers = chosen.seen, chosen.seen.layers
    made = list(map_ordered(lambda layer: _layer(layer, seen, exact), layers, threads))
    found, heads = _neurons(chosen, sum(len(text) for _, text in made), exact)
    data = _data(chosen, view) | {
        "exact": exact,
        "layers": [about for about, _ in made],
        "vectors": {
            "layers": [layer.number for layer in found],
            "heads": [head + 1 for head in heads],
            "size": int(layers[0].parts()[0].shape[2]),
        },
    }
    chunks = [(f"weights-{number}", text) for number, (_, text) in enumerate(made, 1)]
    chunks += [(f"vectors-{layer.number}", _vectors(layer, heads, exact)) for layer in found]
    return rendered(
        "attention.html",
        title=f"Attention of {visible(chosen.name)}",
        styles=["attention.css"],
        scripts=["copy.js", "attention_data.js", "attention_views.js", "attention.js"],
        data=data,
        chunks=chunks,
    )


def _data(chosen: Chosen, view: str) -> dict[str, Any]:
    seen = chosen.seen
    layer = chosen.layers[0] if len(chosen.layers) == 1 else seen.layers[-1]
    plain = [int(i) for i in chosen.rows if seen.words[i]] or [int(chosen.rows[0])]
    return {
        "tokens": [
            {"text": signed(token, chosen.form), "id": id, "side": side}
            for token, id, side in zip(seen.tokens, seen.ids, seen.sides, strict=True)
        ],
        "cut": seen.cut,
        "measures": MEASURES,
        "kinds": KIND_NAMES,
        "biases": _biases(seen),
        "first": {
            "view": view,
            "layer": layer.number,
            "head": chosen.head if isinstance(chosen.head, int) else 0,
            "token": plain[0] if chosen.token is None else chosen.token,
            "from": chosen.wanted.from_ or "",
            "to": chosen.wanted.to or "",
            "numbers": chosen.wanted.numbers,
        },
    }


def _layer(layer: LayerSeen, seen: Attention, exact: bool) -> tuple[list[dict[str, Any]], str]:
    """Return what the heads of a layer do, and its weights as the page holds them."""
    weights = layer.weights()
    measures, alike = measure(weights, seen.layout), even(seen.layout)
    kinds = [kind_of(one, alike) for one in measures]
    heads = [
        {"kind": kind.name, "share": round(kind.share, 9), "measures": numbers(one)}
        for kind, one in zip(kinds, measures, strict=True)
    ]
    return heads, _deflated((weights if exact else steps_of(weights)).tobytes())


def _biases(seen: Attention) -> list[list[float]]:
    """Return what is added to the scores of each head from the farthest before to behind."""
    biases, reach = seen.layers[0].biases, len(seen) - 1
    middle = biases.shape[1] // 2
    return numbers(biases[:, middle - reach : middle + reach + 1]) if biases.size else []


def _deflated(raw: bytes) -> str:
    """Return bytes as the page holds them: deflated, with runs alone, as there are no repetitions.

    To look for others takes longer and makes the result larger.
    """
    packer = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    return base64.b64encode(packer.compress(raw) + packer.flush()).decode("ascii")


def steps_of(weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return weights as steps of their square roots: uint8[A, n, n].

    Between two steps, a weight gets the higher one as often as it is near to it, by a threshold
    that differs from place to place: so that the many small weights of a long row add up.
    """
    count = weights.shape[-1]
    places = np.arange(count, dtype=np.float64)
    turns = np.float32((places[:, None] * _SHIFTS[0] + places * _SHIFTS[1]) % 1)
    steps = np.empty(weights.shape, np.uint8)
    for some, out in zip(weights, steps, strict=True):  # one head stays in the cache
        squares = some * np.float32(_STEPS**2)
        lower = np.floor(np.sqrt(squares))
        squares -= lower * lower
        squares /= 2 * lower + 1  # how far above the lower step
        nearest = (lower < 1) | (lower >= _COARSE)
        lower += squares > np.where(nearest, np.float32(0.5), turns)
        _mend_rows(lower, some)
        out[...] = lower
    return steps


def _mend_rows(steps: NDArray[np.floating], weights: NDArray[np.floating]) -> None:
    """Take the other step for some weights of the few rows that add up to 1 % too much or little.

    Where a handful of weights has all, their thresholds may all be high or all be low.
    """
    excess = (steps * steps).sum(-1) - np.float32(_STEPS**2) * weights.sum(-1)
    for row in np.flatnonzero(abs(excess) > _OFF):
        over, now, exact = np.sign(excess[row]), steps[row], _STEPS * np.sqrt(weights[row])
        beyond = np.flatnonzero(((now - exact) * over > 0) & (exact >= 1) & (exact < _COARSE))
        for place in beyond[np.argsort(-exact[beyond], kind="stable")]:
            if abs(excess[row]) <= _OFF:
                break
            excess[row] -= 2 * now[place] * over - 1
            now[place] -= over


def _neurons(chosen: Chosen, used: int, exact: bool) -> tuple[Sequence[LayerSeen], list[int]]:
    """Choose of which layers and heads queries and keys are stored."""
    seen = chosen.seen
    heads = list(range(seen.heads))
    one = chosen.layers if len(chosen.layers) == 1 else seen.layers[-1:]
    count = len(seen) ** 2 * seen.heads * len(seen.layers)
    room = max(_ROOM, _A_WEIGHT * count) - used
    values = 2 * len(seen) * seen.layers[0].attended.shape[1]
    a_layer = 2 * values * 4 / 3  # as base64
    if exact or len(seen.layers) * a_layer <= room:
        return seen.layers, heads
    return one, heads if a_layer <= room else [
        chosen.head - 1 if isinstance(chosen.head, int) else 0
    ]


def _vectors(layer: LayerSeen, heads: list[int], exact: bool) -> str:
    """Return queries, then keys: what a step of each vector is, and how many steps its values are.

    float32[2, A, n] before int16[2, A, n, D]; exact, only float32[2, A, n, D].
    """
    parts = np.stack([part[heads] for part in layer.parts()[:2]])
    if exact:
        return _deflated(parts.tobytes())
    unit = np.abs(parts).max(-1) / np.float32(32767)
    unit[unit == 0] = 1
    return _deflated(unit.tobytes() + np.rint(parts / unit[..., None]).astype(np.int16).tobytes())
