"""A student's first weights, and what it learns of its teacher."""

import math
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Distillation, Objective
from tokpipe.bert.parameters import Parameters
from tokpipe.tasks.distill_config import DistillConfig


def first_weights(
    config: DistillConfig, teacher: Parameters, model: BertConfig, seed: int
) -> Parameters:
    """Return the first weights of a student: layers of its teacher, or narrower, drawn ones."""
    if config.narrows(teacher.config):
        return Parameters.initialised(model, seed)
    return Parameters.from_layers(teacher, model)


def objective_of(
    config: DistillConfig, teacher: BertConfig, model: BertConfig, **more: Any
) -> Objective:
    """Return what the training of a student wants.

    Parameters
    ----------
    more
        Of `Distillation`: `projection` and `decoder`.
    """
    weights = config.hidden_weight, config.cosine_weight, config.relation_weight
    heads = math.gcd(teacher.num_attention_heads, model.num_attention_heads)
    taught = Distillation(config.temperature, config.alpha, *weights, heads, **more)
    return Objective(distillation=taught)
