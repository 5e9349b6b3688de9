"""A BiLSTM over vectors that lie in a mapped file, as BERT's authors put one on fixed features."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.linear import softmax
from tokpipe.baselines.probe import Moments
from tokpipe.baselines.recurrent import Net, initialise, shapes
from tokpipe.baselines.recurrent_training import Material, Pace, batch_for, outputs_of, train
from tokpipe.bert.kernels.losses import cross_entropy
from tokpipe.bert.parameters import Tensors
from tokpipe.training.config import TrainingConfig

Array = NDArray[np.floating]

_SHARES = "shares.bias"  # as of a bias nothing of it decays
_DROPOUT = 0.3
_TRAINING = TrainingConfig(learning_rate=2e-3, warmup_proportion=0.05, adam_epsilon=1e-8)


class Sizes(NamedTuple):
    """Of the BiLSTM and its training."""

    hidden: int
    epochs: int


@dataclass(frozen=True, eq=False)
class PlaneInputs:
    """Vectors of several planes, brought to one scale: side by side, or in one weighted sum."""

    values: NDArray[np.floating]  # float32[S, N, H] or float16[S, N, H]
    which: tuple[int, ...]  # K of the S planes
    moments: Moments  # in the part that is learned from
    mixed: bool

    @property
    def width(self) -> int:
        """Numbers of an input."""
        return self.values.shape[2] * (1 if self.mixed else len(self.which))

    def read(self, tensors: Tensors, items: NDArray[np.int64], key: int | None) -> Array:
        """Return the inputs of items."""
        planes = self._planes(items)
        if not self.mixed:
            return np.concatenate(planes, axis=1)
        shares = _shares(tensors)
        return np.add.reduce([share * x for share, x in zip(shares, planes, strict=True)])

    def learn(
        self, gradient: Array, tensors: Tensors, items: NDArray[np.int64], key: int, into: Tensors
    ) -> None:
        """Add the gradient of the shares."""
        if self.mixed:
            by_share = np.array([np.vdot(gradient, x) for x in self._planes(items)], np.float32)
            shares = _shares(tensors)
            into.views[_SHARES][:] += shares * (by_share - shares @ by_share)

    def _planes(self, items: NDArray[np.int64]) -> list[Array]:
        mean, inverse = (each.astype(np.float32) for each in self.moments)
        return [
            (np.asarray(self.values[plane, items], np.float32) - mean[plane]) * inverse[plane]
            for plane in self.which
        ]


class Sequences(NamedTuple):
    """The sequences that vectors stand in, and what is told of them."""

    borders: NDArray[np.int64]  # int64[S + 1]
    texts: int  # 1: a class of each sequence; 0: of each vector


class Found(NamedTuple):
    """What a BiLSTM came to."""

    logits: NDArray[np.float32]  # of the test part: a line each vector or sequence
    epoch: int  # the best by what was held out
    mix: tuple[float, ...]  # the shares of the planes, where they are learned


def learn(  # noqa: PLR0913 - two parts, and how
    planes: tuple[PlaneInputs, PlaneInputs],
    sequences: tuple[Sequences, Sequences],
    targets: NDArray[np.int32],
    classes: int,
    held: NDArray[np.bool_],
    sizes: Sizes,
    *,
    seed: int = 0,
    threads: int | None = None,
) -> Found:
    """Learn a BiLSTM on a training part, and ask it about a test part.

    Parameters
    ----------
    planes, sequences
        Of the training part, and of the test part.
    targets : int32[N] or int32[S]
        The class of each vector, or of each sequence.
    classes
        How many there are.
    held : bool[S]
        Sequences by which the best epoch is chosen.
    seed
        Of weights, order and what is dropped.
    """
    texts = sequences[0].texts
    net = Net(planes[0].width, sizes.hidden, 1, classes, texts, _DROPOUT, _DROPOUT)
    mixed = [(_SHARES, (len(planes[0].which),))] if planes[0].mixed else []
    tensors = Tensors([*mixed, *shapes(net)])
    initialise(net, tensors, seed)
    materials = [
        Material(inputs, own.borders, texts) for inputs, own in zip(planes, sequences, strict=True)
    ]
    asked, unused = np.flatnonzero(held), np.zeros(classes, np.float32)
    wanted = held if texts else np.repeat(held, np.diff(sequences[0].borders))

    def judge(tensors: Tensors) -> tuple[float, float]:
        logits = outputs_of(net, tensors, materials[0], threads, rows=asked)[wanted]
        loss, right = cross_entropy(logits, targets[wanted], 1.0, unused, logits)
        return float(right), -float(loss)

    learned = np.flatnonzero(~held)
    pace = Pace(sizes.epochs, batch_for(len(learned)), _TRAINING)
    how = {"rows": learned, "seed": seed, "threads": threads}
    chosen = train(net, tensors, materials[0], targets, judge, pace, **how)
    logits = outputs_of(net, tensors, materials[1], threads)
    mix = tuple(_shares(tensors).tolist()) if mixed else ()
    return Found(logits, int(chosen["epoch"]), mix)


def _shares(tensors: Tensors) -> NDArray[np.float32]:
    return softmax(tensors.views[_SHARES][None].astype(np.float64))[0].astype(np.float32)
