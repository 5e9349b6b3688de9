"""The options that say which columns of labelled data hold what."""

from tokpipe.cli.options import Decorator, config_options
from tokpipe.labelled.config import TagColumns, TextColumns

HEADING = "Labelled data"


def text_column_options(*leave_out: str) -> Decorator:
    """Add the options of `TextColumns`, but for some fields, and pass it as `text_columns`."""
    return config_options(TextColumns, "text_columns", heading=HEADING, leave_out=leave_out)


def tag_column_options() -> Decorator:
    """Add the options of `TagColumns`, and pass it as `tag_columns`."""
    return config_options(TagColumns, "tag_columns", heading=HEADING)
