"""Settings of a pretraining that goes out from a model."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting

NEW_ROWS = ("pieces", "mean", "normal")
GROWTHS = ("refuse", "repeat", "interpolate")


@dataclass(frozen=True, kw_only=True)
class StartConfig(Config):
    """How a model is fitted to the shards that it is trained further on."""

    new_rows: str = setting(
        "pieces",
        "Embeddings of tokens that the model has not: the mean of the pieces that it has for them, "
        "the mean of all, or drawn from the normal distribution of all.",
        choices=NEW_ROWS,
    )
    grow_positions: str = setting(
        "refuse",
        "What becomes of a learned position table that is too short for the shards: its rows are "
        "repeated, or it is stretched between them.",
        choices=GROWTHS,
    )
    hidden_dropout_prob: float | None = setting(
        None, "Share of hidden values dropped. None: as the model has it.", least=0.0, most=0.9
    )
    attention_probs_dropout_prob: float | None = setting(
        None, "Share of attention weights dropped. None: as the model has it.", least=0.0, most=0.9
    )
