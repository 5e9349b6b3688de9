"""The small models that learn from the vectors of layers: a linear one, and a BiLSTM."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines import probe, recurrent_probe
from tokpipe.baselines.config import LayersConfig
from tokpipe.finetuning.examples import Examples

_HIDDEN = 128  # of the BiLSTM, in one direction


class Combination(NamedTuple):
    """What one small model reads."""

    name: str
    which: tuple[int, ...]  # planes, see `layer_features.planes_of`
    mixed: bool = False  # whether in one weighted sum


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What heads learn from and are scored by: a training part and a test part."""

    examples: tuple[Examples, Examples]
    # float32[S, N, H] or float16: of N words, windows, or tokens of windows
    values: tuple[NDArray[np.floating], NDArray[np.floating]]
    moments: probe.Moments  # of the training part
    targets: NDArray[np.int32]  # of its words or windows
    classes: int
    held: tuple[NDArray[np.bool_], ...]  # its words or windows that are held out, for each seed
    config: LayersConfig
    seed: int  # the first of them
    threads: int | None


class Learned(NamedTuple):
    """What a head came to."""

    logits: NDArray[np.float32]  # a line each word or window of the test part
    chosen: float  # by what was held out
    mix: tuple[float, ...]  # the shares of the planes, where they are learned


def linear(bench: Bench, one: Combination, number: int) -> Learned:
    """Learn a linear model; what the loss counts against the penalty is chosen."""
    planes = [
        probe.Planes(values, one.which, bench.moments, one.mixed, bench.threads)
        for values in bench.values
    ]
    told = probe.Told(bench.targets, bench.classes, ~bench.held[number])
    strength, weights = probe.choose(planes[0], told)
    mix = () if weights.mix is None else tuple(weights.mix.tolist())
    return Learned(planes[1].outputs(weights), strength, mix)


def bilstm(bench: Bench, one: Combination, number: int) -> Learned:
    """Learn a BiLSTM over the words of a window, or over its tokens; the epoch is chosen."""
    planes = [
        recurrent_probe.PlaneInputs(values, one.which, bench.moments, one.mixed)
        for values in bench.values
    ]
    sequences = [_sequences(examples) for examples in bench.examples]
    held = bench.held[number]
    if not sequences[0].texts:
        held = held[sequences[0].borders[:-1]]  # all words of a window together
    found = recurrent_probe.learn(
        (planes[0], planes[1]),
        (sequences[0], sequences[1]),
        bench.targets,
        bench.classes,
        held,
        recurrent_probe.Sizes(_HIDDEN, bench.config.epochs),
        seed=bench.seed + number,
        threads=bench.threads,
    )
    return Learned(found.logits, float(found.epoch), found.mix)


def _sequences(examples: Examples) -> recurrent_probe.Sequences:
    if examples.tag_positions is None:
        return recurrent_probe.Sequences(examples.offsets, 1)
    return recurrent_probe.Sequences(examples.tag_borders, 0)


HEADS: Mapping[str, Callable[[Bench, Combination, int], Learned]] = {
    "linear": linear,
    "bilstm": bilstm,
}
