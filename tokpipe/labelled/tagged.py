"""Tagged words from CoNLL columns and CoNLL-U."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.lines import read_lines
from tokpipe.corpus.whole import read_block
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible
from tokpipe.labelled import conllu
from tokpipe.labelled.config import TagColumns
from tokpipe.labelled.conll import from_columns
from tokpipe.labelled.fields import COMMENT, Fields, fields_of
from tokpipe.labelled.labels import shown
from tokpipe.labelled.naming import with_names
from tokpipe.labelled.records import NO_LABEL, TaggedWords, place_of
from tokpipe.labelled.rows import Rows, check_counts, rows_of
from tokpipe.labelled.schemes import OTHER, contradictions, meaning_of, recognise, to_iob2

_NO_TAG = re.compile(r"[\x00-\x1f\x7f-\x9f]|^\s*$")


def read_tagged(
    path: str | Path,
    columns: TagColumns | None = None,
    names: Sequence[str] | None = None,
    read: ReadConfig | None = None,
    *,
    tagged: bool = True,
) -> TaggedWords:
    """Read sentences of words with a tag each.

    Fields stand between tabs, or between spaces; a blank line ends a sentence. Lines of
    ``-DOCSTART-`` are left out, and those that begin with ``#`` where they cannot be words: in
    CoNLL-U all, else those in front of a sentence with another number of fields. CoNLL-U is known
    by its ten columns: words are its syntactic words (multi-word ranges ``1-2`` and empty nodes
    ``1.1`` are left out and counted).

    Parameters
    ----------
    path
        A file, compressed or not.
    columns
        Which columns hold what, and the scheme of the tags.
    names
        The tags that there are (in IOB2); None: those of the file.
    read
        How the file is read.
    tagged
        Whether tags are wanted; if not, none is read, and words alone will do.

    Raises
    ------
    InputError
        If a line is not as it should be, or no blank line ends a sentence.

    References
    ----------
    Universal Dependencies, CoNLL-U Format, https://universaldependencies.org/format.html
    """
    columns, read = columns or TagColumns(), read or ReadConfig()
    block = read_block(path, read)
    lines, _ = read_lines(block, read)
    name, fields = str(path), fields_of(lines)
    if _is_conllu(name, fields):
        rows, words, tags = _from_conllu(name, fields, columns)
    else:
        rows, words, tags = from_columns(name, fields, columns, 2 if tagged else 1)
    _check_words(name, rows, words)
    if tagged:
        _check_tags(name, rows, tags)
    else:
        tags, columns, names = words, TagColumns(scheme="none"), None
    data = _tagged(name, rows, words, tags, columns.scheme, names)
    none = np.full(len(words), NO_LABEL, np.int32)
    return data if tagged else replace(data, tags=none, names=())


def require_entities(data: TaggedWords) -> None:
    """Refuse tags that do not say where entities begin and end, whatever scheme was told.

    Raises
    ------
    InputError
        With the first word whose tag is of no scheme.
    """
    roles = np.append(meaning_of(data.names).roles, OTHER)  # the last: of a word without a tag
    odd = roles[data.tags] == OTHER
    if data.scheme != "none" and not odd[data.tags >= 0].any():
        return
    word = int(odd.argmax())
    place = place_of(data.source, int(data.lines[word]))
    tag = shown(data.names[data.tags[word]]) if data.tags[word] >= 0 else "_"
    if not odd.any():
        problem = f"{place}: tags like {tag!r} are read as of no scheme"
        raise InputError(problem, hint="Pass another --tag-scheme, or leave it to be found out.")
    problem = f"{place}: tags like {tag!r} do not say where entities are; B-, I- and O do"
    raise InputError(problem, hint="Pass --tag-column, or the task pos for a tag of each word.")


def _is_conllu(name: str, fields: Fields) -> bool:
    if ".conllu" in PurePath(name.lower()).suffixes:
        return True
    held = np.flatnonzero(~fields.blank & (fields.data[fields.starts] != COMMENT))
    if not fields.tabs or not len(held) or fields.counts()[held[0]] != conllu.COLUMNS:
        return False
    return conllu.is_id(fields.column(held[:1], 0).bytes_of(0).decode())


def _from_conllu(name: str, fields: Fields, columns: TagColumns) -> tuple[Rows, Strings, Strings]:
    held = ~fields.blank
    held &= fields.data[fields.starts] != COMMENT
    lines = np.flatnonzero(held)
    check_counts(name, fields, lines, conllu.COLUMNS, "CoNLL-U has 10")
    kinds = conllu.kinds_of(name, lines, fields.column(lines, 0))
    left_out = {reason: int((kinds == kind).sum()) for kind, reason in conllu.LEFT_OUT.items()}
    words = lines[kinds == conllu.WORD]
    rows = rows_of(name, fields, words, {why: count for why, count in left_out.items() if count})
    conllu.check_order(name, words, fields.column(words, 0), rows.borders)
    word = conllu.column_of(name, columns.word or "form", "--word-column")
    if isinstance(word, str):
        problem = f"{name}: column {word!r} is a feature, and holds no words"
        raise InputError(problem, hint="Pass --word-column form or lemma.")
    tag = conllu.column_of(name, columns.tag or "upos", "--tag-column")
    if isinstance(tag, int):
        return rows, fields.column(words, word), conllu.without_none(fields.column(words, tag))
    feats = fields.column(words, conllu.FEATS)
    return rows, fields.column(words, word), conllu.feature_of(name, feats, tag)


def _check_words(name: str, rows: Rows, words: Strings) -> None:
    empty = np.diff(words.offsets) == 0
    if empty.any():
        line = int(rows.lines[empty.argmax()])
        raise InputError(f"{name}:{line + 1}: the word is empty")


def _check_tags(name: str, rows: Rows, tags: Strings) -> None:
    """Refuse tags of white space alone, and line ends of other systems, read as a part of tags."""
    coded = tags.to_arrow().dictionary_encode()
    found = coded.dictionary.to_pylist()
    wrong = [tag != conllu.NO_TAG and bool(_NO_TAG.search(tag)) for tag in found]
    if any(wrong):
        index = np.asarray(coded.indices)
        word = int(np.array(wrong)[index].argmax())
        tag, place = found[index[word]], f"{name}:{rows.lines[word] + 1}"
        if not tag.strip():
            raise InputError(f"{place}: the tag is empty")
        problem = f"{place}: the tag '{visible(tag[:40])}' holds a control character"
        raise InputError(problem, hint="Lines end with LF, or with CR and LF.")


def _tagged(
    name: str,
    rows: Rows,
    words: Strings,
    cells: Strings,
    scheme: str,
    names: Sequence[str] | None,
) -> TaggedWords:
    coded = cells.to_arrow().dictionary_encode()
    found = coded.dictionary.to_pylist()
    known = tuple(sorted(tag for tag in found if tag != conllu.NO_TAG))
    number = {tag: i for i, tag in enumerate(known)}
    table = np.array([number.get(tag, -1) for tag in found], np.int32)
    tags = table[np.asarray(coded.indices)]
    if scheme == "auto":
        scheme = recognise(known, tags, rows.borders)
    wrong = None
    if scheme != "none":
        wrong = contradictions(known, tags, rows.borders, scheme)
        tags, known = to_iob2(scheme, known, tags, rows.borders)
    data = TaggedWords(
        name, words, rows.borders, tags, known, scheme, rows.lines + 1, rows.left_out, wrong
    )
    return data if names is None else with_names(data, names)
