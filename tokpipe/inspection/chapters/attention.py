"""Scaled dot-product attention of one token: query, keys, scores, softmax, weighted sum."""

from collections.abc import Sequence

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


def _chapter(
    names: Sequence[str], who: str, parts: tuple[Array, Array, Array], bias: Array, model: str = ""
) -> Chapter:
    query, keys, values = parts
    size = len(query)
    products = query * keys
    sums = products.sum(1)
    scores = sums / size**0.5 + bias
    weights = softmax(scores)
    weighted = weights[:, None] * values
    return Chapter(
        title=f"Attention: what {who} looks at",
        about="A token is a word or a piece of one. Attention lets each token gather what it needs "
        "from all tokens of the text, itself included: more from those that fit, less from others.",
        reference='A. Vaswani et al., "Attention Is All You Need" (2017), 3.2.1',
        model=model,
        steps=(
            Step(
                "Query, keys and values",
                f"The model makes three vectors (rows of {size} numbers) of each token: a query, "
                "what it looks for; a key, what it is found by; a value, what it hands over.",
                shown=(
                    vector(f"query of {who}", query),
                    Grid("keys", keys, names),
                    Grid("values", values, names),
                ),
            ),
            Step(
                "Compare the query with each key",
                "The numbers of the query are multiplied with those of a key, one by one, and the "
                "products added up. The sum is large where both are large at the same places.",
                f"q · k = q1 k1 + q2 k2 + … + q{size} k{size}",
                (Grid("products, and their sum", _with_sum(products), names, _numbered(size)),),
            ),
            _scaling(names, (sums, bias, scores), size),
            Step(
                "Make shares of the scores",
                "e (2.718…) to the power of a score is always above 0; divided by the sum of all "
                "it is a share, and the shares add up to 1. This is called softmax. The greatest "
                "score is taken off first, which changes no share and keeps the numbers small.",
                "weight = e^(score - greatest) / sum of all e^(score - greatest)",
                (
                    Grid(
                        "from scores to weights",
                        np.stack([scores, np.exp(scores - scores.max()), weights], 1),
                        names,
                        ("score", "e^…", "weight"),
                    ),
                ),
                f"{who} looks at {names[int(weights.argmax())]} most: {weights.max():.3f}",
            ),
            Step(
                "Add up the values, each times its weight",
                "What a token gathers is a mixture of the values: a tenth of one that has the "
                "weight 0.1.",
                "output = weight1 v1 + weight2 v2 + …",
                (
                    Grid("weight times value", weighted, names),
                    vector("their sum, the output", weighted.sum(0)),
                ),
                f"nearest to it is the value of {names[_nearest(weighted.sum(0), values)]}",
            ),
        ),
    )


def _scaling(names: Sequence[str], parts: tuple[Array, Array, Array], size: int) -> Step:
    sums, bias, scores = parts
    columns, heads = [sums, scores], ["sum", "score"]
    about = f"The more numbers, the larger the sums: {size} of them here. The square root of that "
    about += f"number, {size**0.5:.3f}, brings them back to one scale. The result is a score."
    formula = "score = q · k / √d"
    if bias.any():
        columns, heads = [sums, bias, scores], ["sum", "bias", "score"]
        about += " This model adds a learned number for the distance of the two tokens, the bias."
        formula += " + bias"
    return Step("Scale", about, formula, (Grid("scores", np.stack(columns, 1), names, heads),))


def _with_sum(products: Array) -> Array:
    """Put the sums in front: they are seen where not all columns fit."""
    return np.concatenate([products.sum(1, keepdims=True), products], 1)


def _numbered(size: int) -> list[str]:
    return ["sum", *(f"q{i} k{i}" for i in range(1, size + 1))]


def _nearest(output: Array, values: Array) -> int:
    return int(np.linalg.norm(values - output, axis=1).argmin())
