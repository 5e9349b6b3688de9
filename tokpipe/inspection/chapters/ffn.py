"""The feed-forward part: two linear maps with an activation between them, for each token alone."""

import numpy as np

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
ALL_LAYERS = False
TAKES = ("token",)
TEXTS = ("The cat ran.",)

# whether two bits are equal: what XOR, turned round, says
_INPUT, _B1 = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0])
_OUTPUT, _B2 = np.array([-1.0, 2.0]), 1.0
_POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_NAMES = [f"x = ({a:.0f}, {b:.0f})" for a, b in _POINTS]
_FARTHEST = 8  # units that are named
_ABOUT = (
    "A feed-forward network turns one row of numbers into another: it multiplies by a table of "
    "learned numbers (weights), adds a number to each result (the bias), bends what comes out by a "
    "function g (the activation), and multiplies by a second table. In a model such as BERT every "
    "token, a word or a piece of one, is a row of numbers and goes through such a network by "
    "itself."
)


def toy() -> Chapter:
    """Return the chapter on two bits, which it finds equal or not."""
    inside = _POINTS @ _INPUT + _B1
    bent = np.maximum(inside, 0)
    return Chapter(
        title="A feed-forward network: are two bits equal?",
        about=_ABOUT,
        reference='I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning" (2016), 6.1',
        steps=(
            _toy_weights(),
            _toy_point(inside[0], bent[0]),
            _toy_points(inside, bent),
            _toy_straight(inside, bent),
        ),
    )


def _y(inside: Array) -> Array:
    return inside @ _OUTPUT + _B2


def _toy_weights() -> Step:
    last = np.array([_B2])
    return Step(
        "The weights",
        "Two inputs, two numbers inside (called units), one output. W and b1 are the first table "
        "and its bias, w and b2 the second. Wᵀ x: x times each column of W, number by number, "
        "added up. Here g is ReLU: what is below 0 becomes 0, all else stays.",
        "y = wᵀ g(Wᵀ x + b1) + b2",
        (Grid("W", _INPUT), vector("b1", _B1), vector("w", _OUTPUT), vector("b2", last)),
    )


def _toy_point(inside: Array, bent: Array) -> Step:
    y = _y(bent)
    return Step(
        "One point: x = (0, 0)",
        "From the inside out: first the table W, then the bias, then g, then w, then the last "
        "bias.",
        "y = -1 · 0 + 2 · 0 + 1 = 1",
        (
            vector("Wᵀ x", inside - _B1),
            vector("Wᵀ x + b1", inside),
            vector("g(Wᵀ x + b1)", bent),
            vector("y", np.array([y])),
        ),
        f"y = {y:.0f}: the two bits are equal",
    )


def _toy_points(inside: Array, bent: Array) -> Step:
    table, columns = np.column_stack([inside, bent, _y(bent)]), ("inside", "inside", "bent", "bent")
    return Step(
        "All four points",
        "1 says that the bits are equal, 0 that they are not: the opposite of XOR, which is 1 if "
        "just one of the two bits is 1.",
        "",
        (Grid("from the inside to y", table, _NAMES, (*columns, "y")),),
    )


def _toy_straight(inside: Array, bent: Array) -> Step:
    table = np.column_stack([_y(bent), _y(inside)])
    return Step(
        "Why g must bend",
        "Without g the two tables are no more than one table: each bit changes y by a fixed "
        "amount, whatever the other bit is. No such y is 1, 0, 0, 1.",
        "y = wᵀ (Wᵀ x + b1) + b2",
        (Grid("y with g, and without", table, _NAMES, ("with", "without")),),
    )


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on one token in one layer of a model."""
    (layer,) = chosen.layers
    place = token_in_question(chosen)
    who = token_names(chosen)[place]
    inside, gated = layer.gate()[place], model.config.ffn == "glu"
    carried = layer.inner[place, len(inside) :] if gated else None
    sizes = layer.ffn_input.shape[1], len(inside)
    return Chapter(
        title=f"The feed-forward part: what it makes of {who}",
        about=_ABOUT,
        reference='A. Vaswani et al., "Attention Is All You Need" (2017), 3.3',
        model=f"{chosen.name}, layer {layer.number} of {len(chosen.seen.layers)}",
        steps=(
            _goes_in(who, layer.ffn_input[place], layer.is_pre),
            _outward(inside, sizes, carried),
            _bent(inside, layer.activated()[place], model.config.hidden_act, gated),
            _back(layer.ffn_added()[place], sizes),
            _added(layer.middle()[place], layer.ffn_added()[place]),
        ),
    )


def _goes_in(who: str, x: Array, is_pre: bool) -> Step:
    about = (
        "A model works in layers. In each, tokens first gather from one another (tokpipe explain "
    )
    about += f"attention). This is the row of {who} after that"
    about += ", brought to one scale." if is_pre else "."
    return Step("What goes in", about, f"x: {len(x)} numbers", (vector("x", x),))


def _outward(inside: Array, sizes: tuple[int, int], carried: Array | None) -> Step:
    hidden, inner = sizes
    about = f"Each of {inner:,} numbers inside, called units, has {hidden} weights and a bias."
    formula = f"h = Wᵀ x + b1: {hidden} · {inner:,} weights and {inner:,} biases"
    drawn = [vector("h", inside)]
    if carried is not None:
        about += " A second table of that size makes as many values, which the units will let pass."
        formula += "\nv = Vᵀ x + b3: as many"
        drawn.append(vector("v", carried))
    return Step(
        f"Out to {inner:,} units",
        about,
        formula,
        tuple(drawn),
        f"{(inside > 0).sum():,} of {inner:,} units are above 0",
    )


def _bent(inside: Array, bent: Array, act: str, gated: bool) -> Step:
    most = np.argsort(-abs(bent), kind="stable")[:_FARTHEST]
    table = np.stack([inside[most], bent[most]], 1)
    units = [f"unit {unit}" for unit in most]
    return Step(
        "The activation",
        f"Each unit by itself is bent by {act}; tokpipe explain activations draws it."
        + (" It is a gate: its value is multiplied by it." if gated else ""),
        f"a = {act}(h) · v" if gated else f"a = {act}(h)",
        (vector("a", bent), Grid("the units that are farthest from 0", table, units, ("h", "a"))),
        f"without their signs, the greatest {_half(bent):,} of {len(bent):,} add up to half of all",
    )


def _back(added: Array, sizes: tuple[int, int]) -> Step:
    hidden, inner = sizes
    return Step(
        "Back to the width of the token",
        "A second table and a second bias make as many numbers as went in.",
        f"y = wᵀ a + b2: {inner:,} · {hidden} weights and {hidden} biases",
        (vector("y", added),),
    )


def _added(middle: Array, added: Array) -> Step:
    before, length, after = (np.linalg.norm(one) for one in (middle, added, middle + added))
    return Step(
        "Added to the token",
        "What the part made is added to what was there before it, so that the token keeps what it "
        "was; tokpipe explain add-norm goes on from here.",
        "x + y",
        (vector("before", middle), vector("y", added), vector("sum", middle + added)),
        f"length (root of the sum of the squares) before {before:.3f}, of y {length:.3f}, of the "
        f"sum {after:.3f}",
    )


def _half(values: Array) -> int:
    """Return how many of the greatest sizes are half of all."""
    sizes = np.sort(abs(values.astype(np.float64)))[::-1].cumsum()
    return int(np.searchsorted(sizes, sizes[-1] / 2)) + 1
