"""Contextual vectors: one word in several sentences, the same before the encoder, not after."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.model import Model
from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import Array, Chapter, Grid, Step, shown_tokens
from tokpipe.inspection.chapters.position import SMALL, drawn, states_of
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ("token",)
TEXTS = (
    "He sat on the bank of the river.",
    "She swam to the other bank.",
    "The bank lent him money.",
)

_TEXTS = (
    ("bank", "of", "the", "river"),
    ("bank", "by", "the", "river"),
    ("bank", "lent", "him", "money"),
)
_WORD = "bank"
_ABOUT = (
    "A word can mean several things: a bank of a river, a bank that lends money. A list of vectors "
    "(rows of numbers), one a word, has the same for both. A model that reads the whole text makes "
    "another vector of the word in each text."
)
_DRAWN = (
    " The learned numbers of this small model are drawn at random: it has learned nothing, so "
    "which texts come out nearest is chance."
)
_REFERENCE = (
    'M. E. Peters et al., "Deep contextualized word representations" (2018); K. Ethayarajh, "How '
    'Contextual are Contextualized Word Representations?" (2019)'
)


def toy() -> Chapter:
    """Return the chapter on "bank" in three texts, in a small model with drawn weights."""
    words = sorted({word for text in _TEXTS for word in text})
    config = BertConfig.from_dict(SMALL.to_dict() | {"vocab_size": len(words)})
    model = Model(config, drawn(config))
    ids = [np.array([words.index(word) for word in text], np.int32) for text in _TEXTS]
    stages = [states_of(model, one, range(config.num_hidden_layers + 1)) for one in ids]
    vectors = [np.stack([state[0] for state in states]) for states in stages]
    tables = [model.parameters.views["embeddings.token"][words.index(_WORD)]] * len(_TEXTS)
    return _chapter([" ".join(text) for text in _TEXTS], _WORD, (tables, vectors))


def real(chosen: Chosen, model: BertModel, *others: Chosen) -> Chapter:
    """Return the chapter on a token that all of several texts have, in a model."""
    every = (chosen, *others)
    if len(every) < 2:
        raise ConfigError("one text compares with nothing", hint="Give two texts or more.")
    shared = _shared(every) if chosen.token is None else ""
    places = [one.seen.tokens.index(shared) if one.token is None else one.token for one in every]
    shown = [shown_tokens(one) for one in every]
    names = [tokens[place] for tokens, place in zip(shown, places, strict=True)]
    if len({*names}) > 1:
        said = ", ".join(dict.fromkeys(names))
        raise ConfigError(f"--token names {said}", hint="Name one token that all texts have.")
    tables, vectors = [], []
    for one, place in zip(every, places, strict=True):
        tables.append(model.parameters.views["embeddings.token"][one.seen.ids[place]])
        layers = one.layers[0].entered[place], *(layer.left[place] for layer in one.layers)
        vectors.append(np.stack(layers).astype(np.float64))
    texts = [" ".join(tokens) for tokens in shown]
    return _chapter(texts, names[0], (tables, vectors), chosen.name)


def _shared(every: Sequence[Chosen]) -> str:
    """Return the longest token that all texts have, a word of theirs if there is one."""
    seen, form = [one.seen for one in every], every[0].form
    words = (
        {token for token, word in zip(one.tokens, one.words, strict=True) if word} for one in seen
    )
    found = set.intersection(*words)
    if not found:
        raise ConfigError("no token is in all of the texts", hint="Write one that is.")
    others = {*form.special_tokens, form.unk_token}
    return min(found, key=lambda token: (token in others, -len(token), token))


def cosines(vectors: Sequence[Array]) -> Array:
    """Return how near each pair of texts has its vectors: [stages, pairs] of [stages, H] each."""
    lengths = [np.linalg.norm(one, axis=1) for one in vectors]
    pairs = combinations(range(len(vectors)), 2)
    return np.stack(
        [(vectors[a] * vectors[b]).sum(1) / (lengths[a] * lengths[b]) for a, b in pairs], 1
    )


def _chapter(
    texts: Sequence[str],
    who: str,
    parts: tuple[Sequence[Array], Sequence[Array]],
    model: str = "",
) -> Chapter:
    tables, vectors = parts
    layers = len(vectors[0]) - 1
    stages = ["in the list", "as it goes in", *(f"layer {n}" for n in range(1, layers + 1))]
    near = np.concatenate([cosines([table[None] for table in tables]), cosines(vectors)])
    pairs = [f"{a + 1} and {b + 1}" for a, b in combinations(range(len(texts)), 2)]
    numbered = [f"text {n}" for n in range(1, len(texts) + 1)]
    square = np.ones((len(texts), len(texts)))
    for (a, b), value in zip(combinations(range(len(texts)), 2), near[-1], strict=True):
        square[a, b] = square[b, a] = value
    return Chapter(
        title=f"Contextual vectors: {who} in {len(texts)} texts",
        about=_ABOUT,
        reference=_REFERENCE,
        model=model,
        steps=(
            Step(
                "The texts",
                f"All have {who}." + ("" if model else _DRAWN),
                "\n".join(f"{n}: {text}" for n, text in enumerate(texts, 1)),
            ),
            Step(
                "One vector before",
                "The model's list has one vector for it, whatever the text. A vector for the place "
                "where it stands is added (tokpipe explain input), and the sum goes in.",
                "",
                (Grid("as it goes in", np.stack([one[0] for one in vectors]), numbered),),
            ),
            Step(
                "How near, layer by layer",
                "How near two vectors are is told by the cosine: 1 for the same direction, 0 for "
                "a right angle, -1 for the opposite.",
                "cosine = a · b / (length of a · length of b)",
                (Grid("cosines of two texts", near, stages, pairs),),
            ),
            Step(
                "After the last layer",
                "All texts with all.",
                "",
                (Grid("cosines", square, numbered, numbered),),
                f"nearest: texts {pairs[int(near[-1].argmax())]}; "
                f"farthest: texts {pairs[int(near[-1].argmin())]}"
                if len(pairs) > 1
                else "",
            ),
        ),
    )
