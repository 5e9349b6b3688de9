"""Which columns of a file hold what: the settings, without anything heavy behind them."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError

TASKS = ("classification", "regression", "multilabel", "ner", "pos", "qa")
SCHEMES = ("IOB1", "IOB2", "IOBES", "none")


@dataclass(frozen=True, kw_only=True)
class TextColumns(Config):
    """Where texts and their labels stand; None: found by the names of the columns, or by content.

    Columns of a file without a header are numbered from 1.
    """

    text: str | None = setting(
        None, "Column of the text; default: found by its name.", option="text_column"
    )
    second: str | None = setting(
        None,
        "Column of the second text of a pair; default: as the text.",
        option="second_text_column",
    )
    label: tuple[str, ...] | None = setting(
        None,
        "Column of the label; several columns of 0 and 1 for several labels a text.",
        option="label_column",
    )
    separator: str | None = setting(
        None, "What stands between several labels of one text.", option="label_separator"
    )
    id: str | None = setting(
        None, "Column of what the file itself calls each row.", option="id_column"
    )
    header: bool | None = setting(
        None, "Whether the first line names the columns; default: found by content."
    )
    ragged: str = setting(
        "error",
        "What becomes of rows with another number of fields than the first: they are refused, or "
        "left out and counted.",
        choices=("error", "leave-out"),
        option="ragged_rows",
    )

    def check(self) -> None:
        """Refuse what stands between nothing."""
        if self.separator == "":
            raise ConfigError("label_separator is empty", hint="Leave it out for one label a text.")
        if self.separator is not None and len(self.label or ()) > 1:
            hint = "Several columns hold 0 and 1 each; a separator is for one column with names."
            raise ConfigError("label_separator and several columns of label_column", hint=hint)


@dataclass(frozen=True, kw_only=True)
class TagColumns(Config):
    """Where words and their tags stand.

    A number from 1 (or from the end: -1), or in CoNLL-U a name: form, lemma, upos, xpos, deprel,
    or any key of FEATS.
    """

    word: str | None = setting(
        None, "Column of the word; default: the first, CoNLL-U: form.", option="word_column"
    )
    tag: str | None = setting(
        None,
        "Column of the tag; default: the last, CoNLL-U: upos (xpos, or a feature's name).",
        option="tag_column",
    )
    scheme: str = setting(
        "auto",
        "How entities are written in the tags.",
        choices=("auto", *SCHEMES),
        option="tag_scheme",
    )
