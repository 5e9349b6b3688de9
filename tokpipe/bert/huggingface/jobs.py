"""What ``config.json`` says of a job: the class, names of labels, kind of problem, dropout.

Which job a ``classifier.weight`` is for, only the name of the class tells: texts and words have
tensors of the same name.
"""

from collections.abc import Mapping
from typing import Any

from tokpipe.bert.config import NO_JOB, TASKS, BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.huggingface.foreign_files import shown
from tokpipe.foundation.errors import ConfigError

_PROBLEMS = {
    "single_label_classification": "classification",
    "regression": "regression",
    "multi_label_classification": "multilabel",
}
# by task: the class of transformers that opens such a model of any family, and its pipeline
AUTO_CLASSES = {
    "text": "AutoModelForSequenceClassification",
    "token": "AutoModelForTokenClassification",
    "span": "AutoModelForQuestionAnswering",
}
PIPELINES = {
    "text": "text-classification",
    "token": "token-classification",
    "span": "question-answering",
}
_MOST_LABELS = 1 << 16  # of a model: more than any has
_ONE_NUMBER = ("LABEL_0",)  # what transformers calls the only output of a regression


def job_from(found: Mapping[str, Any], family: Family, wish: str | None) -> dict[str, Any]:
    """Return the settings of the job that a family's ``config.json`` is of.

    Parameters
    ----------
    found
        What the file holds.
    family
        Whose it is.
    wish
        The task that is wanted, "none" for none of them; None: whichever it is. Where the file
        names no class, it is taken to be of the task wanted.

    Raises
    ------
    ConfigError
        If what it says of labels is not to be understood.
    """
    task = _task_of(found, family, wish)
    if task == "none" or wish not in (None, task):
        return NO_JOB
    dropout, default = family.dropouts.get(task, ("", None))
    job = {**NO_JOB, "task": task, "classifier_dropout": found.get(dropout, default)}
    if task == "span":
        return job
    labels = _labels(found)
    if task == "token":
        return {**job, "labels": labels}
    problem = _problem(found.get("problem_type"), len(labels))
    if problem == "regression" and labels == _ONE_NUMBER:
        labels = ()
    return {**job, "labels": labels, "problem": problem, "classifier": family.classifier}


def job_json(config: BertConfig, family: Family) -> dict[str, Any]:
    """Return what ``config.json`` says of a model's job; nothing where it has none."""
    if config.task == "none":
        return {}
    values: dict[str, Any] = {}
    if config.task in family.dropouts:
        key, default = family.dropouts[config.task]
        values[key] = config.classifier_dropout if default is None else config.head_dropout
    if config.task == "span":
        return values
    names = config.labels or _ONE_NUMBER
    values["id2label"] = {str(number): name for number, name in enumerate(names)}
    values["label2id"] = {name: number for number, name in enumerate(names)}
    if config.task == "text":
        theirs = {ours: name for name, ours in _PROBLEMS.items()}
        values["problem_type"] = theirs[config.problem]
    return values


def _task_of(found: Mapping[str, Any], family: Family, wish: str | None) -> str:
    names, classes = found.get("architectures"), family.architectures or {}
    if not isinstance(names, list) or not names:
        return wish or "none"
    return next((task for task in TASKS if classes.get((task,)) in names), "none")


def _labels(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the classes, by number; numbered names where there are none."""
    named = found.get("id2label")
    if named is None:
        count = found.get("num_labels", 2)
        if type(count) is not int or not 1 <= count <= _MOST_LABELS:
            raise ConfigError(f"num_labels is {shown(count)}, allowed are 1 to {_MOST_LABELS:,}")
        return tuple(f"LABEL_{number}" for number in range(count))
    if not isinstance(named, dict) or not 1 <= len(named) <= _MOST_LABELS:
        raise ConfigError(f"id2label is {shown(named)}, names by number are needed")
    keys = [str(number) for number in range(len(named))]
    if set(named) != set(keys):
        strange = sorted(set(named) - set(keys))
        raise ConfigError(f"id2label numbers a label {shown(strange[0])}, not 0 to {keys[-1]}")
    for key in keys:
        if not isinstance(named[key], str | int | float):
            raise ConfigError(f"id2label calls label {key} {shown(named[key])}, no name")
    names = tuple(str(named[key]) for key in keys)
    _check_order(names, found.get("label2id"))
    return names


def _check_order(names: tuple[str, ...], number: Any) -> None:
    """Refuse names of which nobody can tell whose they are: one twice, or numbered in two ways."""
    first = {name: key for key, name in reversed(list(enumerate(names)))}
    for key, name in enumerate(names):
        if first[name] != key:
            raise ConfigError(f"id2label calls labels {first[name]} and {key} both {shown(name)!r}")
    if isinstance(number, dict) and set(number) == set(names):
        for name in names:
            if number[name] != first[name]:
                has = f"label {first[name]}, and label2id {shown(number[name])}"
                raise ConfigError(f"{shown(name)!r} is id2label's {has}")


def _problem(said: Any, labels: int) -> str:
    if said is None:  # as transformers decides when it is asked for a loss
        return "regression" if labels == 1 else "classification"
    if not isinstance(said, str) or said not in _PROBLEMS:
        raise ConfigError(f"problem_type is {shown(said)}, known are {', '.join(_PROBLEMS)}")
    return _PROBLEMS[said]
