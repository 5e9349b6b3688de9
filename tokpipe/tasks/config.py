"""Settings of what a model is used for."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting

# What makes one vector of those of the tokens, by the names of sentence-transformers.
POOLINGS = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


@dataclass(frozen=True, kw_only=True)
class EmbedConfig(Config):
    """How a text becomes one vector.

    None: as sentence-transformers says in the model's folder, if it does.
    """

    layers: str = setting(
        "last",
        "Which hidden states: the last, the second-to-last, or the last four, added or side by "
        "side (Devlin et al. 2018, table 7).",
        choices=("last", "second-to-last", "sum-last-four", "concat-last-four"),
    )
    pooling: str | None = setting(
        None,
        "Of the tokens: their mean, the first one's ([CLS]), the greatest of each number, the sum "
        "by the root of how many they are, a mean that later ones weigh more in, the last one's, "
        "or what the pooler makes of the first. By default what modules.json beside the model "
        "says, else the mean.",
        choices=(*POOLINGS, "pooler"),
    )
    normalize: bool | None = setting(
        None,
        "Scale each vector to length 1, or not. By default what modules.json says, else not.",
    )
    max_length: int | None = setting(
        None,
        "Most tokens of a text; what is longer is cut. By default what is said beside "
        "modules.json, else what the model takes.",
        least=1,
    )


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(Config):
    """What a model is judged by."""

    split: str = setting("validation", "Which part of the shards.", choices=("validation", "train"))
    most_batches: int | None = setting(
        None, "Stop after so many batches of 4,096 tokens. None: all.", least=1
    )
