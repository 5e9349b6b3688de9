"""All heads of all layers at a glance: each as a small map of who looks at whom, with its kind."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from tokpipe.inspection.attention import KIND_NAMES, Chosen, numbers, tokens_json
from tokpipe.inspection.terminal.charts import title
from tokpipe.inspection.terminal.marks import QUIET, Marks, flow, laid, pad
from tokpipe.inspection.terminal.tokens import heading
from tokpipe.tasks.attention_measures import MEASURES, Kind, even, kind_of, measure

HEADS = ("all",)
ALL_LAYERS = True
TAKES = ()
_DOTS = 16  # of a map, across and down
_CELL = 12  # columns of a map and what is written under it
_GAP = 1
_BITS = np.array([[1, 8], [2, 16], [4, 32], [64, 128]])  # of the dots of a character in Braille
_SHADES = " .:+*#"
KIND_COLORS = {
    "itself": "cyan",
    "previous": "green",
    "next": "green",
    "cls": "magenta",
    "sep": "magenta",
    "same_word": "yellow",
    "wide": "blue",
    "mixed": QUIET,
}


def content(chosen: Chosen) -> dict[str, Any]:
    """Return what was measured of each head as JSON types."""
    layers = [
        {
            "layer": layer.number,
            "heads": [_head_json(*head) for head in _heads(layer.weights(), chosen)],
        }
        for layer in chosen.layers
    ]
    alike = dict(zip(MEASURES, numbers(even(chosen.seen.layout)), strict=True))
    return tokens_json(chosen) | {"even_attention": alike, "layers": layers}


def measures_json(measures: NDArray[np.float64]) -> dict[str, Any]:
    """Return what was measured by its names."""
    return dict(zip(MEASURES, numbers(measures), strict=True))


def _head_json(number: int, measures: NDArray[np.float64], kind: Kind, share: float) -> Any:
    about = {"head": number, "kind": kind.name}
    return about | measures_json(measures) | {"share_shown": round(share, 9)}


def _heads(
    weights: NDArray[np.floating], chosen: Chosen
) -> Iterator[tuple[int, NDArray[np.float64], Kind, float]]:
    """Yield of each head its number, measures and kind, and how much goes to the columns."""
    alike, measures = even(chosen.seen.layout), measure(weights, chosen.seen.layout)
    shares = _shown(weights, chosen).sum(2).mean(1)
    for number, (found, share) in enumerate(zip(measures, shares, strict=True), 1):
        if chosen.head in ("all", number):
            yield number, found, kind_of(found, alike), float(share)


def _shown(weights: NDArray[np.floating], chosen: Chosen) -> NDArray[np.floating]:
    return weights[:, chosen.rows[:, None], chosen.columns]


@laid
def renderable(width: int, marks: Marks, chosen: Chosen) -> Iterator[Text]:
    """Draw the maps, layer by layer, and what the words under them mean."""
    seen = chosen.seen
    about = f"{len(seen.layers)} layers of {seen.heads} heads, {len(seen)} tokens"
    yield heading(chosen.name, about, width, marks)
    least, kinds = min(2 / len(seen), 0.5), set()
    for layer in chosen.layers:
        yield from title(f"Layer {layer.number}")
        maps, weights = [], layer.weights()
        shown = _shown(weights, chosen)
        for number, _, kind, share in _heads(weights, chosen):
            kinds.add(kind.name)
            under = _under(number, kind, share, chosen)
            maps.append([*map_lines(shown[number - 1], least, marks), under])
        yield from _side_by_side(maps, width)
    yield Text()
    yield from _legend(kinds, chosen, width)


def _under(number: int, kind: Kind, share: float, chosen: Chosen) -> Text:
    if len(chosen.columns) < len(chosen.seen):
        return Text(f"{number} to {chosen.wanted.to} {100 * share:.0f}%", "cyan", end="")
    name, style = KIND_NAMES[kind.name][0], KIND_COLORS[kind.name]
    figure = "" if kind.name == "mixed" else f" {100 * kind.share:.0f}%"
    return Text.assemble(f"{number} ", (f"{name}{figure}", style), end="")


def map_lines(weights: NDArray[np.floating], least: float, marks: Marks) -> list[Text]:
    """Draw who looks (rows) at whom (columns), with a dot where the weight is `least` or more.

    Where there are more tokens than dots, a dot is the mean of several.
    """
    dots = _resized(_resized(weights, 0), 1) >= least
    down, across = -len(dots) % 4, -dots.shape[1] % 2
    blocks = np.pad(dots, ((0, down), (0, across)))
    blocks = blocks.reshape(len(blocks) // 4, 4, -1, 2).transpose(0, 2, 1, 3)
    if marks.ascii_only:
        levels = -(-blocks.sum((2, 3)) * (len(_SHADES) - 1) // 8)
        lines = ["".join(_SHADES[level] for level in row) for row in levels]
    else:
        codes = 0x2800 + (blocks * _BITS).sum((2, 3))
        lines = ["".join(map(chr, row)) for row in codes.tolist()]
    return [Text(line, end="") for line in lines]


def _resized(weights: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    count = weights.shape[axis]
    if count <= _DOTS:
        return np.repeat(weights, _DOTS // count, axis)
    borders = np.arange(_DOTS + 1) * count // _DOTS
    shape = (-1, 1) if axis == 0 else (1, -1)
    return np.add.reduceat(weights, borders[:-1], axis) / np.diff(borders).reshape(shape)


def _side_by_side(maps: list[list[Text]], width: int) -> Iterator[Text]:
    beside = max((width + _GAP) // (_CELL + _GAP), 1)
    for first in range(0, len(maps), beside):
        some = maps[first : first + beside]
        for parts in zip(*some, strict=True):
            line = Text(no_wrap=True)
            for part in parts:
                line.append_text(pad(part, _CELL + _GAP))
            line.rstrip()
            yield line


def _legend(kinds: set[str], chosen: Chosen, width: int) -> Iterator[Text]:
    about = ["a map: a row is a token that looks, a column one that is looked at"]
    about += ["a dot: at least twice the share if all got alike"]
    if len(chosen.columns) == len(chosen.seen):
        about += ["%: how much of all attention goes there; of wide: the entropy"]
        about += [f"{name}: {text}" for kind, (name, text) in KIND_NAMES.items() if kind in kinds]
    else:
        about.append("under it: how much of the attention goes there")
    yield from flow([Text(one, QUIET, end="") for one in about], width, "   ")
