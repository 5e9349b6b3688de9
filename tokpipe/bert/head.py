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
    """How often things stand in the shards: what one knows without reading a text.

    Attributes
    ----------
    tokens : float64[V]
        Share of each token among those that may be masked; none is zero.
    labels : float64[2] or None
        Shares of the two answers for pairs; None if sequences are no pairs.
    """

    tokens: NDArray[np.float64]
    labels: NDArray[np.float64] | None


class Objective(NamedTuple):
    """What training wants of the classes of a job, where that is not the plain loss.

    Attributes
    ----------
    class_weights
        What the loss of each class counts, C of them; None: all the same.
    label_smoothing
        Share of a target that all classes have alike.
    """

    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0

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
    """A head in one pass.

    Attributes
    ----------
    config
        Of the model.
    weights, gradients
        Trees of the whole model (`tokpipe.bert.weights.Weights`); gradients are added to, None in
        a pass without any.
    scratch
        What the head's own `scratch` made, for at least this batch.
    targets
        What the head's own `targets` returned; None where only logits are wanted.
    rows : int32[N]
        Rows of `hidden` with the tokens that the head asked for.
    hidden : float32[R, H]
        Last hidden states.
    d_hidden : float32[R, H]
        Their gradient, added to.
    offsets : int32[B + 1]
        Borders of the sequences in the tokens.
    objective
        What training wants of the classes.
    dropout_key
        Of the draws of this pass; None: nothing is dropped.
    factor
        What one loss counts in the gradient: one over their number in the whole batch.
    """

    config: BertConfig
    weights: Any
    gradients: Any
    scratch: Any
    targets: NDArray | None
    rows: Index
    hidden: Array
    d_hidden: Array
    offsets: Index
    objective: Objective
    dropout_key: int | None
    factor: float

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
    """One head.

    Attributes
    ----------
    fitted
        A model's settings with or without it, as the shards hold pairs of segments or not.
    shapes
        Names and shapes of its tensors, in the order of the parameter block.
    weights
        Its part of the tree of weights (or gradients), from views by name.
    scratch
        Its arrays for batches up to a size, made by the function given.
    targets
        What it is to find in a batch; None if the batch does not say.
    output_rows
        int32[N]: at which tokens it wants the last hidden states.
    logits
        What it makes of them: float32[N, classes].
    losses
        Sum, count and hits; adds gradients where the context has some.
    total
        What the sum of the losses at some targets is divided by for their mean: their number, or
        what they weigh.
    prime
        Sets its first weights from what is known without reading.
    guessing
        The loss, in nats, of who knows only the frequencies; None: there is no such yardstick.
    """

    fitted: Callable[[BertConfig, bool], BertConfig] = _as_it_is
    shapes: Callable[[BertConfig], Iterator[tuple[str, tuple[int, ...]]]]
    weights: Callable[[Views], Any]
    scratch: Callable[[BertConfig, Capacity, New], Any]
    targets: Callable[[Batch], NDArray | None]
    output_rows: Callable[[Batch], Index]
    logits: Callable[[HeadContext], Array]
    losses: Callable[[HeadContext], Tally]
    total: Callable[[NDArray, Objective, BertConfig], float] = _count
    prime: Callable[[Views, Frequencies], None] = _nothing_known
    guessing: Callable[[Frequencies], float | None] = _no_guess


def target_count(head: Head, batch: Batch) -> int:
    """Return how much a head is to find in a batch."""
    targets = head.targets(batch)
    return 0 if targets is None else len(targets)


def entropy(shares: NDArray[np.float64]) -> float:
    """Return the entropy of a distribution in nats; what never comes counts nothing.

    Examples
    --------
    >>> round(entropy(np.array([0.5, 0.5, 0.0])), 4)
    0.6931
    """
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
