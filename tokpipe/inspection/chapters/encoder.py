"""The encoder: one layer by its steps, the stack, what it sees, and how it differs from an LSTM."""

from collections.abc import Sequence

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import Array, Chapter, Grid, Step, token_names
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ()
TEXTS = ("The boy hit the ball.",)

_WORDS = ("the", "boy", "hit", "the", "ball")
_LENGTHS = (8, 64, 512)
_MILLION = 1e6
_ABOUT = (
    "An encoder makes vectors (rows of numbers) of a text, one for each token, a word or a "
    "piece of one, that say what the token means in this text. It is a stack of layers of one "
    "build: in each, every token gathers from all others (tokpipe explain attention and "
    "multi-head), is worked on by itself (ffn), and what both make is added to it (add-norm)."
)


def layer_rows(config: BertConfig, count: int) -> dict[str, tuple[int, int]]:
    """Return the steps of one layer: parameters, and operations (multiply and add: 2) on a text.

    Parameters
    ----------
    config
        Of the model.
    count
        How many tokens the text has.
    """
    hidden, inner, outer = config.hidden_size, config.inner_size, config.outer_size

    def linear(wide: int, high: int) -> tuple[int, int]:
        return wide * high + high, 2 * count * wide * high

    products = 0, 2 * count * count * hidden
    return {
        "queries, keys, values": linear(hidden, 3 * hidden),
        "scores": products,
        "weighted sums": products,
        "table after the heads": linear(hidden, hidden),
        "add and norm": (2 * hidden, 0),
        f"out to {outer:,}": linear(hidden, outer),
        f"back to {hidden:,}": linear(inner, hidden),
        "add and norm again": (2 * hidden, 0),
    }


def toy() -> Chapter:
    """Return the chapter on BERT-base and a text of five words."""
    return _chapter(BertConfig.preset("base"), _WORDS, "")


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on a model and a text."""
    return _chapter(model.config, token_names(chosen), chosen.name)


def _chapter(config: BertConfig, names: Sequence[str], model: str) -> Chapter:
    count, hidden = len(names), config.hidden_size
    rows, layers = layer_rows(config, count), config.num_hidden_layers
    table = np.array(list(rows.values()), np.float64) / _MILLION
    total = table.sum(0)
    heads, size = config.num_attention_heads, config.head_size
    shared = "" if config.share_layers == "none" else f", which share {config.share_layers}"
    return Chapter(
        title=f"The encoder: {layers} layers" + ("" if model else ", as BERT-base has them"),
        about=_ABOUT,
        reference='A. Vaswani et al., "Attention Is All You Need" (2017), 3 and 4',
        model=model,
        steps=(
            Step(
                "One layer",
                f"{count} tokens come in as {count} vectors of {hidden} numbers, and as many "
                f"leave; [{count}, {hidden}] means {count} rows of {hidden} numbers. Attention has "
                f"{heads} heads, which look side by side and work with {size} numbers each; a "
                "score says how well two tokens fit. The feed-forward part goes out to "
                f"{config.outer_size:,} numbers and back{_gated(config)}. Parameters are the "
                "learned numbers; operations are the multiplications and additions in products of "
                "tables; the few others are not counted.",
                f"[{count}, {hidden}] to queries, keys, values [{count}, {3 * hidden}]\n"
                f"scores [{heads}, {count}, {count}], heads side by side [{count}, {hidden}]\n"
                f"inside the feed-forward part [{count}, {config.outer_size}], back "
                f"[{count}, {hidden}]",
                (
                    Grid(
                        "millions",
                        np.concatenate([table, total[None]]),
                        [*rows, "together"],
                        ("parameters", "operations"),
                    ),
                ),
            ),
            Step(
                "The stack",
                f"The next layer takes what the one before leaves; there are {layers} "
                f"layers{shared}. The vectors with which tokens enter the first one (the "
                "embeddings) are learned too, but not counted here.",
                f"{layers} layers of [{count}, {hidden}]",
                (
                    Grid(
                        "millions",
                        np.array([[layer_parameters(config) / _MILLION, layers * total[1]]]),
                        ("all layers",),
                        ("parameters", "operations"),
                    ),
                ),
            ),
            _masks(names),
            _recurrent(),
        ),
    )


def _gated(config: BertConfig) -> str:
    """Say what a gate does to the width, where there is one."""
    if config.ffn == "plain":
        return ""
    return f" from {config.inner_size:,}: one half of them, bent, is multiplied by the other"


def layer_parameters(config: BertConfig) -> int:
    """Count the parameters of all layers, those that are shared once."""
    sizes = [parameters for parameters, _ in layer_rows(config, 1).values()]
    attention, ffn = sum(sizes[:5]), sum(sizes[5:])
    layers, shared = config.num_hidden_layers, config.share_layers
    times = [1 if shared in ("all", part) else layers for part in ("attention", "ffn")]
    return attention * times[0] + ffn * times[1]


def _masks(names: Sequence[str]) -> Step:
    count = len(names)
    return Step(
        "Who sees whom",
        "In an encoder each token (a line) looks at all (the columns), before it and after it. A "
        "decoder, which writes a text word by word, must not see what it has yet to write: each "
        "token looks at itself and those before it. A point: it may not look there.",
        "",
        (
            Grid("encoder", np.ones((count, count)), names, as_signs=True),
            Grid("decoder", np.tril(np.ones((count, count))), names, as_signs=True),
        ),
    )


def _recurrent() -> Step:
    rows: list[Array] = [np.array([n, 1, n - 1, 1], np.float64) for n in _LENGTHS]
    return Step(
        "One after another, or all at once",
        "An older kind of network, the LSTM, reads word by word: for n words it takes n steps, "
        "each of which has to wait for the one before, and what the first word says reaches the "
        "last through n - 1 of them. In attention all words look at all others in one step. The "
        "price: n times n scores, one for each pair of words.",
        "LSTM: n steps, path n - 1\nattention: 1 step a layer, path 1",
        (
            Grid(
                "steps one after another, and the longest path between two words",
                np.stack(rows),
                [f"{n} words" for n in _LENGTHS],
                ("LSTM steps", "attention steps", "LSTM path", "attention path"),
                digits=0,
            ),
        ),
    )
