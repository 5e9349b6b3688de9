"""Masked language modelling: from the vector at a mask to a percentage for each token."""

from collections.abc import Sequence

import numpy as np

from tokpipe.foundation.errors import InputError
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.activations import values_and_slopes
from tokpipe.inspection.chapters.chapter import (
    Array,
    Chapter,
    Grid,
    Step,
    shown_tokens,
    softmax,
    vector,
)
from tokpipe.inspection.readable import SPACE, signed
from tokpipe.tasks.fill_mask import require_head
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ("around",)
TEXTS = ("The capital of France is [MASK].",)

_WORDS = ("aardvark", "cake", "coffee", "tea", "zebra")
_TABLE = np.array([[-2.0, 0.0], [1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [-2.0, -1.0]])
_BIAS = np.array([-1.0, 0.0, 1.0, 0.0, -1.0])
_STATE = np.array([1.0, 0.5])
_LIKELIEST, _AROUND = 8, 4
_ABOUT = (
    "A model learns a language by guessing: words of a text are covered by a mask, and it has to "
    "say which stood there. It does not name one word, but gives a percentage to every token (a "
    "word or a piece of one) that it knows, its vocabulary. What it needs to know of the world and "
    "of grammar, it learns on the way."
)


def toy() -> Chapter:
    """Return the chapter on a vocabulary of five words and vectors of two numbers."""
    return _chapter(("she drank a cup of [MASK]", ""), _WORDS, (_STATE, _TABLE, _BIAS))


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on the first mask of a text in a model."""
    require_head(model, "mlm_head", "fills masks")
    seen, mask = chosen.seen, model.role_id("mask_token")
    if mask not in seen.ids:
        token = model.tokenizer.roles["mask_token"]
        raise InputError("the text has no mask", hint=f"This model's mask is {token}.")
    place = seen.ids.index(mask)
    state = seen.layers[-1].left[place].astype(np.float64)
    made = mask_vector(model, state)
    weights = model.model.weights
    names = [signed(token, chosen.form) for token in model.tokenizer.tokens]
    names += [f"id {id}" for id in range(len(names), model.config.vocab_size)]
    inside = (
        Step(
            "The vector at the mask",
            f"What the last layer leaves at place {place}, by now full of what the words around "
            "say.",
            f"h: {len(state)} numbers",
            (vector("h", state),),
        ),
        Step(
            "One more table",
            f"A table of learned numbers, {model.config.hidden_act} (tokpipe explain activations) "
            "and a norm (tokpipe explain add-norm) turn what the model knows into what a token's "
            "vector looks like.",
            "v = norm(g(W h + b))",
            (vector("v", made),),
        ),
    )
    table = weights.embeddings.token.astype(np.float64)
    bias = weights.heads["mlm"].decoder.bias.astype(np.float64)
    text = " ".join(shown_tokens(chosen))
    around = None if chosen.wanted.around is None else _id_of(chosen.wanted.around, names)
    return _chapter((text, chosen.name), names, (made, table, bias), inside, around)


def _id_of(word: str, names: Sequence[str]) -> int:
    found = [id for id, name in enumerate(names) if name.strip(SPACE) == word.strip()]
    if not found:
        raise InputError(
            f"{word!r} is no token of the vocabulary", hint="Name another for --around."
        )
    return found[0]


def mask_vector(model: BertModel, state: Array) -> Array:
    """Return what the decoder is given for a hidden state: float64[E] of float64[H]."""
    transform, norm, _ = model.model.weights.heads["mlm"]
    bent = values_and_slopes(model.config.hidden_act, transform.weight @ state + transform.bias)[0]
    spread = np.sqrt(bent.var() + model.config.layer_norm_eps)
    return (bent - bent.mean()) / spread * norm.weight + norm.bias


def _chapter(
    read: tuple[str, str],
    names: Sequence[str],
    parts: tuple[Array, Array, Array],
    inside: tuple[Step, ...] = (),
    around: int | None = None,
) -> Chapter:
    (text, model), (made, table, bias) = read, parts
    return Chapter(
        title="Masked language modelling: which word stood there?",
        about=_ABOUT,
        reference='J. Devlin et al., "BERT" (2018), 3.1, task 1',
        model=model,
        steps=(
            Step(
                "A text with a mask",
                "A vector is a row of numbers; the model makes one for each token, from the whole "
                "text.",
                text,
                () if inside else (vector("v, the vector at the mask", made),),
            ),
            *inside,
            _compared(
                names, table @ made, bias, () if inside else (Grid("vectors", table, names),)
            ),
            _percentages(names, 100 * softmax(table @ made + bias), around),
        ),
    )


def _likeliest(scores: Array) -> list[int]:
    """Return the ids of the greatest, greatest first; of equals the lower."""
    return np.argsort(-scores, kind="stable")[:_LIKELIEST].tolist()


def _compared(names: Sequence[str], dots: Array, bias: Array, tables: tuple[Grid, ...]) -> Step:
    order = _likeliest(dots + bias)
    table = np.stack([dots, bias, dots + bias], 1)[order]
    rows = [names[id] for id in order]
    return Step(
        "Compare with every token",
        "Each token of the vocabulary has a vector, the one by which it enters the model. Its "
        "numbers are multiplied with those at the mask and added up, and a learned number for the "
        "token, the bias, is added: its score, or logit.",
        f"logit = v · vector of the token + bias, for {len(names):,} tokens",
        (
            *tables,
            Grid("the highest", table, rows, ("v · vector", "bias", "logit"), (len(names), 3)),
        ),
    )


def _percentages(names: Sequence[str], shares: Array, around: int | None) -> Step:
    order = _likeliest(shares)
    best, middle = names[order[0]], order[0] if around is None else around
    alphabet = sorted(range(len(names)), key=lambda id: (names[id].strip(SPACE), id))
    at = alphabet.index(middle)
    beside = alphabet[max(at - _AROUND, 0) : at + _AROUND + 1]
    return Step(
        "Make percentages",
        "e to the power of each logit, divided by the sum of all (softmax): all are above 0 and "
        "together 100 %.",
        "percentage = 100 e^logit / sum of all e^logit",
        (
            _percent("the likeliest", shares, names, order),
            _percent(f"in the alphabet, around {names[middle]}", shares, names, beside),
        ),
        f"{best}: {shares[order[0]]:.2f} %",
    )


def _percent(name: str, shares: Array, names: Sequence[str], ids: Sequence[int]) -> Grid:
    rows = [names[id] for id in ids]
    return Grid(name, shares[list(ids)][:, None], rows, ("%",), (len(names), 1), digits=2)
