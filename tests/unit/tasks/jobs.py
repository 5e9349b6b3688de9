"""Small models with a head of each job, their weights drawn and untrained."""

from dataclasses import replace

from tests.unit.tasks.models import CONFIG, tokenizer
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.registry import switches
from tokpipe.tasks.model import BertModel

ENTITIES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
JOBS = {
    "classification": {"task": "text", "labels": ("bad", "good", "none")},
    "regression": {"task": "text", "problem": "regression"},
    "multilabel": {"task": "text", "problem": "multilabel", "labels": ("new", "old", "wet")},
    "ner": {"task": "token", "labels": ENTITIES, "pooler": False},
    "pos": {"task": "token", "labels": ("DET", "NOUN", "VERB"), "pooler": False},
    "qa": {"task": "span", "pooler": False},
}


def job_model(name, seed=3, **changes):
    config = replace(CONFIG, **(switches() | JOBS[name] | changes))
    return BertModel(Parameters.initialised(config, seed), tokenizer())
