"""How one token comes to its weights: query, keys, their products, the sum, the softmax."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from tokpipe.inspection.attention import Chosen, numbers, tokens_json
from tokpipe.inspection.terminal.attention_tokens import place_text, share_line, token_text
from tokpipe.inspection.terminal.charts import INDENT
from tokpipe.inspection.terminal.marks import QUIET, Marks, bar, cut, cut_line, flow, laid, pad
from tokpipe.inspection.terminal.signs import ABOVE, BELOW, legend, signs_text
from tokpipe.inspection.terminal.tokens import heading

HEADS = ()
ALL_LAYERS = False
TAKES = ("token", "numbers")
_SIGNS = 16  # of a vector at most: neighbouring values share one
_A_LINE = 8  # numbers
_BAR = 12  # columns at most
_LABEL = 16

Vector = NDArray[np.float64]


class Looking(NamedTuple):
    """One token that looks, and all that it looks at."""

    query: Vector  # float64[D]
    keys: Vector  # float64[n, D]
    products: Vector  # float64[n, D]: of the query with each key, value by value
    sums: Vector  # float64[n]
    biases: Vector  # float64[n]: what a score gets by distance; zeros where positions are told else
    weights: Vector  # float64[n]: softmax of sums / sqrt(D) + biases over all tokens


def looking(chosen: Chosen) -> Looking:
    """Return the way of the token in question to its weights."""
    (layer,) = chosen.layers
    head, place = int(chosen.head) - 1, _place(chosen)
    queries, keys, _ = (part[head].astype(np.float64) for part in layer.parts())
    products = queries[place] * keys
    sums = products.sum(1)
    root = keys.shape[1] ** 0.5
    shift = layer.scores()[head, place] - sums / root if layer.biases.size else 0 * sums
    found = Looking(queries[place], keys, products, sums, shift, layer.weights()[head, place])
    return Looking(found.query, *(array[chosen.columns] for array in found[1:]))


def _place(chosen: Chosen) -> int:
    """Return the token asked for, or the first that is no special one."""
    if chosen.token is not None:
        return chosen.token
    plain = [i for i in chosen.rows if chosen.seen.words[i]]
    return int(plain[0] if plain else chosen.rows[0])


def content(chosen: Chosen) -> dict[str, Any]:
    """Return all numbers as JSON types."""
    found, (layer,) = looking(chosen), chosen.layers
    keys = [
        {
            "place": int(place),
            "key": numbers(found.keys[i]),
            "products": numbers(found.products[i]),
            "sum": numbers(found.sums[i]),
            "bias": numbers(found.biases[i]),
            "score": numbers(found.sums[i] / len(found.query) ** 0.5 + found.biases[i]),
            "weight": numbers(found.weights[i]),
        }
        for i, place in enumerate(chosen.columns)
    ]
    about = {"layer": layer.number, "head": chosen.head, "place": _place(chosen)}
    return tokens_json(chosen) | about | {"query": numbers(found.query), "keys": keys}


@laid
def renderable(width: int, marks: Marks, chosen: Chosen) -> Iterator[Text]:
    """Draw five columns, each token that is looked at in a line; or print their numbers."""
    found, (layer,) = looking(chosen), chosen.layers
    where = f"layer {layer.number} of {len(chosen.seen.layers)}, {chosen.heads}"
    yield heading(chosen.name, where, width, marks)
    draw = _written if chosen.wanted.numbers else _drawn
    yield from draw(found, chosen, width, marks)
    yield from share_line(float(found.weights.sum()), chosen, width, marks)


def _drawn(found: Looking, chosen: Chosen, width: int, marks: Marks) -> Iterator[Text]:
    signs = min(len(found.query), _SIGNS, max((width - 40) // 2, 4))
    places = [place_text(chosen, place, marks) for place in chosen.columns]
    label = min(max(one.cell_len for one in places), _LABEL)
    name = cut(token_text(chosen, _place(chosen), marks), max(width - signs - 12, 4), marks)
    query = signs_text(_grouped(found.query, signs), abs(_grouped(found.query, signs)).max(), marks)
    yield cut_line(Text.assemble("query q of ", name, "  ", query), width, marks)
    has_biases = bool(found.biases.any())
    heads = f"{'':<{label}} {'key k':<{signs}} {_times('q x k', marks):<{signs}} {'sum':>8}"
    heads += f"{' bias':>7}" if has_biases else ""
    yield cut_line(Text(f"{INDENT}{heads} {'softmax':>9}", QUIET), width, marks)
    keys, products = _grouped(found.keys, signs), _grouped(found.products, signs)
    tops = abs(keys).max(), abs(products).max()
    room = width - len(INDENT) - label - 2 * signs - 23 - 7 * has_biases
    for i, place in enumerate(places):
        line = Text.assemble(INDENT, pad(cut(place, label, marks), label), end="")
        for values, top in zip((keys[i], products[i]), tops, strict=True):
            line.append(" ").append_text(signs_text(values, top, marks))
        line.append(f" {found.sums[i]:>8.3f}")
        line.append(f"{found.biases[i]:>7.2f}" if has_biases else "")
        line.append(f" {100 * found.weights[i]:>7.2f} %")
        if room > 3:
            most = float(found.weights.max())
            line.append(f" {bar(float(found.weights[i]), most, min(room, _BAR), marks)}", "cyan")
        yield cut_line(line, width, marks)
    yield from _legend(found, signs, width, marks)


def _legend(found: Looking, signs: int, width: int, marks: Marks) -> Iterator[Text]:
    size = len(found.query)
    power = f"sum / {_root(size, marks)}{' + bias' if found.biases.any() else ''}"
    about = [f"softmax: e^({power}) as a share of those of all"]
    if size > signs:
        about.append(f"a sign: {size / signs:.3g} neighbouring numbers added up")
    more = [Text(text, QUIET, end="") for text in about]
    yield from flow([*legend(marks), *more], width, "   ", INDENT)


def _written(found: Looking, chosen: Chosen, width: int, marks: Marks) -> Iterator[Text]:
    size, total = len(found.query), 0.0
    yield cut_line(
        Text.assemble("query q of ", token_text(chosen, _place(chosen), marks)), width, marks
    )
    yield from _numbers(found.query, width)
    for i, place in enumerate(chosen.columns):
        score = found.sums[i] / size**0.5 + found.biases[i]
        total += found.weights[i]
        yield Text()
        yield cut_line(Text.assemble("key k of ", place_text(chosen, place, marks)), width, marks)
        yield from _numbers(found.keys[i], width)
        yield Text(f"{_times('q x k', marks)}, value by value", QUIET)
        yield from _numbers(found.products[i], width)
        bias = f" + bias {found.biases[i]:.4f}" if found.biases.any() else ""
        steps = f"their sum {found.sums[i]:.4f} / {_root(size, marks)}{bias} = {score:.4f}"
        yield from flow(
            [
                Text(f"{steps};", end=""),
                Text(f"softmax {found.weights[i]:.6f},", "bold", end=""),
                Text(f"together {total:.6f}", QUIET, end=""),
            ],
            width,
            " ",
        )


def _numbers(values: Vector, width: int) -> Iterator[Text]:
    items = [Text(f"{v:8.4f}", ABOVE if v > 0 else BELOW, end="") for v in values]
    yield from flow(items, min(width, len(INDENT) + 9 * _A_LINE), " ", INDENT)


def _grouped(values: Vector, signs: int) -> Vector:
    """Add up neighbouring values: [..., D] to [..., signs]."""
    borders = np.arange(signs) * values.shape[-1] // signs
    return np.add.reduceat(values, borders, -1)


def _times(text: str, marks: Marks) -> str:
    return text.replace("x", marks.times)


def _root(size: int, marks: Marks) -> str:
    return f"sqrt({size})" if marks.ascii_only else f"√{size}"
