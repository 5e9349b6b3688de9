"""Rows of a vocabulary's tables in another vocabulary: found by token, or made of what is there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.heads.masked_tokens import BIAS
from tokpipe.bert.parameters import fill_normal
from tokpipe.foundation.seeds import stream_key
from tokpipe.tokenizer.spec import DecoderKind
from tokpipe.tokenizer.tokenizer import Tokenizer

OF_VOCABULARY = ("embeddings.token", BIAS)  # tensors with a row for each token


class TokenRows(NamedTuple):
    """Where each row of a new table comes from."""

    # int32[V]: the row of the old table with the same token, -1: there is none
    same: NDArray[np.int32]
    # the old rows whose mean stands for a new token, by its id; of none: the mean of all
    pieces: Mapping[int, Sequence[int]]

    @property
    def new(self) -> NDArray[np.int64]:
        """Ids of the tokens that the old vocabulary has not: int64[N]."""
        return np.flatnonzero(self.same < 0)


def matched_rows(old: Tokenizer, new: Tokenizer, rows: int | None = None) -> TokenRows:
    """Match two vocabularies by token; special tokens by what they are for, where names differ.

    Parameters
    ----------
    rows
        How many the old table has: a token beyond, added to the tokenizer alone, has none. None: as
        many as there are tokens.

    Examples
    --------
    >>> from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
    >>> old, new = (
    ...     Tokenizer(spec_from_bert_vocab(["[UNK]", *words]))
    ...     for words in (["car", "##dio", "b"], ["b", "cardio", "q"])
    ... )
    >>> rows = matched_rows(old, new)
    >>> rows.same.tolist(), dict(rows.pieces)
    ([0, 3, -1, -1], {2: [1, 2], 3: []})
    """
    most = old.vocab_size if rows is None else rows
    known = {token: number for token, number in old.ids.items() if number < most}
    same = np.array([known.get(token, -1) if token else -1 for token in new.tokens], np.int32)
    for role, token in new.roles.items():
        number, theirs = new.ids[token], old.roles.get(role)
        if same[number] < 0 and theirs is not None:
            same[number] = known.get(theirs, -1)
    decoder = old.spec.decoder
    mark = decoder.mark if decoder.kind is DecoderKind.WORDPIECE else ""
    missing = np.flatnonzero(same < 0).tolist()
    return TokenRows(same, {number: _split(new.tokens[number], known, mark) for number in missing})


def moved(table: NDArray[np.float32], rows: TokenRows, how: str, seed: int) -> NDArray[np.float32]:
    """Return a table of the old vocabulary's rows as the new one has them.

    Parameters
    ----------
    table : float32[V, E] or float32[V]
        Of the old vocabulary.
    how
        What new rows are: one of `start_config.NEW_ROWS`. "normal" draws them by mean and
        covariance of all (Hewitt 2021, "Initializing New Word Embeddings for Pretrained Language
        Models").

    Returns
    -------
    float32[W, E] or float32[W]
        Of the new one.
    """
    plain, new = table.reshape(len(table), -1), rows.new
    made = plain[rows.same]  # of a large vocabulary no second copy, and none in float64
    fresh = np.repeat(plain.mean(axis=0, dtype=np.float64, keepdims=True), len(new), axis=0)
    if how == "pieces":
        for row, number in enumerate(new.tolist()):
            if pieces := rows.pieces.get(number):
                fresh[row] = plain[pieces].mean(axis=0, dtype=np.float64)
    elif how == "normal":
        fresh += _deviations(plain, len(new), seed)
    made[new] = fresh
    return made.reshape(-1, *table.shape[1:])


def _deviations(table: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float64]:
    """Draw deviations from the mean, float64[count, E], with the covariance of a table's rows."""
    width = table.shape[1]
    drawn = np.empty(count * width, np.float32)
    fill_normal(stream_key(seed, f"new rows {width}"), 1.0, drawn)
    values, vectors = np.linalg.eigh(np.cov(table, rowvar=False).reshape(width, width))
    root = vectors * np.sqrt(np.maximum(values, 0))  # of few rows it has zeros: no Cholesky
    return drawn.astype(np.float64).reshape(count, width) @ root.T


def _split(token: str, ids: Mapping[str, int], mark: str) -> list[int]:
    """Split a token into the longest pieces there are, from the left; [] if that cannot be."""
    is_inner = bool(mark) and token.startswith(mark)
    rest, found = token.removeprefix(mark) if is_inner else token, []
    while rest:
        before = mark if found or is_inner else ""
        lengths = range(len(rest), 0, -1)
        piece = next((before + rest[:n] for n in lengths if before + rest[:n] in ids), None)
        if piece is None:
            return []
        found.append(ids[piece])
        rest = rest[len(piece) - len(before) :]
    return found
