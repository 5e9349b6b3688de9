"""A model of four layers and data for each task that it can learn in a second."""

import json
from dataclasses import replace

import numpy as np

from tests.unit.tasks.models import CONFIG, WORDS, small
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.finetune import finetune

PARTS = ("train", "validation", "test")
TASKS = ("classification", "regression", "multilabel", "ner", "pos", "qa")
SUFFIX = dict.fromkeys(TASKS[:3], "jsonl") | {"ner": "conll", "pos": "conll", "qa": "json"}
FAST = {"epochs": 12, "batch_size": 8, "learning_rate": 5e-3, "dropout": 0.0, "gradient_shards": 2}
_ANIMALS, _OTHERS = ("cat", "dog", "kitten"), [w for w in WORDS if w.isalpha()]
_TAGS = {"cat": "B-ANIMAL", "dog": "B-ANIMAL", "kitten": "B-ANIMAL", "mat": "B-PLACE"}


def write_model(folder, layers=2):
    config = replace(CONFIG, num_hidden_layers=layers, max_position_embeddings=40)
    small(config).save(folder)
    return folder


def write_data(folder, task, rows=64, seed=0, name="train"):
    """Write data in which the answer is told by single words."""
    path = folder / f"{name}.{SUFFIX[task]}"
    generator = np.random.default_rng(seed)
    sentences = [_sentence(generator) for _ in range(rows)]
    path.write_text(_WRITERS.get(task, _lines)(task, sentences))
    return path


def _sentence(generator):
    words = generator.choice(_OTHERS, generator.integers(3, 9)).tolist()
    words = [word for word in words if word not in _ANIMALS]
    at = int(generator.integers(0, len(words) + 1))
    return [*words[:at], str(generator.choice(_ANIMALS)), *words[at:]]


def _lines(task, sentences):
    rows = []
    for words in sentences:
        animal = next(word for word in words if word in _ANIMALS)
        label = {
            "classification": animal,
            "regression": float(_ANIMALS.index(animal)),
            "multilabel": [animal, "old"] if "old" in words else [animal],
        }[task]
        rows.append(json.dumps({"text": " ".join(words), "label": label}))
    return "\n".join(rows) + "\n"


def _columns(task, sentences):
    tag = (lambda w: _TAGS.get(w, "O")) if task == "ner" else (lambda w: "V" if w == "ran" else "X")
    return "\n\n".join("\n".join(f"{w}\t{tag(w)}" for w in words) for words in sentences) + "\n"


def _squad(task, sentences):
    paragraphs = []
    for number, words in enumerate(sentences):
        context = " ".join(words)
        animal = next(word for word in words if word in _ANIMALS)
        start = len(" ".join(words[: words.index(animal)])) + (words.index(animal) > 0)
        answers = [{"text": animal, "answer_start": start}]
        qas = [{"id": f"q{number}", "question": "it", "answers": answers}]
        paragraphs.append({"context": context, "qas": qas})
    return json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]})


_WRITERS = {"ner": _columns, "pos": _columns, "qa": _squad}


def run(folder, task, out="out", threads=1, test=True, **settings):
    """Fine-tune in a folder that has, or gets, a model and data."""
    if not (folder / "model").exists():
        write_model(folder / "model")
    train = write_data(folder, task)
    validation = write_data(folder, task, 24, 1, "validation")
    tested = write_data(folder, task, 24, 2, "test") if test else None
    how = {name: settings.pop(name) for name in ("watch", "force", "progress") if name in settings}
    config = FinetuneConfig(**{**FAST, **settings})
    return finetune(
        task, folder / "model", train, validation, tested, folder / out,
        config=config, threads=threads, **how,
    )  # fmt: skip
