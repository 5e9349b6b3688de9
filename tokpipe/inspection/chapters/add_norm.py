"""Add and norm: what a part adds to a token, and how its numbers are brought to one scale."""

import numpy as np

from tokpipe.bert.looking import LayerSeen
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import (
    Array,
    Chapter,
    Grid,
    Step,
    token_in_question,
    token_names,
    vector,
)
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ("token",)
TEXTS = ("The cat ran.",)

_BEFORE, _MADE = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, -1.0, 1.0, -1.0])
_SCALE, _SHIFT = np.array([2.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
_DEPTH = 4
_ABOUT = (
    "In a model a token, a word or a piece of one, is a row of numbers that goes through layers. A "
    "layer has two parts: attention, by which tokens gather from each other, and a feed-forward "
    "network (ffn), which works on each by itself. Neither replaces a token. What a part makes is "
    "added to it (the residual connection), and the sum is brought to one scale (the norm)."
)
_REFERENCE = (
    'J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer Normalization" (2016); R. Xiong et al., "On '
    'Layer Normalization in the Transformer Architecture" (2020)'
)


def normalised(x: Array) -> Array:
    """Return rows of mean 0 and spread 1: [..., n]."""
    return (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)


def toy() -> Chapter:
    """Return the chapter on a token of four numbers."""
    total = _BEFORE + _MADE
    return Chapter(
        title="Add and norm",
        about=_ABOUT,
        reference=_REFERENCE,
        steps=(
            Step(
                "Add",
                "The token keeps what it was, and gets what the part made on top.",
                "x + part(x)",
                (vector("x", _BEFORE), vector("part(x)", _MADE), vector("their sum", total)),
            ),
            _measured(total),
            Step(
                "Norm",
                "The mean is taken off and the rest divided by the spread: the numbers then have "
                "the mean 0 and the spread 1, whatever they were.",
                "n = (sum - mean) / spread",
                (vector("n", normalised(total)),),
            ),
            _moved(normalised(total)),
            _two_ways(),
        ),
    )


def _measured(total: Array) -> Step:
    return Step(
        "Mean and spread",
        "Of that sum: the mean is all its numbers added up, divided by how many there are. The "
        "spread (standard deviation) is how far they are from it: the root of the mean of the "
        "squares of the distances.",
        "mean = (2 + 1 + 4 + 3) / 4\nspread = √((0.25 + 2.25 + 2.25 + 0.25) / 4)",
        (vector("mean, spread", np.array([total.mean(), total.std()])),),
    )


def _moved(same: Array) -> Step:
    out = _SCALE * same + _SHIFT
    return Step(
        "Scale and shift",
        "Two learned numbers for each of the 4 columns let the model give some columns more "
        "weight.",
        "out = scale · n + shift",
        (vector("scale", _SCALE), vector("shift", _SHIFT), vector("out", out)),
    )


def _two_ways() -> Step:
    post, pre = [_BEFORE], [_BEFORE]
    for _ in range(_DEPTH):
        post.append(normalised(post[-1] + _away(post[-1])))
        pre.append(pre[-1] + _away(normalised(pre[-1])))
    spreads = np.array([[one.std(), other.std()] for one, other in zip(post, pre, strict=True)])
    name = "spread of x, where each part moves every number away from the mean by 1"
    stages = ["at first", *(f"part {n}" for n in range(1, _DEPTH + 1))]
    return Step(
        "After the sum, or before the part",
        "BERT norms the sum (post-norm): what leaves a layer has one scale. Later models norm what "
        "goes into a part and leave the sum alone (pre-norm): the sum grows from part to part, "
        "and nothing bends it on its way from the first to the last, so models with many layers "
        "are easier to train.",
        "post: x = norm(x + part(x))\npre: x = x + part(norm(x))",
        (Grid(name, spreads, stages, ("post", "pre")),),
    )


def _away(x: Array) -> Array:
    """Return what a made-up part adds: 1 to what is above the mean, -1 to what is below."""
    return np.sign(x - x.mean())


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on one token in all layers of a model, or in one."""
    place = token_in_question(chosen)
    who, first = token_names(chosen)[place], chosen.layers[0]
    names = [f"layer {layer.number}" for layer in chosen.layers]
    lengths, means, spreads = (
        np.array(part) for part in zip(*(_row(one, place) for one in chosen.layers), strict=True)
    )
    return Chapter(
        title=f"Add and norm: what layers add to {who}",
        about=_ABOUT,
        reference=_REFERENCE,
        model=f"{chosen.name}, {'pre' if first.is_pre else 'post'}-norm",
        steps=(
            _first_sum(first, place),
            Step(
                "How much is added",
                "Lengths (the root of the sum of all squares) of the token as it enters a layer, "
                "of what attention adds, and of what the feed-forward part adds; and how near the "
                "direction of the token after the layer is to that before: 1 is the same.",
                "",
                (
                    Grid(
                        "lengths, and direction",
                        lengths,
                        names,
                        ("enters", "attention", "ffn", "direction"),
                    ),
                ),
            ),
            Step(
                "Mean and spread",
                "The spread says how far the numbers are from their mean (the root of the mean of "
                "the squared distances). The norm makes it 1, then multiplies by learned numbers. "
                "As the token enters, as the sum with attention, between the parts, as the sum "
                "with the feed-forward part, and as it leaves:",
                "",
                (Grid("means", means, names, _PLACES), Grid("spreads", spreads, names, _PLACES)),
            ),
        ),
    )


def _first_sum(layer: LayerSeen, place: int) -> Step:
    before, made = layer.entered[place], layer.attention_added()[place]
    when = "before the part (pre-norm)" if layer.is_pre else "after the sum (post-norm)"
    way, part = "x = norm(x + attention(x))\nx = norm(x + ffn(x))", "attention(x)"
    if layer.is_pre:
        way, part = "x = x + attention(norm(x))\nx = x + ffn(norm(x))", "attention(norm(x))"
    return Step(
        f"Add, in layer {layer.number}",
        f"What attention made is added to the token; the norm comes {when}.",
        way,
        (vector("x", before), vector(part, made), vector("their sum", before + made)),
    )


_PLACES = ("enters", "sum 1", "between", "sum 2", "leaves")


def _row(layer: LayerSeen, place: int) -> tuple[list[float], list[float], list[float]]:
    arrays = layer.entered, layer.attention_added(), layer.middle(), layer.ffn_added(), layer.left
    entered, attention, middle, ffn, left = (one[place].astype(np.float64) for one in arrays)
    sizes = [float(np.linalg.norm(one)) for one in (entered, attention, ffn)]
    near = float(entered @ left / np.linalg.norm(entered) / np.linalg.norm(left))
    stages = entered, entered + attention, middle, middle + ffn, left
    means, spreads = ([float(of(one)) for one in stages] for of in (np.mean, np.std))
    return [*sizes, near], means, spreads
