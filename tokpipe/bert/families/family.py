"""What is to be said of a family of models, so that its folders are read and written.

A family is data: a new one is a file beside this one that makes a `Family`, and its place in
`registry`. What reads and writes folders goes over the registry and names none of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokpipe.bert.config import BertConfig

Rows = Mapping[str, str | tuple[str, ...]]

# Settings that most families call as we do, which call them as transformers.BertConfig does.
COMMON_KEYS = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
    *("intermediate_size", "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob"),
    *("max_position_embeddings", "type_vocab_size", "initializer_range", "layer_norm_eps"),
    "pad_token_id",
)
# transformers' heads for labels of texts, choices and tokens, and for answer spans; "score" is what
# newer classes call the one for labels.
OTHER_HEADS = ("classifier.", "pre_classifier.", "qa_outputs.", "score.")
LEARNED = ("learned",)
_THEIR_ACTS = ("gelu", "gelu_new", "relu", "silu", "tanh", "sigmoid")


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one kind of model is written.

    A row joins a part of ours with the part that does the same in theirs; ``{i}`` is the layer.
    Rows of linear maps and norms stand for a weight and a bias. Where one tensor of ours holds
    several of theirs (queries, keys and values), the row names them in the order of their rows.
    """

    name: str  # the ``model_type`` of its config.json
    title: str  # as a person writes it
    positions: tuple[str, ...] = LEARNED  # what `BertConfig.position` may be
    # the row of the first place in a table that all its models have: those without places, too
    first_place: int = 0
    prefix: str = ""  # before all names but those of the heads; left out where a model has no heads
    rows: Rows  # our parts and theirs, as above
    heads: Rows  # the same for heads, whose names have no prefix
    # tensors that repeat another: their name, and ours of the one they must equal
    copies: Mapping[str, str] = field(default_factory=dict)
    # how the names of heads begin that its classes have for other tasks, and ours have not
    other_heads: tuple[str, ...] = OTHER_HEADS
    # parts of ours that its classes have in any case. Where a model has them not, they are written
    # with values that change nothing
    always: tuple[str, ...] = ()
    # our setting and theirs; None where config.json holds our settings as they are, and the tensors
    # have our names
    keys: Mapping[str, str] | None
    # settings that may be called as we do, too; that name counts before theirs
    common: tuple[str, ...] = ()
    # what transformers takes where config.json says nothing, if it is not what BertConfig has
    defaults: Mapping[str, Any] = field(default_factory=dict)
    # settings of theirs that ours can follow at some values only; the first is named as needed
    allowed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    # what follows of the settings read (by our names) without one of its own
    implied: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: {}
    # why a model is none of the family, each as one clause; none if it is
    reasons: Callable[[BertConfig], Iterator[str]]
    # what its head for texts has in front of the classes, as `BertConfig.classifier`
    classifier: str = "pooler"
    # by task the setting of theirs for the dropout in front of its head, and what transformers
    # takes where config.json does not say it; None there: the dropout of the layers. A task that is
    # missing has that of the layers, answers have none
    dropouts: Mapping[str, tuple[str, float | None]] = field(default_factory=dict)
    # the classes of transformers by the names of the heads that they have, in the order of
    # `tokpipe.bert.registry`; None where there are none at all
    architectures: Mapping[tuple[str, ...], str] | None

    @property
    def called(self) -> str:
        """Its title with an article.

        Examples
        --------
        >>> from tokpipe.bert.families.registry import FAMILIES
        >>> [FAMILIES[name].called for name in ("bert", "albert", "mpnet")]
        ['a BERT', 'an ALBERT', 'an MPNet']
        """
        first = self.title[0]
        spelled = self.title[:2].isupper() and first in "FHLMNRSX"  # XLM: read letter by letter
        return f"{'an' if spelled or first in 'AEIOU' else 'a'} {self.title}"


def job_reasons(config: BertConfig, family: Family) -> Iterator[str]:
    """Yield what a family cannot say of the head of a job."""
    if config.task == "text" and config.classifier != family.classifier:
        yield f"classifier={config.classifier!r} (it has {family.classifier!r})"
    usual = 0.0 if config.task == "span" else config.hidden_dropout_prob
    if (
        config.task != "none"
        and config.task not in family.dropouts
        and config.head_dropout != usual
    ):
        yield f"classifier_dropout={config.head_dropout:g}, which is {usual:g} there"


def transformers_reasons(config: BertConfig, positions: tuple[str, ...] = LEARNED) -> Iterator[str]:
    """Yield what no family of transformers can say whose places are told so."""
    if config.position not in positions:
        yield f"position={config.position!r} (it has {' and '.join(positions)})"
    if config.norm_position != "post":
        yield f"norm_position={config.norm_position!r} (there LayerNorm comes after each sum)"
    if config.ffn != "plain":
        yield f"ffn={config.ffn!r} (none of BERT's families has a gate)"
    if config.hidden_act not in _THEIR_ACTS:
        yield f"hidden_act={config.hidden_act!r} is unknown there"


def unshared_reasons(config: BertConfig, positions: tuple[str, ...] = LEARNED) -> Iterator[str]:
    """Yield what a family cannot say whose layers have weights of their own and one width."""
    yield from transformers_reasons(config, positions)
    if config.share_layers != "none":
        yield f"share_layers={config.share_layers!r}"
    if config.embedding_width != config.hidden_size:
        yield f"embedding_size={config.embedding_size} (other than hidden_size)"


def offset_reasons(config: BertConfig) -> Iterator[str]:
    """Yield what a family cannot say whose position table begins with the first token."""
    if config.position_offset:
        yield f"position_offset={config.position_offset}"
