"""How entities are written in tags: IOB1, IOB2 and IOBES told apart, made IOB2, and read.

IOB2 begins every entity with B. IOB1 does so only where one entity follows another of its kind.
IOBES (BILOU and BMES under other names) marks the last word and entities of one word, too.

References
----------
L. Ramshaw, M. Marcus: Text Chunking using Transformation-Based Learning, 1995 (IOB1).
E. Tjong Kim Sang, J. Veenstra: Representing Text Chunks, EACL 1999 (IOB2, IOE, [+]).
L. Ratinov, D. Roth: Design Challenges in Named Entity Recognition, CoNLL 2009 (BILOU).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.metrics.entities import find_entities

OUTSIDE, BEGIN, INSIDE, OTHER = range(4)

_TAG = re.compile(r"([BILMUES])(?:-(.+))?", re.DOTALL)
_MEANING = {**dict.fromkeys("BSU", BEGIN), **dict.fromkeys("IMEL", INSIDE)}
_ENDS = frozenset("ELSU")
_OF_IOBES = _ENDS | {"M"}


class Tags(NamedTuple):
    """What the names of tags say."""

    # uint8[T]: OUTSIDE, BEGIN or INSIDE an entity, or OTHER for a tag that is none of a scheme
    roles: NDArray[np.uint8]
    kinds: NDArray[np.int32]  # int32[T]: which kind of entity, -1 for none


class Entities(NamedTuple):
    """Entities as stretches of words: ``first:last`` (int64[E] each) of a kind (list of str)."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    kinds: list[str]


def meaning_of(names: Sequence[str]) -> Tags:
    """Read names of tags, of whichever scheme.

    Examples
    --------
    >>> meaning_of(["O", "B-PER", "E-PER", "NOUN"]).roles.tolist()
    [0, 1, 2, 3]
    """
    roles, kinds, found = [], [], {}
    for name in names:
        match = _TAG.fullmatch(name)
        roles.append(OUTSIDE if name == "O" else _MEANING[match[1]] if match else OTHER)
        kinds.append(found.setdefault(match[2] or "", len(found)) if match else -1)
    return Tags(np.array(roles, np.uint8), np.array(kinds, np.int32))


def recognise(names: Sequence[str], tags: NDArray[np.int32], borders: NDArray[np.int64]) -> str:
    """Say which scheme some tags follow.

    Parameters
    ----------
    names
        Of T tags.
    tags : int32[W]
        Of the words.
    borders : int64[S + 1]
        Of the sentences.

    Returns
    -------
    str
        "IOB1", "IOB2", "IOBES", or "none" where not all of the tags are of one.
    """
    used = [names[int(tag)] for tag in np.unique(tags[tags >= 0])]
    if not used or (meaning_of(used).roles == OTHER).any():
        return "none"
    if _are_iobes(used):
        return "IOBES"
    roles, kinds = _of_words(meaning_of(names), tags)
    goes_on = _goes_on(roles, kinds, borders)
    begins_inside = (roles == INSIDE) & ~goes_on
    begins_fresh = (roles == BEGIN) & ~goes_on
    # an I that begins is IOB1's own way, a B behind nothing IOB2's; the more frequent one decides
    return "IOB1" if begins_inside.sum() > begins_fresh.sum() else "IOB2"


def scheme_of_model(names: Sequence[str]) -> str:
    """Say in which scheme a model speaks that has learned some tags of entities.

    Returns
    -------
    str
        "IOB1" where a kind has no B: with few entities side by side, no such B was ever seen.

    Examples
    --------
    >>> scheme_of_model(["O", "I-PER", "I-LOC", "B-LOC"]), scheme_of_model(["B", "M", "E", "S"])
    ('IOB1', 'IOBES')
    """
    roles, kinds = meaning_of(names)
    if _are_iobes(names):
        return "IOBES"
    return "IOB2" if set(kinds[roles == INSIDE]) <= set(kinds[roles == BEGIN]) else "IOB1"


def to_iob2(
    scheme: str, names: Sequence[str], tags: NDArray[np.int32], borders: NDArray[np.int64]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Write tags in IOB2, with B and I of every kind: O first, then the kinds sorted.

    Entities are those that lenient scores find. I or E behind nothing becomes an I that nothing
    begins; only in IOB1 does such an I begin an entity, and in IOBES one behind an end.

    Parameters
    ----------
    scheme
        As `recognise` says, other than "none".
    names
        Of the tags; those of no scheme stay as they are, at the end.
    tags : int32[W]
    borders : int64[S + 1]

    Returns
    -------
    tags : int32[W]
    names : tuple of str
    """
    meaning = meaning_of(names)
    roles, kinds = _of_words(meaning, tags)
    goes_on = _goes_on(roles, kinds, borders)
    if scheme == "IOB1":
        roles = np.where((roles == INSIDE) & ~goes_on, BEGIN, roles)
    elif scheme == "IOBES":
        behind_end = np.append(False, _ends(names, tags)[:-1])
        roles = np.where((roles == INSIDE) & goes_on & behind_end, BEGIN, roles)
    written, pairs = iob2_names(names), zip(names, meaning.roles, strict=True)
    others = [name for name, role in pairs if role == OTHER]
    number = {name: i for i, name in enumerate((*written, *others))}
    table = np.full((4, len(names)), -1, np.int32)
    for i, name in enumerate(names):
        match = _TAG.fullmatch(name)
        tail = f"-{match[2]}" if match and match[2] else ""
        table[OUTSIDE, i] = number.get("O", -1)
        table[BEGIN, i] = number.get(f"B{tail}", -1)
        table[INSIDE, i] = number.get(f"I{tail}", -1)
        table[OTHER, i] = number.get(name, -1)
    return np.where(tags < 0, -1, table[roles, tags]).astype(np.int32), tuple(number)


def iob2_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the tags of IOB2 for the kinds that some tags name.

    Examples
    --------
    >>> iob2_names(["O", "S-LOC", "I-PER"])
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    kinds = sorted({match[2] or "" for name in names if (match := _TAG.fullmatch(name))})
    tails = [f"-{kind}" if kind else "" for kind in kinds]
    return ("O", *(f"{letter}{tail}" for tail in tails for letter in "BI"))


def contradictions(
    names: Sequence[str],
    tags: NDArray[np.int32],
    borders: NDArray[np.int64],
    scheme: str = "IOB2",
) -> NDArray[np.bool_]:
    """Mark the words whose tag a scheme does not allow.

    That is, beside tags of no scheme: in IOB2 and IOBES an I (or E) that goes on nothing, in IOBES
    one that nothing ends, in IOB1 a B behind no entity of its kind.

    Returns
    -------
    bool[W]
    """
    roles, kinds = _of_words(meaning_of(names), tags)
    goes_on = _goes_on(roles, kinds, borders)
    if scheme == "IOB1":
        wrong = (roles == BEGIN) & ~goes_on
    elif scheme == "IOBES":
        ends = _ends(names, tags)
        follows = (roles == INSIDE) & goes_on & ~np.append(False, ends[:-1])
        is_open = np.isin(roles, (BEGIN, INSIDE)) & ~ends
        wrong = (roles == INSIDE) & ~follows | is_open & ~np.append(follows[1:], False)
    else:
        wrong = (roles == INSIDE) & ~goes_on
    return (tags >= 0) & (wrong | (roles == OTHER))


def entities_of(
    names: Sequence[str], tags: NDArray[np.int32], borders: NDArray[np.int64]
) -> Entities:
    """Find the entities in tags, as lenient scores do; tags of no scheme are outside."""
    roles = meaning_of(names).roles
    known = ("O" if role == OTHER else name for name, role in zip(names, roles, strict=True))
    first, last, _ = find_entities(tags, borders, tuple(known), "lenient")
    return Entities(first, last, [names[int(tag)].partition("-")[2] for tag in tags[first]])


def _are_iobes(names: Sequence[str]) -> bool:
    """Say whether tags are such as IOBES alone has."""
    return any((match := _TAG.fullmatch(name)) and match[1] in _OF_IOBES for name in names)


def _ends(names: Sequence[str], tags: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the words (bool[W]) whose tag says that they are the last of their entity."""
    found = (_TAG.fullmatch(name) for name in names)
    ends = [match is not None and match[1] in _ENDS for match in found]
    return np.array([*ends, False])[tags]  # the last: of a word without a tag


def _of_words(meaning: Tags, tags: NDArray[np.int32]) -> tuple[NDArray, NDArray]:
    none = tags < 0
    return np.where(none, OUTSIDE, meaning.roles[tags]), np.where(none, -1, meaning.kinds[tags])


def _goes_on(roles: NDArray, kinds: NDArray, borders: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the words (bool[W]) behind a word of the same kind of entity in the same sentence."""
    held = (roles == BEGIN) | (roles == INSIDE)
    out = np.zeros(len(roles), np.bool_)
    out[1:] = held[:-1] & held[1:] & (kinds[:-1] == kinds[1:])
    out[borders[:-1]] = False
    return out
