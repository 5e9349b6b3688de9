"""The options that say which columns of labelled data hold what."""

from dataclasses import fields

import click
from click.core import ParameterSource

from tokpipe.cli.options import Decorator, config_options, key_of
from tokpipe.foundation.errors import ConfigError
from tokpipe.labelled.config import TagColumns, TextColumns

HEADING = "Labelled data"
_COLUMNS = {"texts": TextColumns, "words": TagColumns}  # by the kind of data


def text_column_options(*leave_out: str) -> Decorator:
    """Add the options of `TextColumns`, but for some fields, and pass it as `text_columns`."""
    return config_options(TextColumns, "text_columns", heading=HEADING, leave_out=leave_out)


def tag_column_options() -> Decorator:
    """Add the options of `TagColumns`, and pass it as `tag_columns`."""
    return config_options(TagColumns, "tag_columns", heading=HEADING)


def refuse_other_columns(kind: str, what: str) -> None:
    """Refuse columns of other data on the command line, which would be left unread.

    Parameters
    ----------
    kind
        Of the data: "texts", "words" or "questions".
    what
        Whose data it is, for messages.

    Raises
    ------
    ConfigError
    """
    context = click.get_current_context()
    for other in _COLUMNS.keys() - {kind}:
        for key in map(key_of, fields(_COLUMNS[other])):
            if context.get_parameter_source(key) is ParameterSource.COMMANDLINE:
                flag = f"--{key.replace('_', '-')}"
                raise ConfigError(f"{flag} is for {other}: {what} is for {kind}")
