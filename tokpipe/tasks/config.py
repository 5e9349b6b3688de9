"""Settings of what a model is used for."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting


@dataclass(frozen=True, kw_only=True)
class EmbedConfig(Config):
    """How a text becomes one vector."""

    layers: str = setting(
        "last",
        "Which hidden states: the last, the second-to-last, or the last four, added or side by "
        "side (Devlin et al. 2018, table 7).",
        choices=("last", "second-to-last", "sum-last-four", "concat-last-four"),
    )
    pooling: str = setting(
        "mean",
        "Of the tokens: their mean, the first one's ([CLS]), or what the pooler makes of that.",
        choices=("mean", "cls", "pooler"),
    )
    normalize: bool = setting(False, "Scale each vector to length 1.")
    max_length: int | None = setting(None, "Most tokens of a text; what is longer is cut.", least=1)


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(Config):
    """What a model is judged by."""

    split: str = setting("validation", "Which part of the shards.", choices=("validation", "train"))
    most_batches: int | None = setting(
        None, "Stop after so many batches of 4,096 tokens. None: all.", least=1
    )
