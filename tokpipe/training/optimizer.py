"""AdamW, LAMB and Muon over the block of all weights; clipping by the norm of the whole gradient.

Each rank owns a slice of the block: there it adds the gradients of all ranks up, has the moments,
and moves the weights, which it then sends to the others (Rajbhandari et al. 2020, "ZeRO", stage 1).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.parameters import Slot, Tensors
from tokpipe.training.config import TrainingConfig
from tokpipe.training.exchange import Exchange, stretches_of
from tokpipe.training.kernels import Factors, adamw, lamb_directions, move_by_tensor, sum_gradients
from tokpipe.training.muon import Map, MuonFactors, maps_in, move_map
from tokpipe.training.pieces import each_part, pieces_of
from tokpipe.training.ranks import ALONE, Block, Ranks, slices_of


class Moments(NamedTuple):
    """What the optimizer remembers: means of the gradient and of its square, float32[N] each.

    The second is zero where Muon moves weights.
    """

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
        maps = maps_in(table) if config.optimizer == "muon" else {}
        pieces = pieces_of(table, maps)
        self._pieces = pieces[self._rates[pieces[:, 2]] > 0]
        self._slices = slices_of(self._pieces, len(parameters.block), ranks.size)
        self._own = self._own_pieces()
        is_map = np.isin(self._own[:, 2], [i for i, name in enumerate(table) if name in maps])
        self._maps = _maps_of(self._own[is_map], list(table.values()))
        others = self._own[~is_map]
        of_piece = self._rates[others[:, 2]]
        self._groups = [(rate, others[of_piece == rate]) for rate in np.unique(of_piece).tolist()]
        self._shards = tuple(shard.block for shard in shards)
        stretches = stretches_of(self._pieces, table)
        self._exchange = Exchange(self._shards, stretches, self._slices, ranks, threads)
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
        self._state = weights, self._exchange.received[0], *moments

    def whole(self, layer: int) -> None:
        """Take it that all shards have the gradients of a layer: see `Exchange.whole`."""
        self._exchange.whole(layer)

    def gradient_norm(self) -> float:
        """Add the gradients of the shards up; return the length of their sum."""
        self._exchange.end()
        for shard in self._shards:
            for slot in self._frozen:
                shard[slot.offset : slot.end] = 0
        gradients, sums = self._exchange.received, self._exchange.sums
        squares = np.zeros(len(self._own))
        self._each(lambda part: sum_gradients(gradients, sums, self._own[part], squares[part]))
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
            self._muon(learning_rate, norm)
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

    def _scale(self, norm: float) -> float:
        limit = self.config.max_grad_norm
        return min(1.0, limit / (norm + 1e-6)) if limit else 1.0  # 1e-6: as torch clips

    def _factors(self, norm: float, learning_rate: float) -> Factors:
        config = self.config
        beta1, beta2 = config.adam_beta1, config.adam_beta2
        return Factors(
            scale=np.float32(self._scale(norm)),
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
            each_part(partial(_adamw_part, self._state, pieces, factors), len(pieces), self.threads)

    def _muon(self, learning_rate: float, norm: float) -> None:
        """Move the maps; a thread has one at a time, whose products no other takes part in."""
        config = self.config
        scale, momentum = self._scale(norm), config.muon_momentum

        def work(part: slice) -> None:
            for one in self._maps[part]:
                rate = learning_rate * float(self._rates[one.tensor])
                factors = MuonFactors(scale, momentum, rate, config.weight_decay * rate)
                move_map(self._state[:3], one, factors)

        each_part(work, len(self._maps), self.threads, at_once=1)

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

    def _each(self, work: Callable[[slice], None]) -> None:
        """Do some work on all pieces of this rank, in threads."""
        each_part(work, len(self._own), self.threads)


def _maps_of(pieces: NDArray[np.int64], slots: Sequence[Slot]) -> list[Map]:
    """Return the maps that are pieces, the largest first, so that threads end together."""
    found = [
        Map(start, end, slots[tensor].shape[1], tensor, bool(decays))
        for start, end, tensor, decays in pieces.tolist()
    ]
    return sorted(found, key=lambda one: one.start - one.end)


def _adamw_part(
    state: tuple[NDArray[np.float32], ...], pieces: NDArray[np.int64], factors: Factors, part: slice
) -> None:
    adamw(state, pieces[part], factors)
