"""Small data that a bag of words can learn, drawn from a seed."""

import json

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.labelled.records import LabelledTexts

GOOD, BAD = ("fine", "lovely", "great"), ("dull", "awful", "poor")
OTHER = ("film", "plot", "scene", "actor", "music", "end", "story", "time", "part", "one")


def reviews(count, seed=0):
    """Return texts and 0 (bad) or 1 (good): one word of five tells which."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, count)
    texts = []
    for label in labels:
        words = list(draw.choice(OTHER, 6))
        words[draw.integers(0, 6)] = str(draw.choice(GOOD if label else BAD))
        texts.append(" ".join(words))
    return texts, labels


def labelled(texts, labels, names=("bad", "good"), second=None):
    """Return texts and labels as they are when they are read."""
    columns = [texts] if second is None else [texts, second]
    return LabelledTexts(
        source="reviews.jsonl",
        texts=tuple(Strings.from_list(column) for column in columns),
        labels=np.asarray(labels),
        names=names,
        lines=np.arange(1, len(texts) + 1),
    )


def classes(count, seed=0):
    """Return reviews of two classes."""
    texts, labels = reviews(count, seed)
    return labelled(texts, labels.astype(np.int32))


def several(count, seed=0):
    """Return reviews of two labels: good, and speaks of music."""
    texts, labels = reviews(count, seed)
    table = np.stack([labels, ["music" in text for text in texts]], axis=1)
    return labelled(texts, table.astype(np.uint8), ("good", "music"))


def numbers(count, seed=0):
    """Return reviews with a number from 100 on, by ten for each word of some kinds."""
    texts, labels = reviews(count, seed)
    values = [
        100 + 10.0 * label + 10 * text.count("music")
        for text, label in zip(texts, labels, strict=True)
    ]
    return labelled(texts, np.array(values), ())


def pairs(count, seed=0):
    """Return pairs that are of one thing (1) or not: no word of one side says which."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, count)
    first = [list(draw.choice(OTHER, 4, replace=False)) for _ in labels]
    others = [[word for word in OTHER if word not in side] for side in first]
    second = [
        draw.permutation(side) if label else draw.choice(rest, 4, replace=False)
        for side, rest, label in zip(first, others, labels, strict=True)
    ]
    sides = [[" ".join(words) for words in side] for side in (first, second)]
    return labelled(sides[0], labels.astype(np.int32), ("no", "yes"), sides[1])


def write(path, data):
    """Write rows of one class each as JSON lines."""
    lines = [
        json.dumps({"text": text.decode(), "label": data.names[label]})
        for text, label in zip(data.texts[0].iter_bytes(), data.labels, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
