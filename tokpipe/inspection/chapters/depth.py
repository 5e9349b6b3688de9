"""Deep or wide: the same number of parameters in few wide layers, or in many narrow ones."""

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import Chapter, Grid, Step
from tokpipe.inspection.chapters.encoder import layer_parameters, layer_rows
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ()
TEXTS = ("The cat ran.",)

_DEPTHS = (1, 2, 3, 6, 12, 24, 48)
_OFF = 1.5  # times as many parameters, or as few, are not the same number
_TOKENS = 128
_COLUMNS = ("width", "heads", "parameters", "operations", "in a row")


def of_depth(layers: int, parameters: int, head: int) -> BertConfig:
    """Return the model of so many layers that has about so many parameters in them.

    A layer of width H has 12 H² of them: 4 H² in attention, 8 H² in the feed-forward part. Widths
    go by steps of a head.
    """
    steps = max(round((parameters / (12 * layers)) ** 0.5 / head), 1)
    return BertConfig(
        hidden_size=head * steps,
        num_hidden_layers=layers,
        num_attention_heads=steps,
        intermediate_size=4 * head * steps,
    )


def toy() -> Chapter:
    """Return the chapter on as many parameters as BERT-base has in its layers."""
    return _chapter(BertConfig.preset("base"), "")


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on as many parameters as a model has in its layers."""
    return _chapter(model.config, chosen.name)


def _row(config: BertConfig, unit: float) -> list[float]:
    layers = config.num_hidden_layers
    operations = layers * sum(one for _, one in layer_rows(config, _TOKENS).values()) / _TOKENS
    counts = layer_parameters(config) / unit, operations / unit
    return [config.hidden_size, config.num_attention_heads, *counts, 4 * layers]


def _chapter(config: BertConfig, model: str) -> Chapter:
    layers = config.num_hidden_layers
    total, step = layer_parameters(config), config.head_size
    unit, units = (1e6, "million") if total >= 1e6 else (1e3, "thousand")
    others = [of_depth(depth, total, step) for depth in _DEPTHS]
    near = [one for one in others if 1 / _OFF <= layer_parameters(one) / total <= _OFF]
    rows = {plural(one.num_hidden_layers, "layer"): _row(one, unit) for one in near}
    shared = "" if config.share_layers == "none" else " shared"
    rows |= {f"{'this model' if model else 'BERT-base'}, {layers}{shared}": _row(config, unit)}
    return Chapter(
        title="Deep or wide",
        about="A model is a stack of layers (tokpipe explain encoder), each of which works on "
        "the vectors (rows of numbers) of all tokens. With the same number of learned "
        "numbers (parameters) the stack can be low and its vectors wide, or high and "
        "narrow.",
        reference='J. Kaplan et al., "Scaling Laws for Neural Language Models" (2020), 3.1; Y. Tay '
        'et al., "Scale Efficiently" (2021)',
        model=model,
        steps=(
            Step(
                "A layer of width H",
                "A layer has two parts. Attention, by which tokens gather from each other, has "
                "four tables of H · H numbers: 4 H². The feed-forward part, which works on each "
                "token alone, has one table of H · 4 H and one of 4 H · H: 8 H². Together 12 H², "
                "and 12 L H² in L layers. With half the layers, vectors can be √2 times as wide.",
                "parameters = 12 L H²",
            ),
            Step(
                "The same parameters, another shape",
                f"About {total / unit:.1f} {units} parameters each, as near as widths in steps "
                f"of {step} allow. Operations are multiplications and additions for one token in "
                f"a text of {_TOKENS}. A head is a slice of the vector that attention works with. "
                "In a row: how many products with learned tables have to wait for one another, "
                "which no number of processors shortens: four for each layer. Attention's own two "
                "products are not counted.",
                "",
                (
                    Grid(
                        f"parameters and operations in {units}s",
                        np.array(list(rows.values())),
                        list(rows),
                        _COLUMNS,
                        digits=1,
                    ),
                ),
                "deeper: longer to wait, and more scores of attention; wider: larger products, "
                "and fewer steps in which words can gather from others",
            ),
        ),
    )
