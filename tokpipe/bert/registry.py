"""The list of heads. A line here and a file in ``heads/`` make a head known everywhere.

The names are light to import: a log is drawn without the kernels that made it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from tokpipe.bert.config import BertConfig

if TYPE_CHECKING:
    from tokpipe.bert.head import Head


class Entry(NamedTuple):
    """A head that there is.

    Attributes
    ----------
    name
        Of its losses in logs and figures: ``name_loss``, ``name_accuracy``; of its tensors, too.
    asked, counted
        What it is asked about, in the plural, and in one word.
    module
        Where its ``HEAD`` is.
    has_perplexity
        Whether it guesses tokens, of which people know perplexities.
    """

    name: str
    asked: str
    counted: str
    module: str
    has_perplexity: bool = False


# In the order of the parameter block, in which gradients are added up.
ENTRIES: list[Entry] = [
    Entry("mlm", "masked tokens", "masks", "tokpipe.bert.heads.masked_tokens", True),
    Entry("nsp", "pairs", "pairs", "tokpipe.bert.heads.next_sentence"),
]


def entry_of(name: str) -> Entry:
    """Return the line of a head; one that is no more, in an old log, goes by its name.

    Examples
    --------
    >>> entry_of("mlm").asked, entry_of("rtd").asked
    ('masked tokens', 'rtd')
    """
    gone = Entry(name, name, name, "")
    return next((entry for entry in ENTRIES if entry.name == name), gone)


def all_heads() -> "Mapping[str, Head]":
    """Return all heads by name, in order."""
    return {entry.name: import_module(entry.module).HEAD for entry in ENTRIES}


def heads_of(config: BertConfig) -> "Mapping[str, Head]":
    """Return the heads of a model by name, in order."""
    return {name: head for name, head in all_heads().items() if head.is_in(config)}
