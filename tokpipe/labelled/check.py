"""What is wrong with labelled data, before hours are lost on it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.sizes import plural
from tokpipe.labelled.counting import count_labels
from tokpipe.labelled.labels import shown
from tokpipe.labelled.naming import require_alike
from tokpipe.labelled.records import (
    Labelled,
    LabelledTexts,
    Questions,
    TaggedWords,
    place_of,
)
from tokpipe.labelled.sameness import content_codes, label_codes
from tokpipe.labelled.schemes import contradictions
from tokpipe.tokenizer.findings import ERROR, NOTE, WARNING, Finding

_FEW = 5  # names that a finding lists
_TRAIN = "train"
_LEAST_OF_A_LABEL = 2  # rows: of one nothing is learnt that could be tested


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long rows are for a model.

    Attributes
    ----------
    tokens : Mapping of int64[N]
        By part, with the special tokens.
    longest : int
        The most that the model takes.
    outcome : str
        What becomes of longer ones, behind a colon.
    """

    tokens: Mapping[str, NDArray[np.int64]]
    longest: int
    outcome: str


def check_labelled(parts: Mapping[str, Labelled], lengths: Lengths | None = None) -> list[Finding]:
    """Look for what makes scores worse, or better, than they should be.

    Labels that only one part has, or that hardly any row has, empty and repeated texts, the same
    text with two labels, rows of one part in another, tags that contradict their scheme, texts
    longer than the model takes.

    Parameters
    ----------
    parts
        "train" first, then "validation" and "test", all of one kind; each read on its own.
    lengths
        How long the rows are, if a model is known.

    Raises
    ------
    InputError
        If one part has pairs of texts and another has not.
    """
    require_alike(parts)
    findings: list[Finding] = []
    for data in parts.values():
        findings += _left_out(data)
        findings += _about_labels(data)
        findings += _empty(data)
    findings += _labels_of_one_part(parts)
    contents = content_codes(parts)
    findings += _repeated(parts, contents)
    findings += _two_labels(parts, contents)
    findings += _overlap(parts, contents)
    if lengths is not None:
        findings += _too_long(parts, lengths)
    return findings


def brief(parts: Mapping[str, Labelled], findings: Sequence[Finding]) -> list[str]:
    """Say in a few lines what there is to learn from, and what is wrong with it.

    Returns
    -------
    list of str
        A line for each part, then one for each finding that is more than a note.
    """
    lines = []
    for name, data in parts.items():
        counted = count_labels(data)
        labels = sorted(counted.labels.items(), key=lambda item: -item[1])
        total = max(sum(counted.labels.values()), 1)
        few = ", ".join(f"{shown(label)} {100 * n / total:.3g} %" for label, n in labels[:_FEW])
        more = f" and {len(labels) - _FEW} more" if len(labels) > _FEW else ""
        lines.append(f"{name}: {plural(counted.number, counted.rows)}{': ' * bool(few)}{few}{more}")
    problems = (found for found in findings if found.level != NOTE)
    return lines + [f"{found.level}: {found.place}: {found.problem}" for found in problems]


def place_in(data: Labelled, row: int) -> str:
    """Return where a text, sentence or question stands, for messages."""
    if isinstance(data, Questions):
        return f"{data.source}: question {shown(data.ids.bytes_of(row).decode())!r}"
    first = int(data.borders[row]) if isinstance(data, TaggedWords) else row
    return place_of(data.source, int(data.lines[first]))


def _left_out(data: Labelled) -> Iterator[Finding]:
    for reason, count in data.left_out.items():
        yield Finding(NOTE, data.source, f"{count:,} left out: {reason}")


def _about_labels(data: Labelled) -> Iterator[Finding]:
    if isinstance(data, TaggedWords):
        yield from _about_tags(data)
    elif isinstance(data, LabelledTexts) and data.labels.dtype == np.float64:
        low, high = float(data.labels.min()), float(data.labels.max())
        if low == high:
            hint = "There is nothing to learn from it."
            yield Finding(WARNING, data.source, f"every number is {low:g}", hint)
        else:
            middle = float(np.median(data.labels))
            yield Finding(NOTE, data.source, f"numbers from {low:g} to {high:g}, median {middle:g}")
    elif isinstance(data, LabelledTexts) and len(data.names):
        yield from _about_classes(data)


def _about_classes(data: LabelledTexts) -> Iterator[Finding]:
    counted = count_labels(data)
    used = [name for name, count in counted.labels.items() if count]
    if len(used) == 1 and data.labels.ndim == 1:
        problem = f"every {counted.rows} has the label {shown(used[0])!r}"
        yield Finding(WARNING, data.source, problem, "There is nothing to learn from it.")
    if data.labels.ndim == 1 and len(used) > 2 and 2 * len(used) > len(data):
        problem = f"{plural(len(used), 'label')} for {plural(len(data), counted.rows)}"
        yield Finding(WARNING, data.source, problem, "Numbers? Then the task is regression.")
    folded = Counter(name.strip().casefold() for name in used)
    alike = [name for name in used if folded[name.strip().casefold()] > 1]
    if alike:
        problem = f"labels that differ in case or white space alone: {_few(alike)}"
        yield Finding(WARNING, data.source, problem, "Write one of them throughout.")
    none = int((data.labels.sum(axis=1) == 0).sum()) if data.labels.ndim == 2 else 0
    if none:
        yield Finding(NOTE, data.source, f"{plural(none, counted.rows)} without any label")


def _about_tags(data: TaggedWords) -> Iterator[Finding]:
    if data.scheme not in ("none", "IOB2"):
        yield Finding(NOTE, data.source, f"tags are written in {data.scheme}, and read as IOB2")
    missing = int((data.tags < 0).sum())
    if missing:
        yield Finding(NOTE, data.source, f"{plural(missing, 'word')} without a tag")
    if data.scheme == "none":
        return
    wrong = contradictions(data.names, data.tags, data.borders)
    if wrong.any():
        word = int(wrong.argmax())
        tag = data.names[data.tags[word]]
        problem = (
            f"{plural(int(wrong.sum()), 'tag', ('contradicts', 'contradict'))} the scheme "
            f"{data.scheme}; the first is {shown(tag)!r}, which goes on nothing"
        )
        hint = "Lenient scores read it as the start of an entity, strict ones as none."
        yield Finding(WARNING, place_of(data.source, int(data.lines[word])), problem, hint)


def _empty(data: Labelled) -> Iterator[Finding]:
    columns = {LabelledTexts: ("text", "second text"), Questions: ("paragraph", "question")}
    names = columns.get(type(data), ())
    for name, column in zip(names, _columns(data), strict=False):
        blank = _is_blank(column)
        if blank.any():
            row = int(blank.argmax())
            if name == "paragraph" and isinstance(data, Questions):
                asked = data.context_of == row
                row = int(asked.argmax()) if asked.any() else 0
            problem = f"{plural(int(blank.sum()), f'empty {name}')}; this is the first"
            yield Finding(WARNING, place_in(data, row), problem)


def _columns(data: Labelled) -> tuple[Strings, ...]:
    if isinstance(data, TaggedWords):
        return ()
    return data.texts if isinstance(data, LabelledTexts) else (data.contexts, data.questions)


def _is_blank(column: Strings) -> NDArray[np.bool_]:
    spaces = pc.call_function("utf8_is_space", [column.to_arrow()])
    return (np.diff(column.offsets) == 0) | np.asarray(spaces)


def _labels_of_one_part(parts: Mapping[str, Labelled]) -> Iterator[Finding]:
    used = {part: _used(data) for part, data in parts.items()}
    first, *others = parts
    for part in others:
        data = parts[part]
        for label in [name for name in used[part] if name not in used[first]]:
            row = _first_with(data, label)
            problem = f"the label {shown(label)!r} is in no row of {parts[first].source}"
            hint = "Nothing can learn it: leave such rows out, or add some to what is trained on."
            yield Finding(ERROR, row, problem, hint)
        unasked = [name for name in used[first] if name not in used[part]]
        if unasked:
            yield Finding(NOTE, data.source, f"no row has the label {_few(unasked)}")
    if others:
        counts = count_labels(parts[first]).labels
        rare = [name for name, count in counts.items() if 0 < count < _LEAST_OF_A_LABEL]
        if rare:
            yield Finding(NOTE, parts[first].source, f"a single row has the label {_few(rare)}")


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
        codes = contents[part]
        count = len(codes) - len(np.unique(codes))
        if count:
            again = np.ones(len(codes), np.bool_)
            again[np.unique(codes, return_index=True)[1]] = False
            rows = plural(count, count_labels(data).rows)
            problem = f"{rows} that came before in the same part"
            yield Finding(NOTE, place_in(data, int(again.argmax())), problem)


def _two_labels(
    parts: Mapping[str, Labelled], contents: Mapping[str, NDArray[np.int64]]
) -> Iterator[Finding]:
    labels = label_codes(parts)
    pairs = np.stack([np.concatenate([*each.values()]) for each in (contents, labels)], axis=1)
    different, first = np.unique(pairs, axis=0, return_index=True)
    texts, counts = np.unique(different[:, 0], return_counts=True)
    torn = texts[counts > 1]
    if not len(torn):
        return
    at = np.sort(first[different[:, 0] == _earliest(pairs[:, 0], torn)])[:2]
    one, two = (_whose(parts, int(row)) for row in at)
    what = count_labels(next(iter(parts.values()))).rows
    has = ("has other tags", "have other tags") if what == "sentence" else ("has", "have")
    tail = "elsewhere" if what == "sentence" else "more than one label"
    problem = f"{plural(len(torn), what, has)} {tail}; the first is also at {place_in(*one)}"
    yield Finding(WARNING, place_in(*two), problem, "No model can be right about both.")


def _earliest(codes: NDArray[np.int64], some: NDArray[np.int64]) -> int:
    return int(codes[np.isin(codes, some).argmax()])


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
                f"{rows} in the {before} part, too ({_share(same)}); "
                f"the first at {place_in(parts[before], other)}"
            )
            hint = "Scores on what was learnt by heart are too good." if before == _TRAIN else ""
            yield Finding(WARNING, place_in(parts[part], row), problem, hint)


def _too_long(parts: Mapping[str, Labelled], lengths: Lengths) -> Iterator[Finding]:
    for part, tokens in lengths.tokens.items():
        longer = tokens > lengths.longest
        if longer.any():
            data = parts[part]
            rows = plural(int(longer.sum()), count_labels(data).rows, ("is", "are"))
            problem = (
                f"{rows} longer than {lengths.longest:,} tokens ({_share(longer)}), "
                f"the longest {int(tokens.max()):,}: {lengths.outcome}"
            )
            yield Finding(NOTE, place_in(data, int(tokens.argmax())), problem)


def _share(rows: NDArray[np.bool_]) -> str:
    return f"{100 * rows.mean():.3g} %"


def _few(names: Sequence[str]) -> str:
    listed = ", ".join(repr(shown(name)) for name in names[:_FEW])
    return listed + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")
