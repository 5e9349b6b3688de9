"""Attention with several heads: split, attend in each, side by side again, one table after."""

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
    "shows the steps). A single mixture cannot keep apart who did something, what and when. So a "
    "layer, one of the model's steps, has several heads, each with a slice of the numbers, that "
    "look at different tokens at the same time."
)
_REFERENCE = 'A. Vaswani et al., "Attention Is All You Need" (2017), 3.2.2'


class _Heads(NamedTuple):
    """A layer's heads at work on a text."""

    names: Sequence[str]  # of the tokens
    place: int  # of the one in question
    x: Array  # [n, H]: the tokens
    weights: Array  # [A, n, n]
    found: Array  # [n, H]: what the heads found, side by side
    output: Array  # [H, H]: the map behind, from columns to rows
    bias: Array  # [H]: of that map

    @property
    def who(self) -> str:
        """What the token in question is called."""
        return self.names[self.place]

    @property
    def named(self) -> list[str]:
        """What the heads are called."""
        return [f"head {head}" for head in range(1, len(self.weights) + 1)]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Tokens, numbers of a token, heads, numbers of a head."""
        heads = len(self.weights)
        return (*self.x.shape, heads, self.x.shape[1] // heads)  # type: ignore[return-value]

    @property
    def result(self) -> Array:
        """What attention makes of the token: [H]."""
        return self.output @ self.found[self.place] + self.bias


def toy() -> Chapter:
    """Return the chapter on three words and two heads, whose queries, keys and values are x."""
    slices = [_X[:, 2 * head : 2 * head + 2] for head in range(_HEADS)]
    weights = np.stack([softmax(part @ part.T / 2**0.5) for part in slices])
    found = np.concatenate([shares @ part for shares, part in zip(weights, slices, strict=True)], 1)
    about = (
        "To keep the numbers small, the queries, keys and values here are the vectors themselves."
    )
    return _chapter(_Heads(_TOKENS, 2, _X, weights, found, _OUTPUT.T, np.zeros(4)), about)


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on one token in one layer of a model."""
    (layer,) = chosen.layers
    weight, bias, _ = layer.attention.output
    arrays = (layer.attention_input, layer.weights(), layer.attended, weight, bias)
    work = _Heads(
        token_names(chosen),
        token_in_question(chosen),
        *(array.astype(np.float64) for array in arrays),
    )
    about = "Three tables of learned numbers make queries, keys and values of the vectors."
    return _chapter(
        work, about, f"{chosen.name}, layer {layer.number} of {len(chosen.seen.layers)}"
    )


def _chapter(work: _Heads, made: str, model: str = "") -> Chapter:
    count, width, heads, size = work.shape
    return Chapter(
        title=f"Multi-head attention: where {work.who} looks with {heads} heads",
        about=_ABOUT,
        reference=_REFERENCE,
        model=model,
        steps=(
            Step(
                "The vectors",
                f"{count} tokens, a vector (a row) of {width} numbers each; [{count}, {width}] "
                f"means {count} rows of {width} numbers. {made}",
                f"x [{count}, {width}] to queries, keys and values: [{count}, {width}] each",
                (Grid("x", work.x, work.names),),
            ),
            _split(work, is_toy=not model),
            _at_work(work),
            Step(
                "Side by side again (concatenate)",
                "The outputs of the heads are put into one row.",
                f"{heads} times [{count}, {size}] = [{count}, {width}]",
                (vector(f"{work.who}, all heads", work.found[work.place]),),
            ),
            _mapped(work, is_toy=not model),
            _left_out(work),
        ),
    )


def _split(work: _Heads, *, is_toy: bool) -> Step:
    count, width, heads, size = work.shape
    slices = work.x[work.place].reshape(heads, size)
    return Step(
        "Split",
        f"Each query, key and value is cut into {heads} slices of {size} numbers, one for each "
        f"head: {count} tokens of {heads} slices become {heads} heads of {count} tokens.",
        f"[{count}, {width}] = [{count}, {heads}, {size}] to [{heads}, {count}, {size}]",
        (Grid(f"{work.who}, by heads", slices, work.named),) if is_toy else (),
    )


def _at_work(work: _Heads) -> Step:
    count, _, heads, size = work.shape
    weights = Grid(f"weights of {work.who}", work.weights[:, work.place], work.named, work.names)
    outputs = work.found[work.place].reshape(heads, size)
    return Step(
        "Each head for itself: five steps",
        "Queries times keys; divided by the root of the slice's size; made shares that add up to 1 "
        "(softmax), the weights; values times weights; added up. No head knows of the others.",
        f"weights: {heads} tables [{count}, {count}]; outputs: {heads} tables [{count}, {size}]",
        (weights, Grid(f"output of each head for {work.who}", outputs, work.named)),
    )


def _mapped(work: _Heads, *, is_toy: bool) -> Step:
    count, width, *_ = work.shape
    table = (Grid("Wᴼ", work.output.T),) if is_toy else ()
    return Step(
        "One table after the heads (Wᴼ)",
        "A last table of learned numbers mixes what the heads found: the row times each column, "
        "number by number, added up.",
        f"[{count}, {width}] · [{width}, {width}] = [{count}, {width}]",
        (*table, vector(f"output for {work.who}", work.result)),
    )


def _left_out(work: _Heads) -> Step:
    size, found, result = work.shape[3], work.found[work.place], work.result
    rows = []
    for first in range(0, len(found), size):
        of_head = slice(first, first + size)
        missing = work.output[:, of_head] @ found[of_head]
        rest = result - missing
        lengths = np.linalg.norm(rest) * np.linalg.norm(result)
        rows.append([np.linalg.norm(missing), rest @ result / lengths if lengths else 0.0])
    most = int(np.argmax([missing for missing, _ in rows]))
    return Step(
        "With one head left out",
        f"The output for {work.who} is made once more without one head. missing: the length of "
        "what is lost. direction: how near the rest points to the whole; 1 is the same.",
        "",
        (Grid("without one head", np.array(rows), work.named, ("missing", "direction")),),
        f"{work.named[most]} says most",
    )
