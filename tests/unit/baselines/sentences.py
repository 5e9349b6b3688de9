"""Small data of tagged words, drawn from a seed, in which endings and neighbours tell the tag."""

import numpy as np

from tokpipe.foundation.arrays import Strings
from tokpipe.labelled.records import TaggedWords

NAMES = ("DET", "NOUN", "VERB")
IOB = ("O", "B-LOC", "I-LOC")


def tagged(count, seed=0, *, entities=False):
    """Return sentences: a stem that nobody has met, and an ending (or what stands before) tells."""
    draw = np.random.default_rng(seed)
    make = _entities if entities else _parts_of_speech
    sentences = [make(draw) for _ in range(count)]
    words = [word for sentence in sentences for word, _ in sentence]
    tags = [tag for sentence in sentences for _, tag in sentence]
    borders = np.concatenate([[0], np.cumsum([len(sentence) for sentence in sentences])])
    return TaggedWords(
        source="sentences.conll",
        words=Strings.from_list(words),
        borders=borders.astype(np.int64),
        tags=np.array(tags, np.int32),
        names=IOB if entities else NAMES,
        scheme="IOB2" if entities else "none",
        lines=np.arange(1, len(words) + 1),
    )


def _stem(draw):
    return "".join(draw.choice(list("bdfgklmnprt"), 4))


def _parts_of_speech(draw):
    found = []
    for _ in range(draw.integers(1, 5)):
        found += [("the", 0), (f"{_stem(draw)}er", 1), (f"{_stem(draw)}ing", 2)]
    return found


def _entities(draw):
    # the same words are a name after "in", and none elsewhere
    found = []
    for _ in range(draw.integers(1, 4)):
        names = [(_stem(draw).capitalize(), 1), (_stem(draw).capitalize(), 2)]
        plain = [(_stem(draw).capitalize(), 0)]
        found += [("in", 0), *names] if draw.integers(0, 2) else [("as", 0), *plain]
    return found


def write(path, data):
    """Write sentences in two columns."""
    words, lines = list(data.words.iter_bytes()), []
    for first, last in zip(data.borders, data.borders[1:], strict=False):
        lines += [f"{words[i].decode()}\t{data.names[data.tags[i]]}" for i in range(first, last)]
        lines.append("")
    path.write_text("\n".join(lines) + "\n")
    return path
