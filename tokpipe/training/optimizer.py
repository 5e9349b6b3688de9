"""AdamW and LAMB over the block of all weights, with clipping by the norm of the whole gradient.

Each rank owns a slice of the block: there it adds the gradients of all ranks up, has the moments,
and moves the weights, which it then sends to the others (Rajbhandari et al. 2020, "ZeRO", stage 1).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Slot, Tensors
from tokpipe.foundation.threads import Feed, run_in_threads
from tokpipe.training.config import TrainingConfig
from tokpipe.training.kernels import Factors, adamw, lamb_directions, move_by_tensor, sum_gradients
from tokpipe.training.ranks import ALONE, Block, Ranks, slices_of
from tokpipe.training.tree import left_by, sums_of

_PIECE = 1 << 14  # values: four arrays of them fit the second cache of a core
_AT_ONCE = 64  # pieces a call of a kernel: about a millisecond


class Moments(NamedTuple):
    """What the optimizer remembers: means of the gradient and of its square, float32[N] each."""

    first: Tensors
    second: Tensors


class Optimizer:
    """Moves weights by their gradients.

    Parameters
    ----------
    config
        Rule, betas, decay and clipping.
    parameters
        The weights, changed in place.
    shards
        The gradients of the parts of a batch that this rank works on; the sum of those of all ranks
        is used, and all are zero after a step.
    threads
        How many work; the result does not depend on it.
    rates
        By the name of a tensor what the learning rate is multiplied by there, if not by one. 0:
        the tensor stays as it is, and counts nothing in the length of the gradient.
    ranks
        Who shares the work; the result does not depend on them.

    Attributes
    ----------
    steps : int
        How many were made.
    """

    def __init__(
        self,
        config: TrainingConfig,
        parameters: Tensors,
        shards: Sequence[Tensors],
        threads: int | None = None,
        rates: Mapping[str, float] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.config, self.parameters, self.threads, self.ranks = config, parameters, threads, ranks
        self.steps = 0
        table, rates = parameters.table, rates or {}
        self._rates = np.array([rates.get(name, 1.0) for name in table])
        self._frozen = [slot for name, slot in table.items() if rates.get(name) == 0]
        pieces = pieces_of(table)
        self._pieces = pieces[self._rates[pieces[:, 2]] > 0]
        self._slices = slices_of(self._pieces, len(parameters.block), ranks.size)
        self._own = self._own_pieces()
        of_piece = self._rates[self._own[:, 2]]
        self._groups = [
            (rate, self._own[of_piece == rate]) for rate in np.unique(of_piece).tolist()
        ]
        self._sums = sums_of(len(shards) * ranks.size, ranks.size, ranks.rank)
        self._shards = tuple(shard.block for shard in shards)
        self._left = [self._shards[number] for number in self._sums.left]
        self._received = self._room()
        self._summed = tuple(chain.from_iterable(self._received))
        is_first = ranks.rank == 0  # which writes them
        self._whole = (
            Moments(parameters.zeros_like(), parameters.zeros_like()) if is_first else None
        )
        weights = self._slice(parameters.block)
        moments = (
            [self._slice(moment.block) for moment in self._whole]
            if self._whole
            else [np.zeros_like(weights) for _ in Moments._fields]
        )
        self._state = weights, self._summed[0], *moments

    def gradient_norm(self) -> float:
        """Add the gradients of the shards up; return the length of their sum."""
        for shard in self._shards:
            for slot in self._frozen:
                shard[slot.offset : slot.end] = 0
        self._exchange()
        sums, squares = self._sums.across, np.zeros(len(self._own))
        self._each(lambda part: sum_gradients(self._summed, sums, self._own[part], squares[part]))
        return float(np.sqrt(self.ranks.gather(squares, self._slices.counts()).sum()))

    def step(self, learning_rate: float, norm: float) -> None:
        """Move the weights by the sum that `gradient_norm` made; clear it.

        Parameters
        ----------
        learning_rate
            Of this step.
        norm
            What `gradient_norm` returned.
        """
        self.steps += 1
        if self.config.optimizer == "lamb":
            self._lamb(learning_rate, norm)
        else:
            self._adamw(learning_rate, norm)
        self.ranks.share(self.parameters.block, self._slices.values)

    def moments(self) -> Moments | None:
        """Return the moments of all ranks, at rank 0; elsewhere None."""
        for block in self._kept():
            self.ranks.collect(block, self._slices.values)
        return self._whole

    def restore(self, read: Callable[[Moments], None]) -> None:
        """Go on with moments that a function reads, at rank 0."""
        if self._whole:
            read(self._whole)
        for block in self._kept():
            self.ranks.deal(block, self._slices.values)

    def _kept(self) -> Sequence[Block]:
        """Return the moments that are in memory here: whole at rank 0, elsewhere its slice."""
        return [one.block for one in self._whole] if self._whole else self._state[2:]

    def _slice(self, block: Block) -> Block:
        return block[slice(*self._slices.values[self.ranks.rank :][:2])]

    def _own_pieces(self) -> NDArray[np.int64]:
        """Return the pieces that this rank moves, counted from the begin of its slice."""
        rank, (values, numbers) = self.ranks.rank, self._slices
        own = self._pieces[numbers[rank] : numbers[rank + 1]].copy()
        own[:, :2] -= values[rank]
        return own

    def _room(self) -> list[list[Block]]:
        """Return where this rank's slice of what each rank is left with will be."""
        size, rank = self.ranks.size, self.ranks.rank
        own = [self._slice(block) for block in self._left]
        counts = left_by(len(self._shards) * size, size)
        return [
            own if number == rank else [np.empty_like(own[0]) for _ in range(count)]
            for number, count in enumerate(counts)
        ]

    def _exchange(self) -> None:
        """Add up what lies within this rank's shards, and give all ranks their slices of it."""
        within, squares = self._sums.within, np.zeros(len(self._pieces))
        if len(within):
            self._each(
                lambda part: sum_gradients(self._shards, within, self._pieces[part], squares[part]),
                len(self._pieces),
            )
        borders = self._slices.values
        self.ranks.exchange(self._left, self._received, borders)
        for block in self._left:  # this rank's slice is cleared as it is used
            block[: borders[self.ranks.rank]] = 0
            block[borders[self.ranks.rank + 1] :] = 0

    def _factors(self, norm: float, learning_rate: float) -> Factors:
        config, limit = self.config, self.config.max_grad_norm
        beta1, beta2 = config.adam_beta1, config.adam_beta2
        scale = min(1.0, limit / (norm + 1e-6)) if limit else 1.0  # 1e-6: as torch clips
        return Factors(
            scale=np.float32(scale),
            beta1=np.float32(beta1),
            beta2=np.float32(beta2),
            rate=np.float32(1 / (1 - beta1**self.steps) * learning_rate),
            root=np.float32(np.sqrt(1 - beta2**self.steps)),
            epsilon=np.float32(config.adam_epsilon),
            decay=np.float32(config.weight_decay * learning_rate),
        )

    def _adamw(self, learning_rate: float, norm: float) -> None:
        for rate, pieces in self._groups:
            factors = self._factors(norm, learning_rate * rate)
            self._each(partial(_adamw_part, self._state, pieces, factors), len(pieces))

    def _lamb(self, learning_rate: float, norm: float) -> None:
        state, factors = self._state, self._factors(norm, 1.0)  # each tensor has its own rate
        squares = np.zeros((len(self._own), 2))
        self._each(lambda part: lamb_directions(state, self._own[part], factors, squares[part]))
        counts = [2 * count for count in self._slices.counts()]
        squares = self.ranks.gather(squares.reshape(-1), counts).reshape(-1, 2)
        rates = (learning_rate * self._rates * self._trust(squares)).astype(np.float32)
        self._each(lambda part: move_by_tensor(state[0], state[1], self._own[part], rates))

    def _trust(self, squares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the length of each tensor over that of its direction; 1 where nothing decays."""
        tensors = len(self._rates)
        lengths = np.zeros((tensors, 2))
        np.add.at(lengths, self._pieces[:, 2], squares)
        lengths = np.sqrt(lengths)
        decays = np.zeros(tensors, bool)
        decays[self._pieces[:, 2]] = self._pieces[:, 3] > 0
        usable = decays & (lengths > 0).all(1)
        return np.divide(lengths[:, 0], lengths[:, 1], out=np.ones(tensors), where=usable)

    def _each(self, work: Callable[[slice], None], count: int | None = None) -> None:
        """Do some work on all pieces of this rank (or on `count` pieces), in threads."""
        starts = range(0, len(self._own) if count is None else count, _AT_ONCE)
        parts = [slice(start, start + _AT_ONCE) for start in starts]

        def run(feed: Feed[slice]) -> None:
            for part in feed:
                work(part)

        if self.threads == 1 or len(parts) < 4:
            any(map(work, parts))
        else:
            run_in_threads(run, parts, self.threads)


def _adamw_part(
    state: tuple[NDArray[np.float32], ...], pieces: NDArray[np.int64], factors: Factors, part: slice
) -> None:
    adamw(state, pieces[part], factors)


def pieces_of(table: dict[str, Slot]) -> NDArray[np.int64]:
    """Cut tensors into pieces: start, end, number of the tensor, whether it decays.

    Returns
    -------
    int64[P, 4]

    Examples
    --------
    >>> pieces_of({"a.weight": Slot(0, (2, 4)), "a.bias": Slot(16, (3,))}).tolist()
    [[0, 8, 0, 1], [16, 19, 1, 0]]
    """
    pieces = [
        piece
        for number, (name, slot) in enumerate(table.items())
        for piece in zip(
            range(slot.offset, slot.end, _PIECE),
            [*range(slot.offset + _PIECE, slot.end, _PIECE), slot.end],
            repeat(number),
            repeat(int(decays(name))),
            strict=False,
        )
    ]
    return np.array(pieces, np.int64).reshape(-1, 4)


def decays(name: str) -> bool:
    """Return whether the weights of a tensor decay: all but biases and LayerNorms.

    Examples
    --------
    >>> [decays(n) for n in ("embeddings.token", "embeddings.norm.weight", "mlm.bias")]
    [True, False, False]
    """
    return not name.endswith((".bias", "norm.weight"))
