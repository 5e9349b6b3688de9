"""Activations: formula, values, slopes, where they level off; and what stands at the output."""

from collections.abc import Mapping, Sequence

import numpy as np

from tokpipe.bert.activations import activation_named
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import Array, Chapter, Curves, Grid, Step, softmax, vector
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ()
TEXTS = ("The cat ran.",)

FORMULAS = {
    "sigmoid": "1 / (1 + e^-x)",
    "tanh": "(e^x - e^-x) / (e^x + e^-x)",
    "relu": "x where x is above 0, else 0",
    "gelu": "x · the share of a normal distribution (mean 0, spread 1) below x",
    "elu": "x where x is above 0, else e^x - 1",
    "silu": "x · sigmoid(x)",
    "gelu_new": "x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))",
}
_POINTS = np.array([-4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0])
_AXIS = np.linspace(-4, 4, 81)
_WIDE = np.linspace(-12, 12, 2401)
_DRAWN = ("sigmoid", "tanh", "relu", "gelu", "elu")
_FLAT = 0.01  # a slope below it hardly passes on what is to be learned
_ABOUT = (
    "A network multiplies numbers by tables of learned numbers (weights). Between two tables each "
    "number x is bent by a function, the activation; otherwise the two tables would be no more "
    "than one. The slope says how much the result changes with x. A network learns from slopes: "
    "where the slope is near 0, it hardly learns."
)


def values_and_slopes(name: str, x: Array) -> tuple[Array, Array]:
    """Return what an activation makes of numbers, float64[n], and the slopes there."""
    before, out = x.astype(np.float64)[None], np.empty((1, len(x)))
    slopes, d_bias = np.ones_like(out), np.zeros(len(x))
    activation_named(name).backward(before, slopes, out, d_bias)
    return out[0], slopes[0]


def level_ends(name: str) -> tuple[float, float]:
    """Return below and above which numbers the slope stays under 0.01; NaN where it never does."""
    flat = abs(values_and_slopes(name, _WIDE)[1]) < _FLAT
    rises, falls = np.flatnonzero(~flat)[[0, -1]]
    low = _WIDE[rises - 1] if rises > 0 else np.nan
    high = _WIDE[falls + 1] if falls < len(_WIDE) - 1 else np.nan
    return float(low), float(high)


def toy() -> Chapter:
    """Return the chapter on all activations that there are."""
    return Chapter(
        title="Activations",
        about=_ABOUT,
        reference='I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning" (2016), 6.2.2 and '
        '6.3; D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units" (2016)',
        steps=(
            *_tables(tuple(FORMULAS)),
            Step(
                "At the output",
                "The last numbers of a network, each called z, are bent as the answer wants it. A "
                "number stays as it is (a linear unit). Yes or no: sigmoid makes a probability of "
                "it (a Bernoulli unit). One of several classes: e to the power of each, divided by "
                "the sum of all, makes probabilities that add up to 1 (softmax, a multinomial "
                "unit).",
                "linear: z\nsigmoid: 1 / (1 + e^-z)\nsoftmax: e^z / sum of all e^z",
                (
                    vector("z = 2, linear", np.array([2.0])),
                    vector("z = 2, probability of yes", 1 / (1 + np.exp(np.array([-2.0])))),
                    vector("z = (2, 1, 0), of three classes", softmax(np.array([2.0, 1.0, 0.0]))),
                ),
            ),
        ),
    )


def _title(drawn: Mapping[str, Array], names: Sequence[str]) -> str:
    some = "" if len(drawn) == len(names) else f"{len(drawn)} of them, "
    return f"{some}from x = -4 to 4"


def _tables(names: tuple[str, ...]) -> tuple[Step, ...]:
    found = [values_and_slopes(name, _POINTS) for name in names]
    columns = [f"{point:g}" for point in _POINTS]
    values, slopes = (np.stack(arrays) for arrays in zip(*found, strict=True))
    formulas = "\n".join(f"{name}: {FORMULAS[name]}" for name in names)
    drawn = {name: values_and_slopes(name, _AXIS)[0] for name in names if name in _DRAWN}
    drawn = drawn or {name: values_and_slopes(name, _AXIS)[0] for name in names}
    return (
        Step(
            "What they make of x",
            "Each column is an x.",
            formulas,
            (Grid("values", values, names, columns), Curves(_title(drawn, names), _AXIS, drawn)),
        ),
        Step(
            "Their slopes",
            "How much the value changes for a small change of x, as a multiple of it.",
            "",
            (Grid("slopes", slopes, names, columns),),
        ),
        Step(
            "Where they level off (saturate)",
            f"Below the first number and above the second the slope is nearer to 0 than {_FLAT}; "
            "- means that it never does on that side.",
            "",
            (
                Grid(
                    "ends",
                    np.array([level_ends(name) for name in names]),
                    names,
                    ("below", "above"),
                    digits=2,
                ),
            ),
        ),
    )


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on a model's activation, and the numbers that a text brings to it."""
    name = model.config.hidden_act
    low, high = level_ends(name)
    rows = []
    for layer in chosen.layers:
        inside = layer.gate().astype(np.float64)
        level = (inside < low) | (inside > high)  # never beyond an end that is NaN
        rows.append([inside.min(), inside.max(), (inside > 0).mean(), level.mean()])
    names = [f"layer {layer.number}" for layer in chosen.layers]
    return Chapter(
        title=f"The activation of a model: {name}",
        about=_ABOUT,
        reference='A. Vaswani et al., "Attention Is All You Need" (2017), 3.3',
        model=chosen.name,
        steps=(
            *_tables((name,)),
            Step(
                "What this text brings to it",
                f"In each layer {model.config.inner_size:,} units say a number for each of "
                f"{len(chosen.seen)} tokens. Shares are from 0 to 1.",
                "",
                (
                    Grid(
                        "numbers before the activation",
                        np.array(rows),
                        names,
                        ("least", "greatest", "above 0", "level"),
                    ),
                ),
            ),
        ),
    )
