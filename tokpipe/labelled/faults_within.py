"""What one part of labelled data has that it should not."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.sizes import plural
from tokpipe.labelled.counting import count_labels
from tokpipe.labelled.labels import LARGEST, NUMBER
from tokpipe.labelled.places import few_of, place_in
from tokpipe.labelled.records import (
    NO_LABEL,
    Labelled,
    LabelledTexts,
    Questions,
    TaggedWords,
    place_of,
)
from tokpipe.labelled.sameness import contents_of, repeated, string_codes
from tokpipe.tokenizer.findings import ERROR, NOTE, WARNING, Finding

NOTHING = "There is nothing to learn from it."
_CONTRADICTED = {  # by the scheme: what a tag does, and what becomes of it
    "IOB1": ("is a B behind no entity of its kind", "It is read as the start of an entity."),
    "IOB2": (
        "is an I that goes on nothing",
        "Lenient scores read it as the start of an entity, strict ones as none.",
    ),
    "IOBES": (
        "goes on nothing, or has no end",
        "It is read as lenient scores do: what goes on nothing begins, and what begins ends.",
    ),
}
_BLANK = r"^[\pZ\pC\pM]*$"


def faults_within(data: Labelled) -> Iterator[Finding]:
    """Look at one part alone: what was left out, its labels, tags, ids, and empty texts."""
    yield from _left_out(data)
    if same := nothing_to_learn(data):
        yield Finding(WARNING, data.source, same, NOTHING)
    yield from _about_labels(data)
    yield from _empty(data)
    yield from _ids(data)


def _left_out(data: Labelled) -> Iterator[Finding]:
    for reason, count in data.left_out.items():
        yield Finding(NOTE, data.source, f"{count:,} left out: {reason}")


def _about_labels(data: Labelled) -> Iterator[Finding]:
    if isinstance(data, TaggedWords):
        yield from _about_tags(data)
    elif isinstance(data, LabelledTexts) and data.labels.dtype == np.float64:
        yield from _about_numbers(data)
    elif isinstance(data, LabelledTexts):
        yield from _about_classes(data)


def nothing_to_learn(data: Labelled) -> str:
    """Return what all labels, tags or numbers are if they are the same; empty if they are not."""
    if isinstance(data, Questions):
        return ""
    codes = data.tags if isinstance(data, TaggedWords) else data.labels
    if codes.dtype == np.int32:
        codes = codes[codes != NO_LABEL]
    if not len(codes) or (codes != codes[0]).any():
        return ""
    if codes.dtype == np.float64:
        return f"every number is {codes[0]:g}"
    held = np.flatnonzero(codes[0]) if codes.ndim == 2 else codes[:1]
    which = few_of([data.names[i] for i in held.tolist()])
    if isinstance(data, TaggedWords):
        return f"every word has the tag {which}"
    row = count_labels(data).rows
    return f"every {row} has the label {which}" if which else f"no {row} has a label"


def _about_numbers(data: LabelledTexts) -> Iterator[Finding]:
    low, high = float(data.labels.min()), float(data.labels.max())
    middle = 2 * float(np.median(data.labels / 2))  # the mean of two halves never overflows
    if low < high:
        yield Finding(NOTE, data.source, f"numbers from {low:g} to {high:g}, median {middle:g}")
    beyond = np.abs(data.labels) > LARGEST
    if beyond.any():
        problem = f"the most that a model can say is {LARGEST:g}"
        yield Finding(ERROR, place_in(data, int(beyond.argmax())), problem, "Scale all of them.")


def _about_classes(data: LabelledTexts) -> Iterator[Finding]:
    counted = count_labels(data)
    used = [name for name, count in counted.labels.items() if count]
    if data.labels.ndim == 1 and len(used) > 2 and 2 * len(used) > len(data):
        problem = f"{plural(len(used), 'label')} for {plural(len(data), counted.rows)}"
        yield Finding(WARNING, data.source, problem, "Numbers? Then the task is regression.")
    yield from _alike(data.source, "labels", used)
    none = int((data.labels.sum(axis=1) == 0).sum()) if data.labels.ndim == 2 else 0
    if 0 < none < len(data):
        yield Finding(NOTE, data.source, f"{plural(none, counted.rows)} without any label")


def _alike(source: str, what: str, used: Sequence[str]) -> Iterator[Finding]:
    """Find names that a person takes for the same one."""
    for how, key in _HOW.items():
        often = Counter(map(key, used))
        alike = [name for name in used if often[key(name)] > 1]
        if alike:
            problem = f"{what} that differ in {how} alone: {few_of(alike)}"
            yield Finding(WARNING, source, problem, "Write one of them throughout.")


def _seen(name: str) -> str:
    """Return a name without what nobody sees: characters of no width, other forms of the same."""
    plain = unicodedata.normalize("NFKC", name)
    visible = "".join(char for char in plain if unicodedata.category(char) != "Cf")
    return " ".join(visible.split()).casefold()


def _value(name: str) -> str | float:
    """Return the number that a name writes, or else the name."""
    return float(name) if NUMBER.fullmatch(name) else name


_HOW = {
    "case, white space or the code points of a character": _seen,
    "how a number is written": _value,
}


def _about_tags(data: TaggedWords) -> Iterator[Finding]:
    counts = np.bincount(data.tags[data.tags >= 0], minlength=len(data.names))
    used = [data.names[i] for i in np.flatnonzero(counts).tolist()]
    yield from _alike(data.source, "tags", used)
    if data.scheme not in ("none", "IOB2"):
        yield Finding(NOTE, data.source, f"tags are written in {data.scheme}, and read as IOB2")
    missing = data.tags < 0
    if missing.any():
        place = place_of(data.source, int(data.lines[missing.argmax()]))
        problem = f"{plural(int(missing.sum()), 'word')} without a tag; this is the first"
        hint = "A sentence with one is not learned from, nor scored: leave it out, or tag it."
        yield Finding(WARNING, place, problem, hint)
    if data.wrong is not None and data.wrong.any():
        why, hint = _CONTRADICTED[data.scheme]
        place = place_of(data.source, int(data.lines[data.wrong.argmax()]))
        wrong = plural(int(data.wrong.sum()), "tag", ("contradicts", "contradict"))
        problem = f"{wrong} the scheme {data.scheme}; the first {why}"
        yield Finding(WARNING, place, problem, hint)


def _empty(data: Labelled) -> Iterator[Finding]:
    columns = {LabelledTexts: ("text", "second text"), Questions: ("paragraph", "question")}
    names = columns.get(type(data), ())
    for name, column in zip(names, contents_of(data), strict=False):
        blank = _is_blank(column)
        if blank.any():
            row = int(blank.argmax())
            if name == "paragraph" and isinstance(data, Questions):
                asked = data.context_of == row
                row = int(asked.argmax()) if asked.any() else 0
            problem = f"{plural(int(blank.sum()), f'empty {name}')}; this is the first"
            yield Finding(WARNING, place_in(data, row), problem)


def _ids(data: Labelled) -> Iterator[Finding]:
    if isinstance(data, TaggedWords) or data.ids is None:
        return
    again = repeated(string_codes([data.ids])[0])
    if again.any():
        row = count_labels(data).rows
        problem = f"{plural(int(again.sum()), 'id')} that another {row} has, too"
        hint = "Scripts that go by ids, as SQuAD's do, take one for the other."
        hint = hint if row == "question" else ""
        yield Finding(WARNING, place_in(data, int(again.argmax())), problem, hint)


def _is_blank(column: Strings) -> NDArray[np.bool_]:
    """Mark the texts that show nothing: spaces, controls, and marks on no character."""
    options = pc.MatchSubstringOptions(_BLANK)
    return np.asarray(pc.call_function("match_substring_regex", [column.to_arrow()], options))
