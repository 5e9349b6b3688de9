"""Scaled dot-product attention of one token: query, keys, scores, softmax, weighted sum."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import (
    Array,
    Chapter,
    Grid,
    Step,
    softmax,
    token_in_question,
    token_names,
    vector,
)
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = False
TAKES = ("token",)
TEXTS = ("The cat ran.",)

# 2.08 is the logarithm of 8: one word gets eight times the share of each other
_TOKENS = ("the", "cat", "ran")
_QUERY = np.array([2.0, 0.0, 0.0, 0.0])  # of ran
_KEYS = np.array([[0.0, 2.08, 0.0, 0.0], [2.08, 0.0, 0.0, 0.0], [0.0, 0.0, 2.08, 0.0]])
_VALUES = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])


def toy() -> Chapter:
    """Return the chapter on three words, of which "ran" finds "cat"."""
    return _chapter(_TOKENS, "ran", (_QUERY, _KEYS, _VALUES), np.zeros(3))


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on one token of a text in one head of a model."""
    (layer,) = chosen.layers
    head, place = int(chosen.head) - 1, token_in_question(chosen)
    query, keys, values = (part[head].astype(np.float64) for part in layer.parts())
    scores = query[place] @ keys.T / keys.shape[1] ** 0.5
    bias = layer.scores()[head, place] - scores if layer.biases.size else 0 * scores
    names = token_names(chosen)
    where = f"{chosen.name}, layer {layer.number} of {len(chosen.seen.layers)}, {chosen.heads}"
    return _chapter(names, names[place], (query[place], keys, values), bias, where)


class _Way(NamedTuple):
    """One token's way from its query to what it gathers, and what the tokens are called."""

    names: Sequence[str]  # of all tokens
    who: str  # the one that looks
    query: Array  # [d]
    keys: Array  # [n, d]
    values: Array  # [n, d]
    bias: Array  # [n]

    @property
    def sums(self) -> Array:
        """The products of the query with each key: [n]."""
        return (self.query * self.keys).sum(1)

    @property
    def scores(self) -> Array:
        """The sums, scaled, with the bias: [n]."""
        return self.sums / len(self.query) ** 0.5 + self.bias

    @property
    def weights(self) -> Array:
        """Shares of the scores: [n]."""
        return softmax(self.scores)


def _chapter(
    names: Sequence[str], who: str, parts: tuple[Array, Array, Array], bias: Array, model: str = ""
) -> Chapter:
    way = _Way(names, who, *parts, bias)
    return Chapter(
        title=f"Attention: what {who} looks at",
        about="A token is a word or a piece of one. Attention lets each token gather what it needs "
        "from all tokens of the text, itself included: more from those that fit, less from others.",
        reference='A. Vaswani et al., "Attention Is All You Need" (2017), 3.2.1',
        model=model,
        steps=(_parts(way), _compared(way), _scaled(way), _shared(way), _gathered(way)),
    )


def _parts(way: _Way) -> Step:
    return Step(
        "Query, keys and values",
        f"The model makes three vectors (rows of {len(way.query)} numbers) of each token: a query, "
        "what it looks for; a key, what it is found by; a value, what it hands over.",
        shown=(
            vector(f"query of {way.who}", way.query),
            Grid("keys", way.keys, way.names),
            Grid("values", way.values, way.names),
        ),
    )


def _compared(way: _Way) -> Step:
    size = len(way.query)
    # the sums in front: they are seen where not all columns fit
    products = np.column_stack([way.sums, way.query * way.keys])
    return Step(
        "Compare the query with each key",
        "The numbers of the query are multiplied with those of a key, one by one, and the products "
        "added up. The sum is large where both are large at the same places.",
        f"q · k = q1 k1 + q2 k2 + … + q{size} k{size}",
        (Grid("products, and their sum", products, way.names, _numbered(size)),),
    )


def _scaled(way: _Way) -> Step:
    size = len(way.query)
    columns, heads = [way.sums, way.scores], ["sum", "score"]
    about = (
        "The more numbers a vector has, the larger the sums. So each sum is divided by the square "
    )
    about += f"root of how many there are: d = {size}, √d = {size**0.5:.3f}. The result is a score."
    formula = "score = q · k / √d"
    if way.bias.any():
        columns, heads = [way.sums, way.bias, way.scores], ["sum", "bias", "score"]
        about += " This model adds a learned number for the distance of the two tokens, the bias."
        formula += " + bias"
    return Step("Scale", about, formula, (Grid("scores", np.stack(columns, 1), way.names, heads),))


def _shared(way: _Way) -> Step:
    powers = np.exp(way.scores - way.scores.max())
    table = np.stack([way.scores, powers, way.weights], 1)
    most = int(way.weights.argmax())
    return Step(
        "Make shares of the scores",
        "e (2.718…) to the power of a score is always above 0; divided by the sum of all it is a "
        "share, and the shares add up to 1. This is called softmax. The greatest score is taken "
        "off first, which changes no share and keeps the numbers small.",
        "weight = e^(score - greatest) / sum of all e^(score - greatest)",
        (Grid("from scores to weights", table, way.names, ("score", "e^…", "weight")),),
        f"{way.who} looks at {way.names[most]} most: {way.weights[most]:.3f}",
    )


def _gathered(way: _Way) -> Step:
    weighted = way.weights[:, None] * way.values
    output = weighted.sum(0)
    nearest = int(np.linalg.norm(way.values - output, axis=1).argmin())
    return Step(
        "Add up the values, each times its weight",
        "What a token gathers is a mixture of the values: a tenth of one that has the weight 0.1.",
        "output = weight1 v1 + weight2 v2 + …",
        (
            Grid("weight times value", weighted, way.names),
            vector("their sum, the output", output),
        ),
        f"nearest to it is the value of {way.names[nearest]}",
    )


def _numbered(size: int) -> list[str]:
    return ["sum", *(f"q{i} k{i}" for i in range(1, size + 1))]
