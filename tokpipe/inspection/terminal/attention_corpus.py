"""What the heads of a model do over many texts: a table of layers and heads."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.attention import KIND_NAMES, numbers
from tokpipe.inspection.terminal.attention_model import KIND_COLORS, measures_json
from tokpipe.inspection.terminal.charts import INDENT
from tokpipe.inspection.terminal.marks import QUIET, Marks, cut_line, flow, laid
from tokpipe.inspection.terminal.tokens import heading
from tokpipe.tasks.attention_corpus import CorpusAttention
from tokpipe.tasks.attention_measures import TARGETS

_COLUMN = 8


def corpus_json(name: str, found: CorpusAttention) -> dict[str, Any]:
    """Return the measures as JSON types."""
    layers, heads = found.measures.shape[:2]
    return {
        "model": name,
        "texts": found.texts,
        "tokens": found.tokens,
        "cut": found.cut,
        "even_attention": measures_json(found.even),
        "layers": [
            {
                "layer": layer,
                "heads": [_head_json(layer, head, found) for head in range(1, heads + 1)],
            }
            for layer in range(1, layers + 1)
        ],
    }


def _head_json(layer: int, head: int, found: CorpusAttention) -> dict[str, Any]:
    about = {"head": head, "kind": found.kind(layer, head).name}
    return about | measures_json(found.measures[layer - 1, head - 1])


@laid
def corpus_renderable(
    width: int, marks: Marks, name: str, found: CorpusAttention
) -> Iterator[Text]:
    """Draw a line a head: its kind, where its attention goes, how spread it is, and how far."""
    about = f"{plural(found.texts, 'text')}, {plural(found.tokens, 'token')}"
    yield heading(name, about, width, marks)
    short = [KIND_NAMES[target][0] for target in TARGETS]
    heads = "".join(f"{one:>{_COLUMN}}" for one in (*short, "entropy", "far"))
    yield cut_line(Text(f"{INDENT}{'head':<7}{'kind':<6}{heads}", QUIET), width, marks)
    layers, count = found.measures.shape[:2]
    for layer in range(1, layers + 1):
        for head in range(1, count + 1):
            name = found.kind(layer, head).name
            kind, style = KIND_NAMES[name][0], KIND_COLORS[name]
            line = Text.assemble(INDENT, f"{f'{layer}.{head}':<7}", (f"{kind:<6}", style))
            yield cut_line(line.append(_figures(found.measures[layer - 1, head - 1])), width, marks)
    yield cut_line(
        Text.assemble(INDENT, f"{'even':<13}", _figures(found.even), style=QUIET), width, marks
    )
    yield from _legend(width)


def _figures(measures: Any) -> str:
    *shares, distance = numbers(measures)
    return "".join(f"{100 * share:>{_COLUMN}.1f}" for share in shares) + f"{distance:>{_COLUMN}.1f}"


def _legend(width: int) -> Iterator[Text]:
    about = [
        "head: layer.head",
        "shares of its attention in %",
        *(f"{name}: {text}" for name, text in KIND_NAMES.values()),
        "entropy: in % of the greatest",
        "far: mean distance in tokens",
        "even: attention that goes to all alike",
    ]
    yield from flow([Text(one, QUIET, end="") for one in about], width, "   ", INDENT)
