"""What lies nearest: tokens by the rows of the token table, sentences by their vectors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.visible import visible
from tokpipe.tasks.embed import normalized
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.spec import ModelKind
from tokpipe.tokenizer.tokenizer import Tokenizer

_SPACE_MARKS = ("Ġ", "▁")


class Neighbour(NamedTuple):
    """Something near: its text, its id or number, and the cosine of the angle to it."""

    text: str
    number: int
    score: float


class WordVectors:
    """The token table of a model, as vectors of its whole words.

    These are the vectors that go into the first layer, the same in every sentence; a word of
    several tokens gets their mean.
    """

    def __init__(self, model: BertModel) -> None:
        require("model", model, BertModel, optional=False)
        self.tokenizer = model.tokenizer
        self._table = np.asarray(model.parameters.views["embeddings.token"], np.float32)
        words = whole_words(self.tokenizer).items()  # one beyond the table has no vector
        self.words = {number: word for number, word in words if number < len(self._table)}
        self._before = " " if _marks_spaces(self.tokenizer) else ""  # as inside a sentence
        if not self.words:
            raise InputError("the vocabulary has no token that is a word")
        self._ids = np.array(list(self.words))
        self._unit = normalized(self._table[self._ids])

    def vector(self, word: str) -> NDArray[np.float32]:
        """Return the vector of a word, scaled to length 1.

        Raises
        ------
        InputError
            If the vocabulary has no tokens for it.
        """
        text = self._before + word
        encoding = self.tokenizer.encode(text, add_special_tokens=False, padding=False)
        ids = [id for id in encoding.ids if id < len(self._table)]
        unknown = self.tokenizer.roles.get("unk_token")
        if not ids or (unknown is not None and self.tokenizer.ids[unknown] in ids):
            raise InputError(f"{visible(word)!r}: the vocabulary has no tokens for it")
        return normalized(self._table[ids].mean(axis=0, keepdims=True))[0]

    def nearest(self, words: Sequence[str], top: int = 10) -> list[Neighbour]:
        """Return the words nearest to the mean of some words, those left out."""
        target = np.add.reduce([self.vector(word) for word in words])
        return self._nearest(target, words, top)

    def analogy(self, one: str, two: str, three: str, top: int = 10) -> list[Neighbour]:
        """Return what is to `three` as `two` is to `one`: nearest to two - one + three.

        References
        ----------
        T. Mikolov, W. Yih and G. Zweig, "Linguistic Regularities in Continuous Space Word
        Representations" (2013), 4.
        """
        target = self.vector(two) - self.vector(one) + self.vector(three)
        return self._nearest(target, (one, two, three), top)

    def _nearest(
        self, target: NDArray[np.float32], without: Sequence[str], top: int
    ) -> list[Neighbour]:
        scores = self._unit @ normalized(target[None])[0]
        left_out = {_folded(word) for word in without}
        neighbours = []
        for row in np.argsort(-scores, kind="stable"):
            word = self.words[int(self._ids[row])]
            if _folded(word) not in left_out:
                neighbours.append(Neighbour(word, int(self._ids[row]), float(scores[row])))
            if len(neighbours) == top:
                break
        return neighbours


def whole_words(tokenizer: Tokenizer) -> dict[int, str]:
    """Return the tokens that are words by themselves: id and text, in the order of ids."""
    specials = set(tokenizer.special_tokens)
    is_wordpiece = tokenizer.spec.model is ModelKind.WORDPIECE
    marked = _marks_spaces(tokenizer)
    words = {}
    for id, token in enumerate(tokenizer.tokens):
        if token in specials or (is_wordpiece and token.startswith("##")):
            continue
        if marked and not token.startswith(_SPACE_MARKS):
            continue
        text = tokenizer.decode([id]).strip()
        if any(character.isalpha() for character in text) and "\ufffd" not in text:
            words[id] = text
    return words


def _marks_spaces(tokenizer: Tokenizer) -> bool:
    """Return whether words carry the space before them."""
    is_wordpiece = tokenizer.spec.model is ModelKind.WORDPIECE
    return not is_wordpiece and any(t.startswith(_SPACE_MARKS) for t in tokenizer.tokens)


def nearest_texts(
    queries: NDArray[np.float32], vectors: NDArray[np.float32], texts: Sequence[str], top: int = 10
) -> list[list[Neighbour]]:
    """Return the texts nearest to each query, the nearest first.

    Parameters
    ----------
    queries : float32[Q, W]
        Vectors of the queries.
    vectors : float32[B, W]
        Vectors of the texts.
    texts
        B texts.

    Raises
    ------
    ConfigError
        If there are not as many texts as vectors.
    """
    if len(vectors) != len(texts):
        raise ConfigError(f"{len(vectors)} vectors and {len(texts)} texts: as many are needed")
    scores = normalized(queries) @ normalized(vectors).T
    orders = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    return [
        [Neighbour(texts[int(i)], int(i), float(row[i])) for i in order]
        for row, order in zip(scores, orders, strict=True)
    ]


def _folded(word: str) -> str:
    return word.strip().casefold()
