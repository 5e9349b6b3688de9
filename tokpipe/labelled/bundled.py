"""Labelled sentences for first steps: of letters and of diaries, out of the bundled world."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tokpipe.corpus.bundled import bundled_corpus
from tokpipe.foundation.files import atomic_write
from tokpipe.foundation.seeds import random_order, stream_key

_LETTER = re.compile(r"Dear \w+,")  # a letter's second line; its first is place and date
_DIARY = re.compile(r"(?:From the |The |)[Dd]iary of ")  # a diary's first line
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_FEWEST_WORDS = 6  # dates and greetings, which tell the kind at once, have fewer
_EACH = 260  # sentences of either kind: the letters have 290
_TRAIN = 60  # of each to learn from: few, so that it shows what pretraining has taught already


class Sentence(NamedTuple):
    """A sentence, and the kind of document in which it stands: "letter" or "diary"."""

    text: str
    label: str


def letters_and_diaries() -> tuple[list[Sentence], list[Sentence]]:
    """Return sentences to learn from and sentences to be asked, none of them in both.

    Half of either are of letters, half of diaries. A model that was pretrained on the bundled
    world has read them all, without knowing what they are of.
    """
    text = (bundled_corpus() / "world.txt").read_text(encoding="utf-8")
    documents = [document.splitlines() for document in text.split("\n\n")]
    kinds = {
        "diary": [lines[1:] for lines in documents if _DIARY.match(lines[0])],
        "letter": [lines[2:] for lines in documents if len(lines) > 2 and _LETTER.match(lines[1])],
    }
    train: list[Sentence] = []
    test: list[Sentence] = []
    for number, (kind, bodies) in enumerate(kinds.items()):
        found = list(dict.fromkeys(_sentences(bodies)))
        order = random_order(stream_key(0, "letters and diaries", number), len(found))[:_EACH]
        picked = [Sentence(found[place], kind) for place in order.tolist()]
        train += picked[:_TRAIN]
        test += picked[_TRAIN:]
    return train, test


def write_letters_and_diaries(folder: Path) -> tuple[Path, Path]:
    """Write ``train.csv`` and ``test.csv`` into a folder, columns ``text`` and ``label``.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "train.csv", folder / "test.csv"
    for path, rows in zip(paths, letters_and_diaries(), strict=True):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([Sentence._fields, *rows])
        with atomic_write(path) as file:
            file.write(text.getvalue().encode())
    return paths


def _sentences(bodies: list[list[str]]) -> Iterator[str]:
    for paragraph in (line for body in bodies for line in body):
        for sentence in _SENTENCE_END.split(paragraph):
            if len(sentence.split()) >= _FEWEST_WORDS:
                yield sentence
