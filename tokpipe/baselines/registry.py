"""The list of methods. A line here and a file beside it make a method known everywhere.

The names are light to import: the command line shows them before it reads any data.
"""

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from tokpipe.foundation.config import unknown_name
from tokpipe.foundation.doors import require

if TYPE_CHECKING:
    from tokpipe.baselines.method import Method


class Entry(NamedTuple):
    """A method that there is: its name, what it is, its tasks, and where its ``METHOD`` is."""

    name: str
    about: str
    tasks: tuple[str, ...]
    module: str


TEXT_TASKS = ("classification", "multilabel", "regression")
WORD_TASKS = ("ner", "pos")
ENTRIES = (
    Entry(
        "bow",
        "counts of words and n-grams with TF-IDF, and logistic (or ridge) regression",
        TEXT_TASKS,
        "tokpipe.baselines.bow",
    ),
    Entry(
        "nbsvm",
        "which words and n-grams are there, weighed by naive Bayes, and a linear model",
        ("classification", "multilabel"),
        "tokpipe.baselines.nbsvm",
    ),
    Entry(
        "vectors",
        "averaged vectors of words and n-grams, learned on the task",
        TEXT_TASKS,
        "tokpipe.baselines.vectors",
    ),
    Entry(
        "bilstm",
        "a bidirectional LSTM over vectors of words and their spelling, learned on the task",
        ("classification", "multilabel", *WORD_TASKS),
        "tokpipe.baselines.bilstm",
    ),
)


def entry_of(name: str) -> Entry:
    """Return the entry of a method by its name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    require("method", name, str, optional=False)
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise unknown_name("no baseline", name, [entry.name for entry in ENTRIES])


def method_of(name: str) -> "Method":
    """Return a method by its name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    return import_module(entry_of(name).module).METHOD
