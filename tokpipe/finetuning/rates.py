"""Which tensors move, and how fast; which are drawn anew."""

import re

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters, parameter_table
from tokpipe.finetuning.config import FinetuneConfig, frozen_layers
from tokpipe.foundation.errors import ConfigError

_LAYER = re.compile(r"layers\.(\d+)\.")
_BELOW = ("embeddings.", "relative.")


def rates_of(model: BertConfig, config: FinetuneConfig) -> dict[str, float]:
    """Return what the learning rate of each tensor is multiplied by; 0: it stays as it is.

    Raises
    ------
    ConfigError
        If the model has not so many layers, or they are the same weights.
    """
    check_layers(model, config)
    frozen, top = frozen_layers(config.freeze), model.num_hidden_layers + 1
    last_frozen = top - 1 if frozen is None else frozen
    rates = {}
    for name in parameter_table(model):
        depth = _depth(name, top)
        is_still = depth <= last_frozen or (frozen is None and name.startswith("final_norm."))
        rates[name] = 0.0 if is_still else config.layer_decay ** (top - depth)
    return rates


def lowest_moving(model: BertConfig, config: FinetuneConfig) -> int:
    """Return the lowest layer that moves, counted from 0; -1: the embeddings do, too."""
    frozen = frozen_layers(config.freeze)
    return model.num_hidden_layers if frozen is None else frozen


def draw_highest(parameters: Parameters, layers: int, seed: int) -> None:
    """Draw the weights of the highest layers anew, in place."""
    if not layers:
        return
    config = parameters.config
    drawn, first = Parameters.initialised(config, seed), config.num_hidden_layers + 1 - layers
    for name, view in parameters.views.items():
        if first <= _depth(name, config.num_hidden_layers + 1) <= config.num_hidden_layers:
            view[...] = drawn.views[name]


def check_layers(model: BertConfig, config: FinetuneConfig) -> None:
    """Refuse settings about single layers that a model does not have.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    frozen, count = frozen_layers(config.freeze), model.num_hidden_layers
    asked = {"freeze": frozen or 0, "reinit_layers": config.reinit_layers}
    for name, layers in asked.items():
        if layers > count:
            raise ConfigError(f"{name}={layers}: the model has {count} layers")
    decays = {"layer_decay": config.layer_decay != 1.0}
    single = [name for name, given in {**asked, **decays}.items() if given and given != -1]
    if single and model.share_layers != "none":
        raise ConfigError(
            f"{single[0]} is about single layers, and the model's have the same weights",
            hint="Leave it out, or set freeze=encoder.",
        )


def _depth(name: str, top: int) -> int:
    """Return how high a tensor stands: embeddings 0, layers from 1 on, what is above them `top`."""
    if name.startswith(_BELOW):
        return 0
    found = _LAYER.match(name)
    return int(found[1]) + 1 if found else top
