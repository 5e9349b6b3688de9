"""A model for a job, from the encoder of another."""

from dataclasses import replace

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.families.registry import refusals
from tokpipe.bert.registry import switches
from tokpipe.foundation.errors import ConfigError


def config_for_job(
    config: BertConfig,
    family: Family,
    task: str,
    labels: tuple[str, ...] = (),
    problem: str = "classification",
    dropout: float | None = None,
) -> BertConfig:
    """Return the settings of a model with another's encoder and the head that its family has.

    Parameters
    ----------
    config
        Of the model whose encoder it is; its heads are left out.
    family
        What the result is written as.
    task
        "text", "token" or "span".
    labels, problem
        As `BertConfig` has them.
    dropout
        Share dropped in front of the classes, as `BertConfig.classifier_dropout`.

    Raises
    ------
    ConfigError
        If the family has no such head.

    Examples
    --------
    >>> from tokpipe.bert.families.roberta import ROBERTA
    >>> source = BertConfig(position_offset=1, type_vocab_size=1)
    >>> found = config_for_job(source, ROBERTA, "text", ("no", "yes"))
    >>> found.classifier, found.pooler
    ('tanh', False)
    """
    classifier = family.classifier if task == "text" else "pooler"
    job = {
        "task": task,
        "labels": labels,
        "problem": problem,
        "classifier": classifier,
        "classifier_dropout": dropout,
    }
    pooler = task == "text" and classifier == "pooler"
    made = replace(config, pooler=pooler, **{**switches(), **job})
    reasons = refusals(made, family)
    if reasons:
        raise ConfigError(f"{family.title} has no such model: {'; '.join(reasons)}")
    return made
