"""Settings of the rows that a model gets for new tokens."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.training.start_config import NEW_ROWS


@dataclass(frozen=True, kw_only=True)
class RowsConfig(Config):
    """What a model's embedding has for tokens that are new."""

    new_rows: str = setting(
        "pieces",
        "Embeddings of new tokens: the mean of their old pieces, the mean of all, or drawn from "
        "the normal distribution of all.",
        choices=NEW_ROWS,
    )
    pad_to_multiple_of: int | None = setting(
        None, "Add rows without a token until their number is a multiple of this.",
        least=1, most=1 << 16,
    )  # fmt: skip
