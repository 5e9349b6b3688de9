"""What the ten columns of CoNLL-U hold: ids, names of columns, features.

References
----------
Universal Dependencies, CoNLL-U Format, https://universaldependencies.org/format.html
"""

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible

COLUMNS, FEATS = 10, 5
WORD, RANGE, EMPTY = range(3)
LEFT_OUT = {RANGE: "multi-word ranges", EMPTY: "empty nodes"}
NO_TAG = "\0"  # of a word that is not annotated: no file can hold it

_NAMES = {"form": 1, "lemma": 2, "upos": 3, "xpos": 4, "deprel": 7}
_IDS = (
    (WORD, re.compile(r"[1-9]\d*", re.ASCII)),
    (RANGE, re.compile(r"\d+-\d+", re.ASCII)),
    (EMPTY, re.compile(r"\d+\.\d+", re.ASCII)),
)
_FEATURE = re.compile(r"[A-Z0-9][A-Za-z0-9]*(\[[a-z0-9]+\])?")


def kinds_of(name: str, lines: NDArray[np.int64], ids: Strings) -> NDArray[np.uint8]:
    """Say what each line is by its id (n of them): a word, a range of words, or an empty node.

    Raises
    ------
    InputError
        If an id is none of these.
    """
    coded = ids.to_arrow().dictionary_encode()
    kinds = [
        next((kind for kind, form in _IDS if form.fullmatch(text)), None)
        for text in coded.dictionary.to_pylist()
    ]
    index = np.asarray(coded.indices)
    wrong = np.array([kind is None for kind in kinds], np.bool_)[index]
    if wrong.any():
        i = int(wrong.argmax())
        text = visible(ids.bytes_of(i).decode()[:40])
        problem = f"{name}:{lines[i] + 1}: {text!r} is no id; 1, 1-2 and 1.1 are"
        raise InputError(problem, hint="Is it CoNLL-U? Its first column numbers the words.")
    return np.array(kinds, np.uint8)[index]


def check_order(
    name: str, lines: NDArray[np.int64], ids: Strings, borders: NDArray[np.int64]
) -> None:
    """Refuse words whose ids do not ascend: two sentences without a blank line between them.

    Parameters
    ----------
    lines, ids
        Of the words alone.
    borders
        Of the sentences, in words.

    Raises
    ------
    InputError
        At the first id that is not greater than the one before it.
    """
    numbers = np.asarray(ids.to_arrow().cast(pa.float64()))
    falls = np.append(False, numbers[1:] <= numbers[:-1])
    falls[borders[:-1]] = False
    if falls.any():
        i = int(falls.argmax())
        found, before = (visible(ids.bytes_of(at).decode()[:40]) for at in (i, i - 1))
        problem = f"{name}:{lines[i] + 1}: id {found} behind id {before}"
        raise InputError(problem, hint="A blank line ends a sentence, whose ids ascend.")


def is_id(text: str) -> bool:
    """Say whether a text is the id of a word, a range or an empty node."""
    return any(form.fullmatch(text) for _, form in _IDS)


def column_of(name: str, wanted: str, flag: str) -> int | str:
    """Return the column with a name or number, or the name itself if it is that of a feature."""
    if wanted.lower() in _NAMES:
        return _NAMES[wanted.lower()]
    if wanted.isdecimal() and 1 <= int(wanted) <= COLUMNS:
        return int(wanted) - 1
    if _FEATURE.fullmatch(wanted) and not wanted.isdecimal():
        return wanted
    known = ", ".join(_NAMES)
    problem = f"{name}: no column {visible(wanted)!r} in CoNLL-U"
    raise InputError(problem, hint=f"Pass {flag}: {known}, a number, or a key of FEATS.")


def feature_of(name: str, feats: Strings, key: str) -> Strings:
    """Return the value of one feature of each word; "_" where it has none.

    Raises
    ------
    InputError
        If no word has it.
    """
    coded = feats.to_arrow().dictionary_encode()
    found = [dict(_pairs(text)) for text in coded.dictionary.to_pylist()]
    if not any(key in each for each in found):
        keys = sorted({name for each in found for name in each})
        hint = f"There are: {', '.join(keys[:30])}." if keys else "No word has a feature."
        raise InputError(f"{name}: no word has the feature {key!r}", hint=hint)
    values = pa.array([each.get(key, "_") for each in found], pa.string())
    return Strings.from_arrow(values.take(coded.indices))


def without_none(tags: Strings) -> Strings:
    """Return tags with "_", which says that a word is not annotated, made `NO_TAG`."""
    coded = tags.to_arrow().dictionary_encode()
    texts = [NO_TAG if text == "_" else text for text in coded.dictionary.to_pylist()]
    return Strings.from_arrow(pa.array(texts, pa.string()).take(coded.indices))


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in text.split("|") if "=" in part)
    return [(key, value) for key, _, value in parts]
