"""The frame of a head: all that the rest of the program asks of one.

A head is one file with a `Head` at its end, called ``HEAD``, and a line in
`tokpipe.bert.registry`, which names its switch in `BertConfig`. Model, workspace, trainer, log,
pages and folders go over that list. A family that has the head says so in rows of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.dropout import Dropout, dropout_at
from tokpipe.bert.losses import Tally
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ConfigError

Array = NDArray[np.floating]
Index = NDArray[np.int32]
Views = Mapping[str, Array]
New = Callable[..., Array]  # an array of a shape, in the precision of the workspace


class Capacity(NamedTuple):
    """Greatest numbers in a batch: what memory is taken for.

    Masks are the places in sequences that heads look at: masked tokens and tagged words.
    """

    tokens: int
    sequences: int
    masks: int

    @classmethod
    def of(cls, batch: Batch) -> "Capacity":
        """Return what a batch needs."""
        places = batch.masked_positions, batch.tag_positions
        masks = sum(len(positions) for positions in places if positions is not None)
        return cls(len(batch.input_ids), len(batch), masks)

    @classmethod
    def about(cls, tokens: int, mean_length: float, masked_share: float) -> "Capacity":
        """Return what a batch of so many tokens needs in all likelihood.

        Half as many sequences again as by the mean, and a tenth more masks: a guess, for a larger
        batch only has its workspace made anew.
        """
        sequences = int(1.5 * tokens / mean_length) + 2
        masks = int(tokens * masked_share * 1.1) + sequences
        return cls(tokens, sequences, min(masks, tokens))


class Frequencies(NamedTuple):
    """How often things stand in the shards: what one knows without reading a text."""

    # float64[V]: how many times each token stands there; 0 for those that are never masked
    tokens: NDArray[np.float64]
    # float64[2]: how many times each of the two answers for pairs; None if sequences are no pairs
    labels: NDArray[np.float64] | None


class Distillation(NamedTuple):
    """How much of what is learned a teacher says."""

    temperature: float = 2.0  # what logits are divided by before they are compared
    alpha: float = 0.5  # share of the teacher in the loss; the gold labels have the rest
    # `hidden_weight`, `cosine_weight`: what the squared and the angular distance to its last hidden
    # states count beside that
    hidden_weight: float = 0.0
    cosine_weight: float = 0.0
    # what the difference to the relations in its last attention counts, and among how many heads
    # these are taken
    relation_weight: float = 0.0
    relation_heads: int = 1
    # float32[G, H]: from its hidden states to those of a narrower model; None: as wide
    projection: Array | None = None
    # from its hidden states to its logits, where those are too many to be kept
    decoder: Callable[[Array], Array] | None = None


class Objective(NamedTuple):
    """What training wants of the classes of a job, where that is not the plain loss."""

    # what the loss of each class counts, C of them; None: all the same
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0  # share of a target that all classes have alike
    distillation: Distillation | None = None  # what a teacher says in it; None: there is none

    def weights(self, config: BertConfig, dtype: DTypeLike = np.float32) -> Array:
        """Return what each class counts: float32[C]."""
        return np.asarray(self.class_weights or np.ones(config.outputs), dtype)

    def check(self, config: BertConfig) -> None:
        """Refuse what a model has no classes for.

        Raises
        ------
        ConfigError
            If there are classes to choose from in none of its jobs, or not as many.
        """
        has_classes = config.task in ("text", "token") and config.problem == "classification"
        if (self.class_weights or self.label_smoothing) and not has_classes:
            raise ConfigError(
                "class weights and label smoothing are for one class of several: the model has "
                f"task={config.task!r}, problem={config.problem!r}"
            )
        if self.class_weights and self.distillation:
            raise ConfigError("class weights are not for a model that has a teacher")
        given = self.class_weights
        if given is not None and (len(given) != config.outputs or min(given) < 0):
            raise ConfigError(
                f"class weights are {len(given)} numbers, the least {min(given, default=0):g}; "
                f"needed are {config.outputs}, 0 or more"
            )
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"label_smoothing={self.label_smoothing} is not from 0 to below 1")


PLAIN = Objective()


class HeadContext(NamedTuple):
    """A head in one pass."""

    config: BertConfig  # of the model
    # `weights`, `gradients`: trees of the whole model (`tokpipe.bert.weights.Weights`); gradients
    # are added to, None in a pass without any
    weights: Any
    gradients: Any
    scratch: Any  # what the head's own `scratch` made, for at least this batch
    # what the head's own `targets` returned; None where only logits are wanted
    targets: NDArray | None
    # `places`, `rows`: int32[N]: the tokens that the head asked for, and their rows of `hidden`
    places: Index
    rows: Index
    hidden: Array  # float32[R, H]: last hidden states
    d_hidden: Array  # float32[R, H]: their gradient, added to
    offsets: Index  # int32[B + 1]: borders of the sequences in the tokens
    objective: Objective  # what training wants of the classes
    dropout_key: int | None  # of the draws of this pass; None: nothing is dropped
    factor: float  # what one loss counts in the gradient: one over their number in the whole batch
    # `soft`, `states`: float32[N, C], float32[N, G]: logits and last hidden states of a teacher;
    # None where nothing is learned from them
    soft: Array | None = None
    states: Array | None = None

    def dropout(self, place: int) -> Dropout:
        """Return one of the dropouts in front of a job's classes, counted from 0."""
        behind_layers = 3 * self.config.num_hidden_layers + 1
        return dropout_at(self.dropout_key, self.config.head_dropout, behind_layers + place)


def _as_it_is(config: BertConfig, pairs: bool) -> BertConfig:
    return config


def _nothing_known(views: Views, frequencies: Frequencies) -> None:
    pass


def _count(targets: NDArray, objective: Objective, config: BertConfig) -> float:
    return len(targets)


def _no_guess(frequencies: Frequencies) -> float | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Head:
    """One head."""

    # a model's settings with or without it, as the shards hold pairs of segments or not
    fitted: Callable[[BertConfig, bool], BertConfig] = _as_it_is
    # names and shapes of its tensors, in the order of the parameter block
    shapes: Callable[[BertConfig], Iterator[tuple[str, tuple[int, ...]]]]
    # its part of the tree of weights (or gradients), from views by name
    weights: Callable[[Views], Any]
    # its arrays for batches up to a size, made by the function given
    scratch: Callable[[BertConfig, Capacity, New], Any]
    # what it is to find in a batch; None if the batch does not say
    targets: Callable[[Batch], NDArray | None]
    # int32[N]: at which tokens it wants the last hidden states
    output_rows: Callable[[Batch], Index]
    logits: Callable[[HeadContext], Array]  # what it makes of them: float32[N, classes]
    # sum, count and hits; adds gradients where the context has some
    losses: Callable[[HeadContext], Tally]
    # what the sum of the losses at some targets is divided by for their mean: their number, or what
    # they weigh
    total: Callable[[NDArray, Objective, BertConfig], float] = _count
    # sets its first weights from what is known without reading
    prime: Callable[[Views, Frequencies], None] = _nothing_known
    # the loss, in nats, of who knows only the frequencies; None: there is no such yardstick
    guessing: Callable[[Frequencies], float | None] = _no_guess


def target_count(head: Head, batch: Batch) -> int:
    """Return how much a head is to find in a batch."""
    targets = head.targets(batch)
    return 0 if targets is None else len(targets)


def entropy(counts: NDArray[np.float64]) -> float:
    """Return the entropy in nats of what was counted; what never comes counts nothing.

    Examples
    --------
    >>> round(entropy(np.array([3.0, 3.0, 0.0])), 4)
    0.6931
    """
    some = counts[counts > 0]
    shares = some / some.sum()
    return float(-(shares * np.log(shares)).sum())
