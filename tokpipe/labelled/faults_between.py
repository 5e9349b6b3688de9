"""What the parts of labelled data have in common, or not, that spoils what is learnt or scored."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.sizes import plural
from tokpipe.labelled.counting import count_labels
from tokpipe.labelled.labels import shown
from tokpipe.labelled.places import few_of, place_in, share_of
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, place_of
from tokpipe.labelled.sameness import content_codes, label_codes, repeated
from tokpipe.tokenizer.findings import ERROR, NOTE, WARNING, Finding

_TRAIN = "train"
_LEAST_OF_A_LABEL = 2  # rows: of one nothing is learnt that could be tested


def faults_between(parts: Mapping[str, Labelled]) -> Iterator[Finding]:
    """Look at all parts together: labels of one alone, and rows that are the same."""
    yield from _labels_of_one_part(parts)
    contents = content_codes(parts)
    yield from _repeated(parts, contents)
    yield from _two_labels(parts, contents)
    yield from _overlap(parts, contents)


def _labels_of_one_part(parts: Mapping[str, Labelled]) -> Iterator[Finding]:
    used = {part: _used(data) for part, data in parts.items()}
    first, *others = parts
    for part in others:
        data = parts[part]
        for label in [name for name in used[part] if name not in used[first]]:
            row = _first_with(data, label)
            is_held_out = data.source == parts[first].source
            level, rest = (WARNING, "the rest of ") if is_held_out else (ERROR, "")
            problem = f"the label {shown(label)!r} is in no row of {rest}{parts[first].source}"
            hint = "Nothing can learn it: leave such rows out, or add some to what is trained on."
            yield Finding(level, row, problem, hint)
        unasked = [name for name in used[first] if name not in used[part]]
        if unasked:
            yield Finding(NOTE, data.source, f"no row has the label {few_of(unasked)}")
    if others:
        counts = count_labels(parts[first]).labels
        rare = [name for name, count in counts.items() if 0 < count < _LEAST_OF_A_LABEL]
        if rare:
            yield Finding(NOTE, parts[first].source, f"a single row has the label {few_of(rare)}")


def _used(data: Labelled) -> dict[str, int]:
    """Return the labels that a part has, and how often: of entities their kinds."""
    if isinstance(data, Questions):
        return {}
    return {name: count for name, count in count_labels(data).labels.items() if count}


def _first_with(data: Labelled, label: str) -> str:
    """Return the place of the first row with a label, or a kind of entity."""
    assert not isinstance(data, Questions)
    if isinstance(data, LabelledTexts) and data.labels.ndim == 2:
        rows = data.labels[:, data.names.index(label)] > 0
    elif isinstance(data, LabelledTexts):
        rows = data.labels == data.names.index(label)
    elif data.scheme == "none":
        rows = data.tags == data.names.index(label)
    else:
        of_kind = [i for i, name in enumerate(data.names) if name.partition("-")[2] == label]
        rows = np.isin(data.tags, of_kind)
    return place_of(data.source, int(data.lines[rows.argmax()]))


def _repeated(
    parts: Mapping[str, Labelled], contents: Mapping[str, NDArray[np.int64]]
) -> Iterator[Finding]:
    for part, data in parts.items():
        again = repeated(contents[part])
        if again.any():
            rows = plural(int(again.sum()), count_labels(data).rows)
            problem = f"{rows} that came before in the same part"
            yield Finding(NOTE, place_in(data, int(again.argmax())), problem)


def _two_labels(
    parts: Mapping[str, Labelled], contents: Mapping[str, NDArray[np.int64]]
) -> Iterator[Finding]:
    texts, labels = (_numbered(each) for each in (contents, label_codes(parts)))
    pairs = texts * (labels.max(initial=0) + 1) + labels
    first = np.unique(pairs, return_index=True)[1]  # row of each text with each of its labels
    torn = np.flatnonzero(np.bincount(texts[first]) > 1)
    if not len(torn):
        return
    earliest = texts[np.isin(texts, torn).argmax()]
    at = np.sort(first[texts[first] == earliest])[:2]
    one, two = (_whose(parts, int(row)) for row in at)
    what = count_labels(next(iter(parts.values()))).rows
    has = ("has other tags", "have other tags") if what == "sentence" else ("has", "have")
    tail = "elsewhere" if what == "sentence" else "more than one label"
    problem = f"{plural(len(torn), what, has)} {tail}; the first is also at {place_in(*one)}"
    yield Finding(WARNING, place_in(*two), problem, "No model can be right about both.")


def _numbered(codes: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the codes of all parts, one after the other, as numbers without gaps."""
    return np.unique(np.concatenate([*codes.values()]), return_inverse=True)[1]


def _whose(parts: Mapping[str, Labelled], row: int) -> tuple[Labelled, int]:
    """Return the part that a row of all parts together is of, and its number there."""
    for data in parts.values():
        if row < len(data):
            return data, row
        row -= len(data)
    raise IndexError(row)


def _overlap(
    parts: Mapping[str, Labelled], contents: Mapping[str, NDArray[np.int64]]
) -> Iterator[Finding]:
    names = list(parts)
    for i, part in enumerate(names):
        for before in names[:i]:
            same = np.isin(contents[part], contents[before])
            if not same.any():
                continue
            row = int(same.argmax())
            other = int((contents[before] == contents[part][row]).argmax())
            rows = plural(int(same.sum()), count_labels(parts[part]).rows, ("is", "are"))
            problem = (
                f"{rows} in the {before} part, too ({share_of(same)}); "
                f"the first at {place_in(parts[before], other)}"
            )
            hint = "Scores on what was learnt by heart are too good." if before == _TRAIN else ""
            yield Finding(WARNING, place_in(parts[part], row), problem, hint)
