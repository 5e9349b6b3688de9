"""Settings of shard folders."""

from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from tokpipe.corpus.config import ReadConfig, SentenceConfig
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError

SPLITS = ("train", "validation")


@dataclass(frozen=True, kw_only=True)
class ShardConfig(Config):
    """How examples are laid out in files, and which documents are held back."""

    shard_bytes: int = setting(
        64 << 20,
        "A file of examples ends with the block that reaches this size.",
        least=1 << 10,
        most=1 << 30,
    )
    num_shards: int | None = setting(
        None,
        "Cut the training text into so many files instead; the text is then measured first.",
        least=1,
        most=99_999,
    )
    validation_fraction: float = setting(
        0.01, "Share of the documents that go into the validation split.", least=0, most=0.5
    )
    block_bytes: int = setting(
        4 << 20,
        "Text that is worked on at once: random next segments come from the same block, and "
        "longer documents are cut.",
        least=1 << 10,
        most=64 << 20,
    )
    compression: str = setting(
        "none",
        "Codec of the files; only uncompressed ones can be mapped into memory.",
        choices=("none", "lz4", "zstd"),
    )
    dense_labels: bool = setting(
        False,
        "Add labels, token_type_ids and attention_mask, as transformers' Trainer wants them "
        "(static masking).",
    )

    def check(self) -> None:
        """Refuse two ways of cutting at once."""
        if self.num_shards is not None and self.shard_bytes != 64 << 20:
            raise ConfigError(
                "num_shards and shard_bytes both say where files end", hint="Give one of them."
            )


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """All settings of a shard folder, by stage, and the seed of all draws."""

    examples: ExampleConfig = field(default_factory=ExampleConfig)
    masks: MaskConfig = field(default_factory=MaskConfig)
    sentences: SentenceConfig = field(default_factory=SentenceConfig)
    shards: ShardConfig = field(default_factory=ShardConfig)
    read: ReadConfig = field(default_factory=ReadConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.seed, Integral) and not isinstance(self.seed, int):
            object.__setattr__(self, "seed", int(self.seed))  # JSON does not know NumPy's

    def to_dict(self) -> dict[str, Any]:
        """Return what the manifest keeps, by stage."""
        stages = ("examples", "masks", "sentences", "shards", "read")
        return {name: getattr(self, name).to_dict() for name in stages}
