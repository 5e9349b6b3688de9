"""The list of tasks. A line here and a file in ``tasks/`` make a task known everywhere.

The names are light to import: the command line shows them before it reads a model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from tokpipe.foundation.config import unknown_name
from tokpipe.foundation.doors import require

if TYPE_CHECKING:
    from tokpipe.finetuning.task import Task


class Entry(NamedTuple):
    """A task that there is: its name, what it says of what, and where its ``TASK`` is."""

    name: str
    about: str
    module: str


_HOME = "tokpipe.finetuning.tasks"
ENTRIES = (
    Entry("classification", "one class of each text or pair of texts", f"{_HOME}.classification"),
    Entry("regression", "a number of each text or pair of texts", f"{_HOME}.regression"),
    Entry("multilabel", "any number of classes of each text", f"{_HOME}.multilabel"),
    Entry("ner", "names in sentences", f"{_HOME}.ner"),
    Entry("pos", "a tag of each word", f"{_HOME}.pos"),
    Entry("qa", "where a paragraph answers a question", f"{_HOME}.qa"),
)


def task_of(name: str) -> "Task":
    """Return a task by its name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    require("task", name, str, optional=False)
    for entry in ENTRIES:
        if entry.name == name:
            return import_module(entry.module).TASK
    raise unknown_name("no task", name, [entry.name for entry in ENTRIES])
