"""Minutes of two cores to a held-out loss: our settings, the neutral ones, papers', transformers.

The neutral run is what `pretrain` did before it had settings of its own: BERT's heads at random,
dropout 0.1, a rate of 5e-4. What ours reach in a tenth of its time, or in 8 of 30 minutes for a
plain BERT, is held against what it reaches in the whole.

Minutes are turned into steps first: `pacing` measures, alone and in turn, how many steps a second
each way makes with two threads, and a training then makes as many as its minutes come to, with
its learning rate over exactly those. That is fair, for the steps are what the same command would
make in that time on a machine of its own; a loss follows from seed, settings and steps alone, and
so neither from what else the machine does nor from the threads (ours makes the same bits with
any number; torch's sums differ in their last bits). So every core trains one model at a time with
one thread, figures are kept at once in `recipe.json` beside this file, and a run that is stopped
goes on where it was, here or on another machine, by the paces that are kept. Every way is
evaluated on the whole validation split, all of a seed on the same masks.

`--rounds 0` measures paces and trains nothing, `--ways` names what is trained (with no name
nothing is: a table of what is kept).
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.bench.batches import learning_shards
from tests.bench.finetune_jobs import Limits
from tests.bench.harness import lacks
from tests.bench.keeping import Figures, figures_of, kept, side_by_side
from tests.bench.pacing import Place, measure, pace_of, steps_for
from tests.bench.report import Row, skipped
from tests.bench.ways import NAMES, Way, groups_for, ways_for

PRESETS = ("tiny", "mini")
_STORE = Path(__file__).with_name("recipe.json")


def rows(peers: str, rounds: int, limits: Limits) -> list[Row]:
    """Train the ways that are asked for with `rounds` seeds, the longest for `limits.minutes`."""
    found, asked = learning_shards(), NAMES if limits.ways is None else limits.ways
    store, tokens = limits.store or _STORE, found.train.tokens
    presets = [name for name in PRESETS if name in limits.tasks or not limits.tasks]
    places = [Place(store, found.folder, tokens, preset, peers) for preset in presets]
    has_peers = not lacks(peers, "transformers")
    there = {way.name for way in ways_for(PRESETS[0]) if has_peers or not way.is_peer}
    if asked:
        for place in places:
            measure(place, [way for way in ways_for(place.preset) if way.name in there])
    side_by_side(_trainings(places, there & {*asked}, rounds, limits.minutes))
    return [row for place in places for row in table(place, rounds, limits.minutes)]


def _trainings(
    places: Sequence[Place], names: set[str], rounds: int, minutes: float
) -> Iterator[Callable[[], Figures]]:
    """Yield what trains, or finds in the store: what the floors are about first, seed by seed."""
    for groups in zip(*(groups_for(place.preset) for place in places), strict=True):
        for place, group in zip(places, groups, strict=True):
            wanted = [way for way in group if way.name in names]
            for seed in range(rounds):
                for way in wanted:
                    if steps := steps_for(place, way, minutes):
                        yield partial(_trained, place, way, seed, steps)


def _trained(place: Place, way: Way, seed: int, steps: int) -> Figures:
    def make() -> Figures:
        with place.worker(way, "reach", seed=seed, steps=steps, threads=1) as one:
            return {"loss": one.run().result["loss"]}

    return kept(place.store, _loss_key(place, way, seed, steps), make)


def _loss_key(place: Place, way: Way, seed: int, steps: int) -> list:
    """Return what a loss depends on."""
    return [*place.key(way, seed=seed, steps=steps), "loss"]


class Reached(NamedTuple):
    """What a way came to: its losses, a seed each, as far as they are kept."""

    way: Way
    minutes: float
    steps: int | None
    losses: list[float]

    def __str__(self) -> str:
        """Name the way and its time, with the losses."""
        return f"{self.time}: {self.shown}"

    @property
    def time(self) -> str:
        """The way with its minutes and steps."""
        steps = f" ({self.steps:,} steps)" if self.steps else ""
        return f"{self.way.title}, {self.minutes:.3g} minutes{steps}"

    @property
    def shown(self) -> str:
        """The losses."""
        return " ".join(f"{loss:.3f}" for loss in self.losses)


def table(place: Place, rounds: int, minutes: float) -> list[Row]:
    """Make the rows of a preset from what is kept."""
    ways = ways_for(place.preset)
    reached = {way.name: _reached(place, way, rounds, minutes) for way in ways}
    made = [_row(place.preset, one, reached[one.way.beside], rounds) for one in reached.values()]
    return [_pace_row(place, ways), *made[1:]]


def _reached(place: Place, way: Way, rounds: int, minutes: float) -> Reached:
    steps, losses = steps_for(place, way, minutes), []
    if steps:
        found = [figures_of(place.store, _loss_key(place, way, s, steps)) for s in range(rounds)]
        losses = [one["loss"] for one in found if one]
    return Reached(way, minutes * way.share, steps, losses)


def _row(preset: str, one: Reached, beside: Reached, rounds: int) -> Row:
    """Hold medians against each other, once both have all their seeds."""
    work, way = f"held-out loss, {preset}: {one.time}", one.way
    if min(len(one.losses), len(beside.losses)) < max(rounds, 1):
        counts = f"{len(one.losses)} and {len(beside.losses)} of {rounds} trainings are kept"
        return skipped(work, beside.time, "", counts if one.steps else "its pace is not measured")
    loss, wanted = statistics.median(one.losses), statistics.median(beside.losses)
    return Row(
        work,
        str(beside) if way.is_peer else one.shown,
        one.shown if way.is_peer else str(beside),
        f"{loss - wanted:+.3f} to {beside.way.title}",
        f"at most {wanted:.3f}" if way.is_held else "",
        not way.is_held or loss <= wanted,
    )


def _pace_row(place: Place, ways: Sequence[Way]) -> Row:
    """Show the paces that minutes are turned into steps with, and whose they are."""
    found = [(way, pace) for way in ways if (pace := pace_of(place, way))]
    shown = [(way.is_peer, f"{way.name} {pace['steps_a_second']:.3g}") for way, pace in found]
    ours, peer = (
        ", ".join(one for is_peer, one in shown if is_peer is side) for side in (False, True)
    )
    on = " and ".join({pace["processor"]: None for _, pace in found})
    work = f"steps a second by two threads, {place.preset}, {on or 'not measured'}"
    return Row(work, ours, f"transformers {peer}" if peer else "–", "", "–", True)
