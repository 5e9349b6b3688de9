"""Questions about paragraphs: SQuAD 1.1 and 2.0, and all in their form."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.whole import read_block
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.strict_json import parse_strictly
from tokpipe.foundation.visible import visible
from tokpipe.labelled.records import Questions

WRONG_ANSWERS = ("error", "leave-out", "unread")

_ABSENT = "answers that are not in their context"
_TORN = "answers to questions that are said to have none"
_KINDS = {
    str: "a text",
    int: "a whole number",
    list: "a list",
    dict: "an object",
    bool: "true or false",
}


def read_questions(
    path: str | Path, wrong_answers: str = "error", read: ReadConfig | None = None
) -> Questions:
    """Read questions with their paragraphs and answers.

    Every answer is looked up where it is said to begin. A question without answers is one that
    cannot be answered (SQuAD 2.0); one that `is_impossible` and has an answer is as wrong as one
    with an answer that is not there.

    Parameters
    ----------
    path
        A JSON file, compressed or not.
    wrong_answers
        What becomes of a question whose paragraph does not hold an answer at its place: "error",
        "leave-out" (and count), or "unread": no answer is wanted, and none needs to be there.
    read
        How the file is read.

    Raises
    ------
    InputError
        If the file is not in that form, or an answer is not in its context, with the line and the
        id of the question.

    References
    ----------
    P. Rajpurkar et al.: SQuAD: 100,000+ Questions, EMNLP 2016; Know What You Don't Know, ACL 2018.
    """
    if wrong_answers not in WRONG_ANSWERS:
        allowed = ", ".join(WRONG_ANSWERS)
        raise ConfigError(f"wrong_answers={wrong_answers!r} is not one of {allowed}")
    block = read_block(path, read)
    text = block.data[block.start : block.stop].tobytes()
    reader = _Reader(str(path), text, wrong_answers)
    document = parse_strictly(text, str(path))
    if not isinstance(document, dict):
        raise InputError(f"{path}: no SQuAD file: {_kind(document)}, not an object with 'data'")
    for article in reader.member(document, "data", list, "the file"):
        reader.article(article)
    if not reader.questions:
        raise reader.refusal or InputError(f"{path}: no questions")
    return reader.whole()


@dataclass(slots=True)
class _Reader:
    """Gathers what the file holds, and knows where it is."""

    name: str
    text: bytes
    wrong_answers: str
    contexts: list[bytes] = field(default_factory=list)
    context_of: list[int] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    refusal: InputError | None = None  # why the first of them was
    asked: str | int | None = None  # the question that is being read

    def article(self, article: Any) -> None:
        title = article.get("title") if isinstance(article, dict) else None
        where = f"article {title!r}" if isinstance(title, str) else "an article"
        for paragraph in self.member(article, "paragraphs", list, where):
            context = self.member(paragraph, "context", str, f"a paragraph of {where}")
            questions = self.member(paragraph, "qas", list, f"a paragraph of {where}")
            self.contexts.append(self.encoded(context, f"a paragraph of {where}"))
            for question in questions:
                self.question(question, context, f"a question of {where}")
                self.asked = None

    def question(self, item: Any, context: str, where: str) -> None:
        id = self.asked = self.member(item, "id", str | int, where)
        where = f"question {id!r}"
        text = self.member(item, "question", str, where)
        unread = self.wrong_answers == "unread"
        answers = [] if unread else self.answered(item, context, where)
        if answers is None:
            return
        for part in (str(id), text):
            self.encoded(part, where)
        self.context_of.append(len(self.contexts) - 1)
        self.questions.append(text)
        self.ids.append(str(id))
        self.answers += [answer for answer, _ in answers]
        self.starts += [start for _, start in answers]
        self.counts.append(len(answers))

    def answered(self, item: dict, context: str, where: str) -> list[tuple[str, int]] | None:
        """Return the answers with their start in bytes; None if the question is left out."""
        said = item.get("is_impossible")
        impossible = said is not None and self.member(item, "is_impossible", bool, where)
        given = self.member(item, "answers", list, where, [] if impossible else None)
        if not impossible:
            return self.placed(given, context, where)
        if all(isinstance(answer, dict) and answer.get("text") == "" for answer in given):
            return []
        problem = f"{self.place(where)}: is_impossible, and has an answer"
        return self.refused(_TORN, InputError(problem, hint="Take one of the two away."))

    def refused(self, reason: str, error: InputError) -> None:
        """Raise the error, or leave the question out and count it."""
        if self.wrong_answers == "error":
            raise error
        self.refusal = self.refusal or error
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def placed(self, given: list, context: str, where: str) -> list[tuple[str, int]] | None:
        """Return the answers with their start in bytes; None if one is not where it should be."""
        found = []
        for answer in given:
            text = self.member(answer, "text", str, f"an answer of {where}")
            start = self.member(answer, "answer_start", int, f"an answer of {where}")
            if not text or start < 0 or context[start : start + len(text)] != text:
                return self.refused(_ABSENT, self.absent(text, start, context, where))
            found.append((text, len(context[:start].encode())))
        return found

    def member(self, item: Any, key: str, kind: Any, where: str, default: Any = None) -> Any:
        """Return a member of an object, of the kind that it must be."""
        if not isinstance(item, dict):
            raise InputError(f"{self.place(where)}: {_kind(item)}, not an object")
        value = item.get(key, default)
        if value is None:
            raise InputError(f"{self.place(where)}: no {key!r}")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            needed = _KINDS.get(kind, "a text")
            raise InputError(f"{self.place(where)}: {key!r} is {_kind(value)}, not {needed}")
        return value

    def encoded(self, text: str, where: str) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise InputError(f"{self.place(where)}: half a surrogate pair in the text") from None

    def absent(self, text: str, start: int, context: str, where: str) -> InputError:
        found = context.find(text) if text else -1
        what = f"the answer {visible(text[:60])!r} is not at character {start} of its context"
        hint = f"It is at {found}." if found >= 0 else "It is nowhere in the context."
        if not text:
            what, hint = "an answer is empty", "A question without an answer has an empty list."
        return InputError(f"{self.place(where)}: {what}", hint=hint)

    def place(self, where: str) -> str:
        """Return the file, the line of the question if it can be found, and what it is about."""
        if self.asked is None:
            return f"{self.name}: {visible(where)}"
        forms = (json.dumps(self.asked), json.dumps(self.asked, ensure_ascii=False))
        written = "|".join(re.escape(form) for form in forms).encode(errors="surrogatepass")
        found = re.search(rb'"id"\s*:\s*(?:' + written + rb")\s*[,}]", self.text)
        line = f":{self.text[: found.start()].count(10) + 1}" if found else ""
        return f"{self.name}{line}: {visible(where)}"

    def whole(self) -> Questions:
        borders = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)
        return Questions(
            self.name,
            Strings.from_list(self.contexts),
            np.array(self.context_of, np.int64),
            Strings.from_list(self.questions),
            Strings.from_list(self.ids),
            Strings.from_list(self.answers),
            np.array(self.starts, np.int64),
            borders,
            self.left_out,
        )


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return _KINDS.get(type(value), "a number")
