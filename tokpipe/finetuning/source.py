"""The model that is fine-tuned: another's encoder, with a head drawn for the task."""

from dataclasses import replace

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.jobs import config_for_job
from tokpipe.bert.parameters import Parameters
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.rates import draw_highest
from tokpipe.finetuning.task import Task
from tokpipe.training.source_model import Source, weights_of


def fitted(
    source: Source, task: Task, names: tuple[str, ...], config: FinetuneConfig
) -> BertConfig:
    """Return the settings of the model that the task wants: the same encoder, with its head.

    Raises
    ------
    ConfigError
        If the model's family has no such head.
    """
    encoder = replace(
        source.config,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
    )
    labels = () if task.head == "span" else names
    dropout = None if task.head == "span" else config.dropout
    return config_for_job(encoder, source.family, task.head, labels, task.problem, dropout)


def first_weights(
    source: Source, model: BertConfig, config: FinetuneConfig, seed: int
) -> Parameters:
    """Return the weights that a training begins with: head and highest layers drawn by a seed."""
    parameters = Parameters.from_encoder(weights_of(source), model, seed)
    draw_highest(parameters, config.reinit_layers, seed)
    return parameters
