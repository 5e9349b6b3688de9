"""One layer of attention: for a token, to whom it looks; or for all tokens, the first few."""

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.attention import Chosen, numbers, tokens_json
from tokpipe.inspection.terminal.attention_tokens import place_text, share_line, token_text
from tokpipe.inspection.terminal.charts import INDENT
from tokpipe.inspection.terminal.marks import (
    HOT,
    QUIET,
    Marks,
    bar,
    cut,
    cut_line,
    laid,
    pad,
)
from tokpipe.inspection.terminal.tokens import heading

HEADS = ("mean", "all")
ALL_LAYERS = False
TAKES = ("token",)
_MOST = 4  # tokens that are named for one that looks
_BAR = 40  # columns at most
_SEEN = 0.0005  # what is less would be shown as nothing
_COLORS = ("cyan", "green", "yellow", "magenta", "blue", "red")


def content(chosen: Chosen) -> dict[str, Any]:
    """Return as JSON types, of each token that looks, the weights of the heads in question."""
    (layer,) = chosen.layers
    weights = chosen.weights(layer)
    looks = [
        {"place": int(place), "weights": numbers(weights[:, i] if many else weights[0, i])}
        for many in (chosen.head == "all",)
        for i, place in enumerate(chosen.rows)
        if chosen.token in (None, place)
    ]
    about = {"layer": layer.number, "head": chosen.head, "looked_at": chosen.columns.tolist()}
    return tokens_json(chosen) | about | {"looks": looks}


@laid
def renderable(width: int, marks: Marks, chosen: Chosen) -> Iterator[Text]:
    """Draw to whom one token looks, or in short to whom each one does."""
    (layer,) = chosen.layers
    where = f"layer {layer.number} of {len(chosen.seen.layers)}, {chosen.heads}"
    yield heading(chosen.name, where, width, marks)
    weights = chosen.weights(layer)
    if chosen.token is None:
        yield from _all_tokens(weights, chosen, width, marks)
        return
    row = weights[:, int(np.searchsorted(chosen.rows, chosen.token))]
    title = Text.assemble(token_text(chosen, chosen.token, marks), " looks at", end="")
    yield cut_line(title, width, marks)
    yield from (_columns if chosen.head == "all" else _bars)(row, chosen, width, marks)
    yield from share_line(float(row.sum(1).mean()), chosen, width, marks)


def _all_tokens(
    weights: NDArray[np.floating], chosen: Chosen, width: int, marks: Marks
) -> Iterator[Text]:
    if chosen.head == "all":
        raise ConfigError(
            "--head all shows one token", hint="Name it with --token, or choose a head, or mean."
        )
    label = _label(chosen, chosen.rows, width, marks)
    for place, row in zip(chosen.rows, weights[0], strict=True):
        line = Text.assemble(_name(chosen, place, label, marks), f" {marks.arrow}")
        for column in np.argsort(-row, kind="stable")[:_MOST]:
            target = token_text(chosen, int(chosen.columns[column]), marks)
            item = Text.assemble("  ", target, f" {100 * row[column]:.1f} %", end="")
            if line.cell_len + item.cell_len > width or row[column] < _SEEN:
                break
            line.append_text(item)
        yield cut_line(line, width, marks)


def _bars(row: NDArray[np.floating], chosen: Chosen, width: int, marks: Marks) -> Iterator[Text]:
    label = _label(chosen, chosen.columns, width, marks)
    room = min(width - label - len(INDENT) - 16, _BAR)
    for place, weight in zip(chosen.columns, row[0], strict=True):
        line = Text.assemble(_name(chosen, place, label, marks), (f" {100 * weight:7.2f} %", QUIET))
        if weight == row.max():
            line.stylize(HOT, len(line) - 10)
        if room > 3 and weight >= _SEEN:
            line.append(f" {bar(float(weight), float(row.max()), room, marks)}", "cyan")
        yield cut_line(line, width, marks)


def _columns(row: NDArray[np.floating], chosen: Chosen, width: int, marks: Marks) -> Iterator[Text]:
    """Draw a column of levels a head, as many heads as fit side by side."""
    label = _label(chosen, chosen.columns, width, marks)
    beside = max((width - label - len(INDENT) - 11) // 3, 1)
    for first in range(0, len(row), beside):
        some = row[first : first + beside]
        styles = [_COLORS[head % len(_COLORS)] for head in range(first, first + len(some))]
        head = Text(f"{'mean':>{len(INDENT) + label + 10}} ", QUIET)
        for number, style in enumerate(styles, first + 1):
            head.append(f"{number:>3}", style)
        yield cut_line(head, width, marks)
        for place, weights, mean in zip(chosen.columns, some.T, row.mean(0), strict=True):
            name = _name(chosen, place, label, marks)
            line = Text.assemble(name, (f" {100 * mean:6.2f} %", QUIET), " ")
            for weight, style in zip(weights, styles, strict=True):
                line.append(f"  {_level(float(weight), marks)}", style)
            yield cut_line(line, width, marks)
    least, most = marks.heights[0], marks.heights[-1]
    about = f"{INDENT}a column a head, from {least} (none) to {most} (all of its attention)"
    yield cut_line(Text(about, QUIET), width, marks)


def _level(weight: float, marks: Marks) -> str:
    """Return a sign for a share: that of nothing below one in a hundred."""
    fine = len(marks.heights) - 1
    return marks.heights[min(ceil(weight * fine), fine) if weight >= 0.01 else 0]


def _name(chosen: Chosen, place: int, label: int, marks: Marks) -> Text:
    return Text.assemble(INDENT, pad(cut(place_text(chosen, place, marks), label, marks), label))


def _label(chosen: Chosen, places: NDArray[np.int64], width: int, marks: Marks) -> int:
    widest = max(place_text(chosen, place, marks).cell_len for place in places)
    return min(widest, max(width - 18, 8))
