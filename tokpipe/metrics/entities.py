"""How well entities are found, of tags word by word: lenient as conlleval, and strict.

Lenient, a sequence that breaks its scheme still means something: ``I-PER`` behind ``O`` begins an
entity, a change of type begins another. Strict, only what the scheme allows is an entity: ``B``
and ``I`` of one type in IOB2; ``B``, any number of ``I``, ``E``, or an ``S``, in IOBES, which is
taken to be the scheme where the names hold an ``E-`` or ``S-``.

References
----------
E. Tjong Kim Sang, F. De Meulder: Introduction to the CoNLL-2003 Shared Task, CoNLL 2003.
L. Ramshaw, M. Marcus: Text Chunking using Transformation-Based Learning, VLC 1995.
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokpipe.foundation.doors import described
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.sizes import plural
from tokpipe.metrics.classes import ClassCounts, ClassRow, rows_of
from tokpipe.metrics.columns import as_array, checked_codes, require_choice

Mode = Literal["lenient", "strict"]
_O, _B, _I, _E, _S = range(5)
_PREFIXES = {  # those of IOBES, and what BILOU and BMES have for them
    **{"O": _O, "B": _B, "I": _I, "E": _E, "S": _S},
    **{"M": _I, "L": _E, "U": _S},
}


class Entities(NamedTuple):
    """Entities of one column of tags, in ascending order."""

    # `start`, `stop`: int64[M]: words
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    kind: NDArray[np.int64]  # int64[M]: index into the types


class Parsed(NamedTuple):
    """What the names of tags say."""

    prefix: NDArray[np.int64]  # int64[names]: what `_PREFIXES` says
    kind: NDArray[np.int64]  # int64[names]: index into `types`; -1 for O
    types: tuple[str, ...]  # of entities, sorted


def entity_types(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types of entities that the names of tags speak of, sorted."""
    return _parsed(names).types


def find_entities(
    tags: ArrayLike, borders: ArrayLike, names: tuple[str, ...], mode: Mode
) -> Entities:
    """Return the entities that a column of tags says.

    Parameters
    ----------
    tags : int[W]
        Index into `names`; a word with a number below 0 has no tag, and is outside.
    borders : int[S + 1]
        Of the sentences, in words; no entity crosses one.
    names
        ``O``, and a prefix B, I, E or S with a type: ``B-PER``; of BILOU and BMES L, U and M.
    mode
        "lenient" or "strict".

    Raises
    ------
    InputError
        If a name is none of a tag of entities, or the mode is another.
    """
    require_choice("mode", mode, get_args(Mode))
    words, parsed = np.asarray(tags, np.int64), _parsed(names)
    prefix = np.where(words < 0, _O, parsed.prefix[words])
    kind = np.where(words < 0, -1, parsed.kind[words])
    is_first = np.zeros(len(words) + 1, np.bool_)
    is_first[np.asarray(borders, np.int64)] = True
    begins = _begins(prefix, kind, is_first[:-1], mode)
    goes_on = ~begins & _goes_on(prefix, kind, is_first[:-1], mode)
    start = np.flatnonzero(begins)
    breaks = np.append(np.flatnonzero(~goes_on), len(words))
    stop = breaks[np.searchsorted(breaks, start, side="right")]
    found = Entities(start, stop, kind[start])
    if mode == "strict" and {_E, _S} & set(parsed.prefix.tolist()):
        closed = np.isin(prefix[stop - 1], (_E, _S))
        found = Entities(*(column[closed] for column in found))
    return found


def entity_counts(
    gold: ArrayLike,
    predicted: ArrayLike,
    borders: ArrayLike,
    names: tuple[str, ...],
    mode: Mode = "lenient",
) -> NDArray[np.int64]:
    """Count hits, gold entities and predicted ones of each sentence and type.

    Parameters
    ----------
    gold, predicted : int[W]
        Index into `names`.
    borders : int[S + 1]
        Of the sentences.
    names, mode
        As in `find_entities`.

    Returns
    -------
    int64[3, S, types]
        An entity is hit if start, stop and type are those of a gold one.

    Raises
    ------
    InputError
        If the columns cannot be scored.
    """
    truth, guess, starts = checked_tags(gold, predicted, borders, names)
    sides = [find_entities(tags, starts, names, mode) for tags in (truth, guess)]
    width = len(truth) + 1
    keys = [(one.kind * width + one.start) * width + one.stop for one in sides]
    hits = Entities(*(column[np.isin(keys[0], keys[1])] for column in sides[0]))
    types, sentences = len(entity_types(names)), len(starts) - 1
    counts = np.zeros((3, sentences, types), np.int64)
    for out, found in zip(counts, (hits, *sides), strict=True):
        sentence = np.searchsorted(starts, found.start, side="right") - 1
        np.add.at(out, (sentence, found.kind), 1)
    return counts


def entity_f1(
    gold: ArrayLike,
    predicted: ArrayLike,
    borders: ArrayLike,
    names: tuple[str, ...],
    mode: Mode = "lenient",
) -> float:
    """Return F1 over the entities of all types together; 0 where there are none.

    Parameters and errors are those of `entity_counts`.

    Examples
    --------
    >>> names = ("O", "B-PER", "I-PER")
    >>> entity_f1([1, 2, 0, 1], [2, 2, 0, 1], [0, 4], names)
    1.0
    >>> round(entity_f1([1, 2, 0, 1], [2, 2, 0, 1], [0, 4], names, "strict"), 4)
    0.6667
    """
    counts = entity_counts(gold, predicted, borders, names, mode).sum((1, 2))
    hits, there, found = counts.tolist()
    return 2 * hits / (there + found) if there + found else 0.0


def entity_rows(
    gold: ArrayLike,
    predicted: ArrayLike,
    borders: ArrayLike,
    names: tuple[str, ...],
    mode: Mode = "lenient",
) -> tuple[ClassRow, ...]:
    """Return precision, recall, F1 and number of entities of each type.

    Parameters and errors are those of `entity_counts`.
    """
    sums = entity_counts(gold, predicted, borders, names, mode).sum(1, keepdims=True)
    counts = ClassCounts(*sums.astype(np.float64))
    return rows_of(counts, entity_types(names))


def token_accuracy(gold: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of words with the right tag.

    Parameters
    ----------
    gold, predicted : int[W]

    Raises
    ------
    InputError
        If the columns cannot be scored.
    """
    truth, guess = checked_codes(gold, predicted)
    return float(np.mean(truth == guess))


def checked_tags(
    gold: ArrayLike, predicted: ArrayLike, borders: ArrayLike, names: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return tags and borders that can be scored.

    Raises
    ------
    InputError
        If a column cannot be scored, a tag has no name, or the borders are not those of the words.
    """
    _require_names(names)
    truth, guess = checked_codes(gold, predicted)
    starts = as_array("borders", borders)
    if starts.dtype.kind not in "iu" or starts.ndim != 1:
        raise InputError(f"borders are {described(borders)}; a column of whole numbers is needed")
    ends_fit = len(starts) >= 2 and starts[0] == 0 and starts[-1] == len(truth)
    if truth.ndim != 1 or not ends_fit or (np.diff(starts.astype(np.int64)) < 0).any():
        raise InputError(f"the sentences' borders are not those of {plural(len(truth), 'word')}")
    if max(truth.max(), guess.max()) >= len(names):
        raise InputError(f"a tag has number {max(truth.max(), guess.max())} of {len(names)} names")
    return truth, guess, starts.astype(np.int64)


def _require_names(names: Any) -> None:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InputError(f"the names of tags are {described(names)}; a tuple of texts is needed")
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise InputError(f"the name of a tag is {described(wrong[0])}; a text is needed")


def _begins(
    prefix: NDArray[np.int64], kind: NDArray[np.int64], is_first: NDArray[np.bool_], mode: Mode
) -> NDArray[np.bool_]:
    marked = np.isin(prefix, (_B, _S))
    if mode == "strict":
        return marked
    before = np.append(_O, prefix[:-1])
    before[is_first] = _O
    changed = kind != np.append(-1, kind[:-1])
    return marked | (prefix != _O) & (np.isin(before, (_O, _E, _S)) | changed)


def _goes_on(
    prefix: NDArray[np.int64], kind: NDArray[np.int64], is_first: NDArray[np.bool_], mode: Mode
) -> NDArray[np.bool_]:
    inside = np.isin(prefix, (_I, _E)) & ~is_first
    if mode == "lenient":
        return inside
    before = np.append(_O, prefix[:-1])
    return inside & np.isin(before, (_B, _I)) & (kind == np.append(-1, kind[:-1]))


def _parsed(names: tuple[str, ...]) -> Parsed:
    _require_names(names)
    for name in names:
        has_type = name[:1] in _PREFIXES and name[0] != "O" and name[1:2] in ("", "-")
        if name != "O" and not has_type:
            raise InputError(
                f"{name!r} is no tag of entities; O, or B, I, E or S with a type is: B-PER",
                hint="Score tags of words, such as parts of speech, by token accuracy.",
            )
    kinds = ["" if name == "O" else name[2:] or "_" for name in names]
    types = tuple(sorted(set(kinds) - {""}))
    prefix = np.array([_PREFIXES[name[0]] for name in names], np.int64)
    kind = np.array([types.index(one) if one else -1 for one in kinds], np.int64)
    return Parsed(prefix, kind, types)
