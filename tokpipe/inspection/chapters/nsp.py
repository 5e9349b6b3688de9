"""Next sentence prediction: from the first token's vector to whether one text follows another."""

import numpy as np

from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import (
    Array,
    Chapter,
    Grid,
    Step,
    shown_tokens,
    softmax,
    vector,
)
from tokpipe.tasks.fill_mask import require_head
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ()
TEXTS = ("The dog barked.", "The cat ran away.")

_STATE = np.array([1.0, -1.0])
_POOLER = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.0, 0.0])
_CLASSES = np.array([[2.0, -1.0], [-1.0, 1.0]]), np.array([0.0, 0.0])
_ANSWERS = ("B follows A", "B is random")
_ABOUT = (
    "To learn how texts go on, a model is given two texts, A and B: half the time B came after A, "
    "half the time it was taken from somewhere else, and the model has to say which. It reads the "
    "answer off one token, [CLS], that stands before all and gathers from all."
)


def toy() -> Chapter:
    """Return the chapter on vectors of two numbers."""
    return _chapter("[CLS] A [SEP] B [SEP]", _STATE, _POOLER, _CLASSES)


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on a pair of texts in a model."""
    require_head(model, "nsp_head", "judges pairs")
    weights = model.model.weights
    assert weights.pooler is not None
    state = chosen.seen.layers[-1].left[0].astype(np.float64)
    text = " ".join(shown_tokens(chosen))
    pooler, classes = weights.pooler, weights.heads["nsp"]
    return _chapter(
        text, state, (pooler.weight, pooler.bias), (classes.weight, classes.bias), chosen.name
    )


def _chapter(
    text: str,
    state: Array,
    pooler: tuple[Array, Array],
    classes: tuple[Array, Array],
    model: str = "",
) -> Chapter:
    mapped = pooler[0] @ state + pooler[1]
    pooled = np.tanh(mapped)
    logits = classes[0] @ pooled + classes[1]
    shares = softmax(logits)
    best = int(shares.argmax())
    size = len(state)
    tables = (
        ()
        if model
        else (
            *(Grid("W", pooler[0]), vector("b", pooler[1])),
            *(Grid("U", classes[0]), vector("c", classes[1])),
        )
    )
    return Chapter(
        title="Next sentence prediction: does B follow A?",
        about=_ABOUT,
        reference='J. Devlin et al., "BERT" (2018), 3.1, task 2',
        model=model,
        steps=(
            Step(
                "The vector of the first token",
                "A vector is a row of numbers. This is what the last of the model's layers leaves "
                "at the first place. [SEP] ends a text.",
                text,
                (vector("h", state),),
            ),
            Step(
                "The pooler",
                f"h times each row of a table W of {size} · {size} learned numbers, added up; to "
                "each a learned number is added, the bias b; and tanh (tokpipe explain "
                "activations) keeps all between -1 and 1.",
                "p = tanh(W h + b)",
                (*tables[:2], vector("W h + b", mapped), vector("p", pooled)),
            ),
            Step(
                "Two scores",
                "A row of the table U for each answer, and a bias c, make its score, or logit.",
                "logits = U p + c",
                (*tables[2:], vector("logits", logits, columns=_ANSWERS)),
            ),
            Step(
                "Two probabilities",
                "e to the power of each score, divided by the sum of both (softmax).",
                "e^logit / sum of both",
                (vector("probabilities", shares, columns=_ANSWERS, digits=4),),
                f"{_ANSWERS[best]}: {100 * shares[best]:.2f} %",
            ),
        ),
    )
