"""Settings of batches."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting


@dataclass(frozen=True, kw_only=True)
class BatchConfig(Config):
    """How rows become batches."""

    batch_tokens: int = setting(
        8_192, "Most tokens in a batch; a longer row makes one by itself.", least=1
    )
    batch_size: int | None = setting(
        None, "Most rows in a batch. None: as many as batch_tokens allows.", least=1
    )
    bins: int = setting(
        1,
        "Classes of length: a batch holds rows of one class, so that padding would cost little.",
        least=1,
        most=64,
    )
