"""Settings of a model; the names follow `transformers.BertConfig`, the variants are ours."""

from dataclasses import dataclass
from typing import Any, Self

from tokpipe.bert.kernels.hidden_acts import HIDDEN_ACTS
from tokpipe.foundation.config import Config, setting, unknown_name
from tokpipe.foundation.errors import ConfigError

POSITIONS = ("learned", "sinusoidal", "relative", "learned-relative", "rope", "none")
FFNS = ("plain", "glu")
RELATIVE_BUCKETS = 32  # of distances, as T5 has it (Raffel et al. 2019, 2.1)

ON_POOLER = ("nsp_head",)  # switches of the heads that stand on the pooler

TASKS = ("none", "text", "token", "span")
PROBLEMS = ("classification", "regression", "multilabel")
# Settings of a model without a head of a job, which says nothing of them
NO_JOB: dict[str, Any] = {
    "task": "none",
    "labels": (),
    "problem": "classification",
    "classifier": "pooler",
    "classifier_dropout": None,
}

# layers, hidden size, heads; the feed-forward part is four times as wide as the hidden state
# (Turc et al. 2019, "Well-Read Students Learn Better", table 1; base: Devlin et al. 2018).
PRESETS: dict[str, tuple[int, int, int]] = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "medium": (8, 512, 8),
    "base": (12, 768, 12),
}


@dataclass(frozen=True, kw_only=True)
class BertConfig(Config):
    """Shape and variants of a model. The defaults are BERT-base."""

    vocab_size: int = setting(30_522, "Tokens in the vocabulary (V).", least=1)
    hidden_size: int = setting(768, "Width of the hidden states (H).", least=1)
    num_hidden_layers: int = setting(12, "Layers of the encoder (L).", least=1)
    num_attention_heads: int = setting(12, "Attention heads of a layer (A).", least=1)
    intermediate_size: int = setting(
        3072,
        "Width inside the feed-forward part (F); with a gate 2/3 of it, so that there are as many "
        "weights.",
        least=1,
    )
    ffn: str = setting(
        "plain",
        "What stands inside the feed-forward part: an activation, or one that is multiplied by a "
        "second map as wide (glu, a gated linear unit).",
        choices=FFNS,
    )
    hidden_act: str = setting(
        "gelu",
        "Activation of the feed-forward part and of the MLM head.",
        choices=HIDDEN_ACTS,
    )
    hidden_dropout_prob: float = setting(
        0.1, "Share of hidden values dropped in training.", least=0.0, most=0.9
    )
    attention_probs_dropout_prob: float = setting(
        0.1, "Share of attention weights dropped in training.", least=0.0, most=0.9
    )
    max_position_embeddings: int = setting(
        512, "Longest sequence that a learned position table knows.", least=1
    )
    position_offset: int = setting(
        0, "Row of the position table for the first token (RoBERTa: 2).", least=0
    )
    type_vocab_size: int = setting(2, "Kinds of segment; 0: no segment embeddings.", least=0)
    initializer_range: float = setting(
        0.02, "Standard deviation of the initial weights.", least=0.0
    )
    layer_norm_eps: float = setting(1e-12, "Added to a variance before its root.", least=0.0)
    pad_token_id: int = setting(0, "Id of the padding token.", least=0)
    position: str = setting(
        "learned",
        "How a token's place is told: a learned table, sines, a learned bias by distance "
        "(relative), both (learned-relative: MPNet), rotated queries and keys (rope), or not at "
        "all.",
        choices=POSITIONS,
    )
    norm_position: str = setting(
        "post",
        "LayerNorm after each sum (post, as BERT) or before each part (pre).",
        choices=("post", "pre"),
    )
    share_layers: str = setting(
        "none",
        "Which weights all layers have in common (all: ALBERT).",
        choices=("none", "all", "attention", "ffn"),
    )
    embedding_size: int | None = setting(
        None,
        "Width of the embeddings if not that of the hidden states, to which they are then "
        "projected (ALBERT).",
        least=1,
    )
    pooler: bool = setting(True, "Whether there is a pooler over the first token.")
    mlm_head: bool = setting(True, "Whether there is a head that fills masks.")
    nsp_head: bool = setting(True, "Whether there is a head that judges pairs of segments.")
    task: str = setting(
        NO_JOB["task"],
        "The job that there is a head for: what texts are, what each word is, where answers are.",
        choices=TASKS,
    )
    labels: tuple[str, ...] = setting(NO_JOB["labels"], "Names of the classes of the job (C).")
    problem: str = setting(
        NO_JOB["problem"],
        "What a text has: one of the classes, a number, or any of the classes.",
        choices=PROBLEMS,
    )
    classifier: str = setting(
        NO_JOB["classifier"],
        "What stands in front of the classes of texts: the pooler, or a map of their own with tanh "
        "(RoBERTa), GELU (ELECTRA) or ReLU (DistilBERT).",
        choices=("pooler", "tanh", "gelu", "relu"),
    )
    classifier_dropout: float | None = setting(
        NO_JOB["classifier_dropout"],
        "Share dropped in front of the classes; by default hidden_dropout_prob, for answers 0.",
        least=0.0,
        most=0.9,
    )

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Return the configuration of a named size, with some settings changed.

        Raises
        ------
        ConfigError
            If there is no such size.

        Examples
        --------
        >>> BertConfig.preset("tiny", vocab_size=8000).hidden_size
        128
        """
        if name not in PRESETS:
            raise unknown_name("no preset", name, list(PRESETS))
        layers, hidden, heads = PRESETS[name]
        shape: dict[str, Any] = {
            "num_hidden_layers": layers,
            "hidden_size": hidden,
            "num_attention_heads": heads,
            "intermediate_size": 4 * hidden,
        }
        return cls(**(shape | changes))

    @property
    def embedding_width(self) -> int:
        """Width of the embeddings (E)."""
        return self.embedding_size or self.hidden_size

    @property
    def head_size(self) -> int:
        """Width of one attention head (D)."""
        return self.hidden_size // self.num_attention_heads

    @property
    def inner_size(self) -> int:
        """Width of what goes back from inside the feed-forward part.

        With a gate it is 2/3 of `intermediate_size` (Shazeer 2020, "GLU Variants Improve
        Transformer", 3.1), to the nearest multiple of a cache line, but for the smallest.

        Examples
        --------
        >>> [BertConfig.preset(name, ffn="glu").inner_size for name in ("tiny", "base")]
        [336, 2048]
        """
        if self.ffn == "plain":
            return self.intermediate_size
        line = 16
        lines = round(2 * self.intermediate_size / 3 / line)
        return lines * line or max(1, round(2 * self.intermediate_size / 3))

    @property
    def outer_size(self) -> int:
        """Width of what the map into the feed-forward part makes: with a gate, two halves."""
        return self.inner_size * (2 if self.ffn == "glu" else 1)

    @property
    def outputs(self) -> int:
        """How many logits the head of a job has.

        Examples
        --------
        >>> BertConfig(task="text", problem="regression").outputs
        1
        """
        if self.task == "span":
            return 2
        return len(self.labels) or int(self.problem == "regression")

    @property
    def head_dropout(self) -> float:
        """Share dropped in front of the head of a job."""
        if self.classifier_dropout is not None:
            return self.classifier_dropout
        return 0.0 if self.task == "span" else self.hidden_dropout_prob

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, in field order; of a job or a gate only where there is one."""
        values = super().to_dict()
        if self.ffn == "plain":
            del values["ffn"]
        if self.task == "none":
            values = {name: value for name, value in values.items() if name not in NO_JOB}
        return values

    def check(self) -> None:
        """Refuse widths and parts that contradict each other."""
        self._check_job()
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"hidden_size={self.hidden_size} is not a multiple of "
                f"num_attention_heads={self.num_attention_heads}"
            )
        if self.position == "rope" and self.head_size % 2:
            raise ConfigError(
                f"position='rope' turns pairs of values, and a head has {self.head_size}",
                hint="Choose hidden_size / num_attention_heads even.",
            )
        for head in ON_POOLER:
            if getattr(self, head) and not self.pooler:
                raise ConfigError(
                    f"{head} needs the pooler", hint=f"Set pooler=True, or {head}=False."
                )
        if self.position_offset >= self.max_position_embeddings:
            raise ConfigError(
                f"position_offset={self.position_offset} leaves no row of "
                f"max_position_embeddings={self.max_position_embeddings}"
            )

    def _check_job(self) -> None:
        allowed = {
            "none": tuple(NO_JOB),
            "token": ("problem", "classifier"),
            "span": ("labels", "problem", "classifier"),
        }
        for name in allowed.get(self.task, ()):
            if getattr(self, name) != NO_JOB[name]:
                raise ConfigError(
                    f"{name}={getattr(self, name)!r} says nothing of task={self.task!r}"
                )
        least = {"none": 0, "span": 2, "text": 1 + (self.problem == "classification")}
        if self.outputs < least.get(self.task, 1):
            raise ConfigError(
                f"task={self.task!r} with {len(self.labels)} labels",
                hint=f"Name {least.get(self.task, 1)} or more.",
            )
        if self.task == "text" and self.classifier == "pooler" and not self.pooler:
            raise ConfigError(
                "a head for texts needs the pooler", hint="Set pooler=True, or classifier='tanh'."
            )

    @property
    def has_places(self) -> bool:
        """Whether a learned table tells a token's place."""
        return self.position in ("learned", "learned-relative")

    @property
    def has_distances(self) -> bool:
        """Whether a learned bias tells how far tokens are from each other."""
        return self.position in ("relative", "learned-relative")

    @property
    def longest(self) -> int | None:
        """Most tokens that a sequence may have; None where no table sets a limit."""
        if not self.has_places:
            return None
        return self.max_position_embeddings - self.position_offset
