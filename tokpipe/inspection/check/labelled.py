"""Labelled data of a task: read part by part, and looked at before hours are lost on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.huggingface.checkpoint import read_outline
from tokpipe.corpus.config import ReadConfig
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_questions import most_asked
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import ERROR, Finding
from tokpipe.labelled.check import Lengths, check_labelled
from tokpipe.labelled.config import TagColumns, TextColumns
from tokpipe.labelled.counting import Counted, count_labels
from tokpipe.labelled.questions import read_questions
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords
from tokpipe.labelled.tagged import read_tagged, require_entities
from tokpipe.labelled.texts import read_texts
from tokpipe.tokenizer.tokenizer import Tokenizer

PARTS = ("train", "validation", "test")

_KINDS = {"classification": "class", "regression": "number", "multilabel": "several"}
_CUT = "their head alone is read, unless --long-texts of finetune says head-tail or mean"
_WINDOWS = "read as windows that overlap, nothing is left out"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the files of a task are read."""

    task: str
    texts: TextColumns
    tags: TagColumns
    read: ReadConfig


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """One part of the data: its name, its file, and what is in it."""

    name: str
    source: str
    counted: Counted


def check_task(
    paths: Sequence[str], reading: Reading, model: Path | None, threads: int | None
) -> tuple[list[CheckedPart], list[Finding]]:
    """Check the parts of the data of a task.

    Parameters
    ----------
    paths
        The training part; then a validation and a test part, if there are any.
    reading
        The task, and where its texts and labels stand.
    model
        Folder of the model that is to read them: then their lengths are looked at, too.
    threads
        How many tokenize.

    Raises
    ------
    InputError
        If a file is not as it should be; with its line.
    """
    if len(paths) > len(PARTS):
        problem = f"{len(paths)} files; at most {len(PARTS)} are the parts of one data set"
        raise ConfigError(problem, hint="Name them in the order of training, validation, test.")
    parts: dict[str, Labelled] = {}
    findings: list[Finding] = []
    for name, path in zip(PARTS, paths, strict=False):
        parts[name] = _read(path, reading)
        findings += _misplaced(path, parts[name], reading.read)
    lengths = None if model is None else _lengths(parts, model, threads)
    findings += check_labelled(parts, lengths)
    checked = [CheckedPart(name, part.source, count_labels(part)) for name, part in parts.items()]
    return checked, findings


def _read(path: str, reading: Reading) -> Labelled:
    if reading.task in _KINDS:
        return read_texts(path, reading.texts, _KINDS[reading.task], read=reading.read)
    if reading.task == "qa":
        return read_questions(path, "leave-out", reading.read)
    tags = reading.tags
    if reading.task == "pos" and tags.scheme == "auto":
        tags = TagColumns(word=tags.word, tag=tags.tag, scheme="none")
    data = read_tagged(path, tags, read=reading.read)
    if reading.task == "ner":
        require_entities(data)
    return data


def _misplaced(path: str, data: Labelled, read: ReadConfig) -> list[Finding]:
    """Return the first of the questions that were left out, as reading tells it."""
    if not isinstance(data, Questions) or not data.left_out:
        return []
    try:
        read_questions(path, read=read)
    except InputError as error:
        place, _, problem = error.problem.rpartition(": ")
        lost = plural(sum(data.left_out.values()), "question", ("is", "are"))
        return [Finding(ERROR, place, f"{problem}; {lost} left out", error.hint)]
    return []


def _lengths(parts: dict[str, Labelled], model: Path, threads: int | None) -> Lengths:
    usual = WindowConfig().max_seq_length
    longest = min(read_outline(model)[0].longest or usual, usual)
    tokenizer = Tokenizer.load(model)
    tokens = {name: _tokens(part, tokenizer, threads) for name, part in parts.items()}
    first = next(iter(parts.values()))
    if isinstance(first, LabelledTexts):
        return Lengths(tokens, longest, _CUT)
    asked = [part.questions for part in parts.values() if isinstance(part, Questions)]
    most = most_asked(longest - len(tokenizer.encode("", "")))
    cut = sum(int((_counted(tokenizer, texts, threads) > most).sum()) for texts in asked)
    but = f" but the end of {plural(cut, 'question')}" if cut else ""
    return Lengths(tokens, longest, f"{_WINDOWS}{but}")


def _counted(tokenizer: Tokenizer, texts: Strings, threads: int | None = None) -> NDArray[np.int64]:
    return np.diff(tokenizer.encode_word_strings(texts, threads)[1])


def _tokens(data: Labelled, tokenizer: Tokenizer, threads: int | None) -> NDArray[np.int64]:
    """Return how many tokens each row has, the special ones among them."""
    count = partial(_counted, tokenizer, threads=threads)
    if isinstance(data, TaggedWords):
        pieces = np.concatenate([[0], np.cumsum(count(data.words))])
        return np.diff(pieces[data.borders]) + len(tokenizer.encode(""))
    if isinstance(data, Questions):
        pair = count(data.contexts)[data.context_of] + count(data.questions)
        return pair + len(tokenizer.encode("", ""))
    special = tokenizer.encode("") if len(data.texts) == 1 else tokenizer.encode("", "")
    return np.sum([count(column) for column in data.texts], axis=0) + len(special)
