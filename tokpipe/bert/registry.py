"""The list of heads. A line here and a file in ``heads/`` make a head known everywhere.

The names are light to import: a log is drawn without the kernels that made it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from tokpipe.bert.config import NO_JOB, BertConfig

if TYPE_CHECKING:
    from tokpipe.bert.head import Head


class Entry(NamedTuple):
    """A head that there is."""

    # of its losses in logs and figures: ``name_loss``, ``name_accuracy``; of its tensors, too
    name: str
    # `asked`, `counted`: what it is asked about, in the plural, and in one word
    asked: str
    counted: str
    module: str  # where its ``HEAD`` is
    # the switch of `BertConfig` that puts it into a model; "": every model has it
    setting: str = ""
    has_perplexity: bool = False  # whether it guesses tokens, of which people know perplexities
    # in place of a switch the `task` of `BertConfig`: a model has the head of one job at most
    task: str = ""


# In the order of the parameter block, in which gradients are added up.
ENTRIES: list[Entry] = [
    Entry("mlm", "masked tokens", "masks", "tokpipe.bert.heads.masked_tokens", "mlm_head", True),
    Entry("nsp", "pairs", "pairs", "tokpipe.bert.heads.next_sentence", "nsp_head"),
    Entry("text", "texts", "texts", "tokpipe.bert.heads.text_labels", task="text"),
    Entry("token", "words", "words", "tokpipe.bert.heads.token_labels", task="token"),
    Entry("span", "questions", "questions", "tokpipe.bert.heads.answer_spans", task="span"),
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


def entries_of(config: BertConfig) -> list[Entry]:
    """Return the lines of a model's heads, in order."""
    return [entry for entry in ENTRIES if _has(config, entry)]


def switches(*names: str) -> dict[str, Any]:
    """Return the settings of a model that has the heads named, of no job, and no other.

    Examples
    --------
    >>> {name: value for name, value in switches("mlm").items() if name not in NO_JOB}
    {'mlm_head': True, 'nsp_head': False}
    """
    return {**{e.setting: e.name in names for e in ENTRIES if e.setting}, **NO_JOB}


def beside_encoder(config: BertConfig) -> str:
    """Say what a model has beside its encoder.

    Examples
    --------
    >>> beside_encoder(BertConfig(nsp_head=False))
    'pooler, MLM head'
    """
    heads = [f"{entry.name.upper()} head" for entry in entries_of(config)]
    return ", ".join([*(["pooler"] if config.pooler else []), *heads]) or "nothing"


def all_heads() -> "Mapping[str, Head]":
    """Return all heads by name, in order."""
    return {entry.name: import_module(entry.module).HEAD for entry in ENTRIES}


def heads_of(config: BertConfig) -> "Mapping[str, Head]":
    """Return the heads of a model by name, in order."""
    return {entry.name: import_module(entry.module).HEAD for entry in entries_of(config)}


def _has(config: BertConfig, entry: Entry) -> bool:
    if entry.task:
        return config.task == entry.task
    return not entry.setting or getattr(config, entry.setting)
