"""Which rows are the same, within one part of the data and over all of them, without comparing all.

Equal contents get equal numbers, so that what follows is arithmetic on arrays.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, join_strings
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords

Codes = NDArray[np.int64]


def content_codes(parts: Mapping[str, Labelled]) -> dict[str, Codes]:
    """Give the contents of all rows numbers: texts, sentences, or questions with their paragraph.

    Returns
    -------
    dict of int64[N]
        By part; rows of the same content have the same number in all of them.
    """
    columns = zip(*(contents_of(data) for data in parts.values()), strict=True)
    codes = [string_codes(column) for column in columns]
    first = next(iter(parts.values()))
    if isinstance(first, TaggedWords):
        whole = _sentence_codes(codes[0], parts)
    elif isinstance(first, Questions):
        whole = _question_codes(codes, parts)
    else:
        whole = codes[0] if len(codes) == 1 else map(_paired, *codes)
    return dict(zip(parts, whole, strict=True))


def label_codes(parts: Mapping[str, Labelled]) -> dict[str, Codes]:
    """Give the labels of all rows, or the tags of all sentences, numbers: equal ones the same."""
    first = next(iter(parts.values()))
    if isinstance(first, Questions):
        return {name: np.zeros(len(data), np.int64) for name, data in parts.items()}
    if isinstance(first, TaggedWords):
        tagged = (data for data in parts.values() if isinstance(data, TaggedWords))
        tags = [_by_name(data.tags, data.names, parts) for data in tagged]
        return dict(zip(parts, _sentence_codes(tags, parts), strict=True))
    return _codes_of_labels(parts)


def contents_of(data: Labelled) -> tuple[Strings, ...]:
    """Return the columns with what a row says, its labels aside."""
    if isinstance(data, TaggedWords):
        return (data.words,)
    return data.texts if isinstance(data, LabelledTexts) else (data.contexts, data.questions)


def string_codes(columns: Sequence[Strings]) -> list[Codes]:
    """Give the strings of several columns numbers: equal strings have the same one in all."""
    import pyarrow as pa

    joined = join_strings(columns)
    buffers = [None, pa.py_buffer(joined.offsets), pa.py_buffer(joined.data)]
    array = pa.Array.from_buffers(pa.large_binary(), len(joined), buffers)
    index = np.asarray(array.dictionary_encode().indices, np.int64)
    return np.split(index, np.cumsum([len(column) for column in columns])[:-1])


def repeated(codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the rows (bool[N]) whose number an earlier one has."""
    again = np.ones(len(codes), np.bool_)
    again[np.unique(codes, return_index=True)[1]] = False
    return again


def _paired(first: Codes, second: Codes) -> Codes:
    return first << 32 | second


def _question_codes(codes: Sequence[Sequence[Codes]], parts: Mapping[str, Labelled]) -> list[Codes]:
    contexts, questions = codes
    return [
        _paired(contexts[i][data.context_of], questions[i])
        for i, data in enumerate(parts.values())
        if isinstance(data, Questions)
    ]


def _sentence_codes(words: Sequence[NDArray], parts: Mapping[str, Labelled]) -> list[Codes]:
    """Give sentences numbers by those of their words, written as strings of eight bytes each."""
    rows = []
    for codes, data in zip(words, parts.values(), strict=True):
        assert isinstance(data, TaggedWords)
        written = np.ascontiguousarray(codes, np.int64).view(np.uint8)
        rows.append(Strings(written, data.borders * 8))
    return string_codes(rows)


def _codes_of_labels(parts: Mapping[str, Labelled]) -> dict[str, Codes]:
    found = {}
    for name, data in parts.items():
        assert isinstance(data, LabelledTexts)
        if data.labels.dtype == np.float64:
            found[name] = data.labels.view(np.int64)
        elif data.labels.ndim == 1:
            found[name] = _by_name(data.labels, data.names, parts)
        else:
            order = np.argsort(np.array(data.names))
            packed = np.packbits(data.labels[:, order], axis=1)
            borders = np.arange(len(data) + 1, dtype=np.int64) * packed.shape[1]
            found[name] = Strings(np.ascontiguousarray(packed).reshape(-1), borders)
    if any(isinstance(each, Strings) for each in found.values()):
        return dict(zip(found, string_codes(list(found.values())), strict=True))
    return found


def _by_name(labels: NDArray, names: Sequence[str], parts: Mapping[str, Labelled]) -> Codes:
    """Give labels the numbers that they have among those of all parts together."""
    every = sorted({name for data in parts.values() for name in getattr(data, "names", ())})
    number = {name: i for i, name in enumerate(every)}
    table = np.array([*(number[name] for name in names), -1], np.int64)
    return table[labels]
