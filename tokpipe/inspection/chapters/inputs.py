"""What goes in: the vectors of token, segment and position, added up."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.positions import sine_table
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import Array, Chapter, Grid, Step, token_names
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ()
TEXTS = ("The dog barked.", "It ran.")

_TOKENS = ("[CLS]", "dogs", "bark", "[SEP]", "they", "run", "[SEP]")
_SEGMENTS = np.array([0, 0, 0, 0, 1, 1, 1])
_TABLE: Mapping[str, Sequence[float]] = {
    "[CLS]": (0, 0, 0, 0),
    "[SEP]": (0, 0, 0, 1),
    "dogs": (1, 0, 2, 0),
    "bark": (2, 1, 0, 0),
    "they": (1, 0, 1, 0),
    "run": (2, 2, 0, 0),
}
_SEGMENT_TABLE = np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0]])
_A_PLACE = np.array([0.1, 0.0, 0.0, 0.0])
_ABOUT = (
    "A text is cut into tokens, words or pieces of words, and each has a number in the vocabulary, "
    "the list of all tokens. A model can read two texts as a pair. It computes with vectors (rows "
    "of numbers), so it has a learned one for each token. Where a token stands, and to which text "
    "of a pair it belongs, is told by two more, which are added."
)
_TOLD = {
    "token": ("The token", "Each number of the vocabulary has a vector, the same in all texts."),
    "segment": ("The segment", "0 is the first text of a pair, 1 the second; each has a vector."),
    "position": ("The position", "Each place, counted from 0, has a vector."),
}


def toy() -> Chapter:
    """Return the chapter on two short texts and vectors of four numbers."""
    known = list(_TABLE)
    parts = {
        "token": np.array([_TABLE[token] for token in _TOKENS], np.float64),
        "segment": _SEGMENT_TABLE[_SEGMENTS],
        "position": np.arange(len(_TOKENS))[:, None] * _A_PLACE,
    }
    numbers = np.array([[known.index(token) for token in _TOKENS], _SEGMENTS, range(len(_TOKENS))])
    return _chapter([f"{i} {token}" for i, token in enumerate(_TOKENS)], numbers, parts)


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on a text, or a pair, in a model."""
    seen, config, views = chosen.seen, model.config, model.parameters.views
    count, kinds = len(seen), np.array(seen.segments)
    parts = {"token": views["embeddings.token"][list(seen.ids)]}
    if config.type_vocab_size:
        parts["segment"] = views["embeddings.segment"][kinds]
    if config.has_places:
        parts["position"] = views["embeddings.position"][config.position_offset :][:count]
    if config.position == "sinusoidal":
        parts["position"] = sine_table(count, config.embedding_width).astype(np.float32)
    numbers = np.array([seen.ids, kinds, range(count)])
    return _chapter(token_names(chosen), numbers, parts, seen.layers[0].entered, chosen.name)


def _chapter(
    names: Sequence[str],
    numbers: NDArray[np.integer],
    parts: Mapping[str, Array],
    entered: Array | None = None,
    model: str = "",
) -> Chapter:
    total = np.sum(list(parts.values()), axis=0)
    steps = [
        Step(
            "Tokens as numbers",
            "[CLS] stands before all, [SEP] after each text; in other models they have other "
            "names.",
            "",
            (
                Grid(
                    "numbers",
                    numbers.T.astype(np.float64),
                    names,
                    ("token", "segment", "place"),
                    digits=0,
                ),
            ),
        )
    ]
    for name, values in parts.items():
        steps.append(Step(*_TOLD[name], shown=(Grid(f"{name} vectors", values, names),)))
    steps.append(
        Step(
            "Added up",
            "Number by number.",
            f"input = {' + '.join(parts)}",
            (Grid("sums", total, names),),
        )
    )
    if entered is not None:
        about = "The sums are brought to one scale (tokpipe explain add-norm shows how)"
        if total.shape[1] != entered.shape[1]:
            about += f" and widened from {total.shape[1]} numbers to {entered.shape[1]}"
        steps.append(
            Step("What enters the first layer", f"{about}.", shown=(Grid("input", entered, names),))
        )
    return Chapter(
        title="Input: " + " + ".join(parts),
        about=_ABOUT,
        reference='J. Devlin et al., "BERT" (2018), 3, figure 2',
        model=model,
        steps=tuple(steps),
    )
