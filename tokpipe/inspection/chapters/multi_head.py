"""Attention with several heads: split, attend in each, side by side again, and one map behind."""

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

_TOKENS = ("the", "cat", "ran")
_X = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 2.0, 1.0, 0.0], [1.0, 1.0, 0.0, 2.0]])
_OUTPUT = np.array(
    [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0], [1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]]
)
_HEADS = 2
_ABOUT = (
    "In attention each token, a word or a piece of one, has three rows of numbers: a query, "
    "what it looks for, a key, what it is found by, and a value, what it hands over. It gathers "
    "a mixture of all values, by how well the keys fit its query (tokpipe explain attention "
    "shows the steps). One mixture mixes all: who, what and when. So a layer has several heads, "
    "each with a slice of the numbers, that look at different tokens at the same time."
)
_REFERENCE = 'A. Vaswani et al., "Attention Is All You Need" (2017), 3.2.2'


def toy() -> Chapter:
    """Return the chapter on three words and two heads, whose queries, keys and values are x."""
    slices = [_X[:, 2 * head : 2 * head + 2] for head in range(_HEADS)]
    weights = np.stack([softmax(part @ part.T / 2**0.5) for part in slices])
    found = np.concatenate([shares @ part for shares, part in zip(weights, slices, strict=True)], 1)
    return _chapter(
        (_TOKENS, 2),
        _X,
        (weights, found, _OUTPUT.T, np.zeros(4)),
        "To keep the numbers small, the queries, keys and values here are the vectors themselves.",
    )


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on one token in one layer of a model."""
    (layer,) = chosen.layers
    weights = layer.weights().astype(np.float64)
    x, found = (array.astype(np.float64) for array in (layer.attention_input, layer.attended))
    output = layer.attention.output
    return _chapter(
        (token_names(chosen), token_in_question(chosen)),
        x,
        (weights, found, output.weight.astype(np.float64), output.bias.astype(np.float64)),
        "Three tables of weights make queries, keys and values of the vectors.",
        f"{chosen.name}, layer {layer.number} of {len(chosen.seen.layers)}",
    )


def _chapter(
    tokens: tuple[Sequence[str], int],
    x: Array,
    parts: tuple[Array, Array, Array, Array],
    made: str,
    model: str = "",
) -> Chapter:
    (names, place), (weights, found, output, bias) = tokens, parts
    heads, count, width = len(weights), len(x), x.shape[1]
    size, who = width // heads, names[place]
    named = [f"head {head}" for head in range(1, heads + 1)]
    result = found @ output.T + bias
    split = x[place].reshape(heads, size) if not model else found[place].reshape(heads, size)
    return Chapter(
        title=f"Multi-head attention: {heads} heads look for {who}",
        about=_ABOUT,
        reference=_REFERENCE,
        model=model,
        steps=(
            Step(
                "The vectors",
                f"{count} tokens, a vector of {width} numbers each. {made}",
                f"x [{count}, {width}] to queries, keys and values: [{count}, {width}] each",
                (Grid("x", x, names),),
            ),
            Step(
                "Split",
                f"Each vector is cut into {heads} slices of {size} numbers, one a head.",
                f"[{count}, {width}] = [{count}, {heads}, {size}] to [{heads}, {count}, {size}]",
                () if model else (Grid(f"{who}, by heads", split, named),),
            ),
            Step(
                "Each head for itself: five steps",
                "Queries times keys; divided by the root of the slice's size; made shares that add "
                "up to 1 (softmax), the weights; values times weights; added up. No head knows of "
                "the others.",
                f"{heads} weights [{count}, {count}], {heads} outputs [{count}, {size}]",
                (
                    Grid(f"weights of {who}", weights[:, place], named, names),
                    Grid(
                        f"output of each head for {who}", found[place].reshape(heads, size), named
                    ),
                ),
            ),
            Step(
                "Side by side again (concatenate)",
                "The outputs of the heads are put into one row.",
                f"{heads} times [{count}, {size}] = [{count}, {width}]",
                (vector(f"{who}, all heads", found[place]),),
            ),
            Step(
                "One map behind (Wᴼ)",
                "A last table of weights mixes what the heads found.",
                f"[{count}, {width}] · [{width}, {width}] = [{count}, {width}]",
                (
                    *(() if model else (Grid("Wᴼ", output.T),)),
                    vector(f"output for {who}", result[place]),
                ),
            ),
            _left_out((named, who), found[place], output, result[place]),
        ),
    )


def _left_out(names: tuple[Sequence[str], str], found: Array, output: Array, result: Array) -> Step:
    named, who = names
    size = len(found) // len(named)
    shares = []
    for head in range(len(named)):
        of_head = slice(head * size, (head + 1) * size)
        missing = output[:, of_head] @ found[of_head]
        rest = result - missing
        lengths = np.linalg.norm(rest) * np.linalg.norm(result)
        shares.append([np.linalg.norm(missing), rest @ result / lengths if lengths else 0.0])
    most = int(np.argmax([share for share, _ in shares]))
    return Step(
        "With one head left out",
        f"How long the part of the output for {who} is that is missing then, and how near the "
        "direction of the rest is to that of the whole: 1 is the same.",
        "",
        (Grid("without", np.array(shares), named, ("missing", "direction")),),
        f"{named[most]} says most",
    )
