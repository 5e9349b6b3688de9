"""Which column of a table is the text, and which the label: as asked, by name, or by content."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from tokpipe.corpus.columns import TableHead, missing_column
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible
from tokpipe.labelled.config import TextColumns

TEXT_FLAG, SECOND_FLAG, LABEL_FLAG = "--text-column", "--second-text-column", "--label-column"
ID_FLAG = "--id-column"

# As GLUE, SNLI, MultiNLI, STS and the common data sets of single texts call them.
_PAIRS = (
    *(("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2")),
    *(("#1 string", "#2 string"), ("question", "sentence"), ("text1", "text2")),
    *(("text_a", "text_b"), ("sentence_a", "sentence_b"), ("text", "text_pair")),
)
_TEXTS = (
    *("text", "sentence", "review", "content", "document", "comment", "comment_text", "tweet"),
    *("utterance", "body", "question", "title"),
)
_CLASSES = (
    *("gold_label", "label", "labels", "quality", "is_duplicate", "class", "category"),
    *("sentiment", "target", "intent", "topic", "polarity", "stars", "rating", "score"),
)
_NUMBERS = (
    *("score", "similarity_score", "relatedness_score", "similarity", "label", "rating"),
    *("stars", "target", "value"),
)
_MOST_CLASSES = 10  # of a column without a name: more are a label only where they repeat
_SHOWN = 8  # columns that an error names


class Roles(NamedTuple):
    """Columns by what they hold, from 0; `names` are those of the labels."""

    texts: tuple[int, ...]
    labels: tuple[int, ...]
    ids: tuple[int, ...]
    names: tuple[str, ...]
    header: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """The option that names another column, for each of texts, labels and ids."""
        texts = (TEXT_FLAG, SECOND_FLAG)[: len(self.texts)]
        return texts + (LABEL_FLAG,) * len(self.labels) + (ID_FLAG,) * len(self.ids)


def roles_of(head: TableHead, columns: TextColumns, kind: str) -> Roles:
    """Find the columns of texts and labels.

    Parameters
    ----------
    head
        The names of the columns, or the first record of a file that may have none.
    columns
        What was asked for.
    kind
        "class", "number", "several", or "none" where no label is wanted.

    Raises
    ------
    InputError
        If a column is missing, or nobody can tell which it is.
    """
    asked = [columns.text, columns.second, *(columns.label or ()), columns.id]
    given = [name for name in asked if name is not None]
    named = head.named or columns.header or (columns.header is None and _is_header(head, given))
    roles = _by_name(head, columns, kind) if named else _by_number(head, columns, kind)
    _require_apart(head, roles)
    return roles


def _require_apart(head: TableHead, roles: Roles) -> None:
    """Refuse a column that is two things: a label that stands in its text teaches nothing."""
    flag_of: dict[int, str] = {}
    for column, flag in zip((*roles.texts, *roles.labels), roles.flags, strict=False):
        if column in flag_of:
            name = visible(head.first[column]) if roles.header else str(column + 1)
            problem = f"{_first_line(head)}: column {name!r} is both {flag_of[column]} and {flag}"
            raise InputError(problem, hint=f"Pass another {flag}.")
        flag_of[column] = flag


def _is_header(head: TableHead, given: Sequence[str]) -> bool:
    if given:  # else an unknown name would make a row of the header
        return not all(name.isdecimal() for name in given)
    low = _lowered(head)
    pairs = (name for pair in _PAIRS for name in pair)
    return any(name in low for name in (*_TEXTS, *pairs, *_CLASSES, *_NUMBERS))


def _lowered(head: TableHead) -> list[str]:
    return [name.strip().casefold() for name in head.first]


def _by_name(head: TableHead, columns: TextColumns, kind: str) -> Roles:
    def index(name: str, flag: str) -> int:
        if name in head.first:
            return head.first.index(name)
        near = [i for i, one in enumerate(head.first) if one.strip() == name.strip()]
        if len(near) != 1:  # lists of names on the command line lose their spaces
            raise missing_column(_first_line(head), name, head.first, flag)
        return near[0]

    labels = () if kind == "none" else _label_names(head, columns, kind)
    texts = _text_names(head, columns, labels)
    return Roles(
        tuple(index(*pair) for pair in zip(texts, (TEXT_FLAG, SECOND_FLAG), strict=False)),
        tuple(index(name, LABEL_FLAG) for name in labels),
        () if columns.id is None else (index(columns.id, ID_FLAG),),
        labels,
        True,
    )


def _text_names(head: TableHead, columns: TextColumns, labels: Sequence[str]) -> tuple[str, ...]:
    if columns.text is not None:
        return (columns.text,) if columns.second is None else (columns.text, columns.second)
    low = _lowered(head)
    for first, second in _PAIRS:
        if first in low and second in low and columns.second is None:
            return head.first[low.index(first)], head.first[low.index(second)]
    found = [name for name in _TEXTS if name in low]
    rest = [name for name in head.first if name not in (*labels, columns.second, columns.id)]
    if not found and len(rest) != 1:
        raise _unknown(head, "text", TEXT_FLAG)
    text = head.first[low.index(found[0])] if found else rest[0]
    return (text,) if columns.second is None else (text, columns.second)


def _label_names(head: TableHead, columns: TextColumns, kind: str) -> tuple[str, ...]:
    if columns.label:
        return columns.label
    low = _lowered(head)
    found = [name for name in (_NUMBERS if kind == "number" else _CLASSES) if name in low]
    if not found:
        raise _unknown(head, "label", LABEL_FLAG)
    return (head.first[low.index(found[0])],)


def _by_number(head: TableHead, columns: TextColumns, kind: str) -> Roles:
    def index(number: str, flag: str) -> int:
        if not number.isdecimal() or not 1 <= int(number) <= len(head.first):
            what = f"column {number!r}, but the file has {len(head.first)} and no header"
            hint = f"Pass a number from 1 to {flag}; --header if the first line names the columns."
            raise InputError(f"{head.name}: {what}", hint=hint)
        return int(number) - 1

    asked = [(columns.text, TEXT_FLAG), (columns.second, SECOND_FLAG)]
    texts = tuple(index(name, flag) for name, flag in asked if name is not None)
    labels = tuple(index(name, LABEL_FLAG) for name in columns.label or () if kind != "none")
    ids = () if columns.id is None else (index(columns.id, ID_FLAG),)
    if not texts or (not labels and kind != "none"):
        found = _by_content(head, kind)
        texts, labels = texts or found[0], labels or found[1]
    return Roles(texts, labels, ids, tuple(str(label + 1) for label in labels), False)


def _by_content(head: TableHead, kind: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find texts by their spaces and the label by its few values, if that leaves no doubt."""
    sample = head.sample()
    if _is_cola(sample):
        return (3,), (() if kind == "none" else (1,))
    texts = tuple(i for i, cells in enumerate(sample) if _has_spaces(cells))
    good = _is_number if kind == "number" else _is_class
    labels = tuple(i for i, cells in enumerate(sample) if i not in texts and good(cells))
    if not 1 <= len(texts) <= 2:
        raise _unknown(head, "text", TEXT_FLAG)
    if kind == "none":
        return texts, ()
    if len(labels) != 1 or _stands_alone(sample[labels[0]]):
        raise _unknown(head, "label", LABEL_FLAG)
    return texts, labels


def _is_cola(sample: Sequence[Strings]) -> bool:
    """Say whether a file looks like CoLA: source, 0 or 1, nothing or a star, sentence."""
    if len(sample) != 4:
        return False
    labels, marks = _distinct(sample[1]), _distinct(sample[2])
    return labels <= {"0", "1"} and marks <= {"", "*"}


def _has_spaces(cells: Strings) -> bool:
    return 2 * _share(cells, "match_substring", " ") >= len(cells)


def _is_class(cells: Strings) -> bool:
    found = _distinct(cells)
    return "" not in found and len(found) <= max(_MOST_CLASSES, len(cells) // 2)


def _is_number(cells: Strings) -> bool:
    pattern = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
    return _share(cells, "match_substring_regex", pattern) == len(cells)


def _stands_alone(cells: Strings) -> bool:
    """Say whether the first cell is like no other, as a name of a column is."""
    first = cells.bytes_of(0)
    rest = [cells.bytes_of(i) for i in range(1, len(cells))]
    return first not in rest and len(rest) > len(set(rest))


def _share(cells: Strings, function: str, pattern: str) -> int:
    options = pc.MatchSubstringOptions(pattern)
    return int(np.asarray(pc.call_function(function, [cells.to_arrow()], options)).sum())


def _distinct(cells: Strings) -> set[str]:
    return set(cells.to_arrow().unique().to_pylist())


def _first_line(head: TableHead) -> str:
    return head.name if head.named else f"{head.name}:1"


def _unknown(head: TableHead, what: str, flag: str) -> InputError:
    shown = ", ".join(repr(visible(name[:30])) for name in head.first[:_SHOWN])
    more = f" and {len(head.first) - _SHOWN} more" if len(head.first) > _SHOWN else ""
    number = "" if head.named else ", or its number if there is no header"
    hint = f"Pass {flag}: its name{number}."
    if not head.named and len(head.first) == 1:
        hint = "One column: cells of .csv stand between commas, those of .tsv between tabs."
        if flag == LABEL_FLAG:
            hint += " Texts without labels are for `tokpipe predict`."
    return InputError(f"{_first_line(head)}: which column is the {what}? {shown}{more}", hint=hint)
