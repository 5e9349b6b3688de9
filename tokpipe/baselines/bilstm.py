"""A BiLSTM over vectors of words and their spelling, learned on the task: of texts, or of words.

References
----------
B. Plank, A. Søgaard, Y. Goldberg: Multilingual Part-of-Speech Tagging with Bidirectional Long
Short-Term Memory Models and Auxiliary Loss, ACL 2016.
E. Kiperwasser, Y. Goldberg: Simple and Accurate Dependency Parsing Using Bidirectional LSTM Feature
Representations, TACL 4, 2016: words left out in training, the rarer the more often.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.baselines.config import BilstmConfig
from tokpipe.baselines.kernels import bags as kernels
from tokpipe.baselines.linear import chances
from tokpipe.baselines.method import (
    Learned,
    Lesson,
    Method,
    Needs,
    Sentences,
    Texts,
    inputs_of,
    texts_of,
)
from tokpipe.baselines.recurrent import Net, draw_uniform, initialise, shapes
from tokpipe.baselines.recurrent_training import (
    BATCH_ITEMS,
    SHARDS,
    Material,
    Pace,
    batch_for,
    epochs_for,
    outputs_of,
    train,
)
from tokpipe.baselines.spelling import Spelled, Spelling
from tokpipe.bert.parameters import Tensors
from tokpipe.bert.twins import by_precision
from tokpipe.foundation.arrays import Strings, join_strings, range_items
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.seeds import fill_random_bits, stream_key
from tokpipe.training.config import TrainingConfig
from tokpipe.words.config import BERT_CASED
from tokpipe.words.pre_tokenizers import split_words

Array = NDArray[np.floating]

_TABLE = "words.weight"
_WORD_BYTES = 5  # of a word of English with the space behind it
_WORD_MEMORY = 60  # bytes: the word, its hash, which it is
_ROWS = 100  # of the table, times the root of the number of words
_WORD_SECONDS, _OPERATIONS = 1.5e-5, 25e9  # of a word besides products; a second and core
_gather, _scatter = by_precision(kernels.gather_bags), by_precision(kernels.scatter_bags)


@dataclass(frozen=True, eq=False)
class WordInputs:
    """Vectors of words: a sum over rows of a table."""

    spelled: Spelled
    items: NDArray[np.int64]  # int64[N]: which word each item is
    # how often a word is left out in training: this over itself and how often the word is there
    word_dropout: float = 0.0

    def read(self, tensors: Tensors, items: NDArray[np.int64], key: int | None) -> Array:
        """Return the vectors of items."""
        table = tensors.views[_TABLE]
        out = np.empty((len(items), table.shape[1]), table.dtype)
        _gather(table, self.spelled.bags, self._index(items, key), out)
        return out

    def learn(
        self, gradient: Array, tensors: Tensors, items: NDArray[np.int64], key: int, into: Tensors
    ) -> None:
        """Add the gradient of the table."""
        _scatter(gradient, self.spelled.bags, self._index(items, key), into.views[_TABLE])

    def _index(self, items: NDArray[np.int64], key: int | None) -> NDArray[np.int64]:
        index = self.spelled.kinds[self.items[items]]
        if key is None or not self.word_dropout:
            return index
        bits = np.empty(len(items), np.uint64)
        fill_random_bits(np.uint64(stream_key(key, "words")), 0, bits)
        chance = self.word_dropout / (self.word_dropout + self.spelled.counts[index])
        return index + self.spelled.types * ((bits >> np.uint64(11)) * 2.0**-53 < chance)


@dataclass(frozen=True, eq=False)
class BilstmModel:
    """A spelling, and a network over the vectors of its words."""

    spelling: Spelling
    weights: Tensors
    net: Net
    loss: str  # of the lesson: how outputs become chances
    max_words: int  # of a text that are read
    threads: int | None = None  # how many answer, None for one a processor

    def outputs(self, texts: Texts | Sentences) -> NDArray[np.float64]:
        """Return chances: float64[N, C] of texts, float64[W, C] of the words of sentences."""
        words, borders = _words_of(texts)
        material = _material(self.spelling.spelled(words), borders, self.net, self.max_words)
        found = outputs_of(self.net, self.weights, material, self.threads)
        return chances(found.astype(np.float64), self.loss)

    def tensors(self) -> dict[str, NDArray]:
        """Return all that `load` needs."""
        return {
            **self.weights.views,
            "hashes": self.spelling.hashes,
            "subwords": np.array(self.spelling.longest),
            "sizes": np.array(self.net[:5]),
            "loss": np.array(self.loss),
            "max_words": np.array(self.max_words),
        }


def fit(lesson: Lesson, config: BilstmConfig, progress: Progress) -> Learned:
    """Learn a spelling and a network; the epoch is the best for the validation part."""
    words, borders = _words_of(lesson.texts)
    spelling, spelled = Spelling.of(words, config.subwords, config.min_count, config.max_features)
    texts = 0 if isinstance(lesson.texts, Sentences) else len(lesson.texts)
    net = Net(
        width=config.dimensions,
        hidden=config.hidden,
        layers=config.layers,
        outputs=lesson.targets.shape[1],
        texts=texts,
        input_dropout=config.dropout,
        dropout=config.dropout,
    )
    tensors = _tensors(net, spelling.rows)
    initialise(net, tensors, lesson.seed)
    draw_uniform(lesson.seed, _TABLE, np.sqrt(3 / config.dimensions), tensors.views[_TABLE])
    material = _material(spelled, borders, net, config.max_words, config.word_dropout)
    fitted = BilstmModel(spelling, tensors, net, lesson.loss, config.max_words, lesson.threads)
    held, held_borders = _words_of(lesson.held_out)
    asked = _material(spelling.spelled(held), held_borders, net, config.max_words)

    def judge(tensors: Tensors) -> tuple[float, float]:
        found = outputs_of(net, tensors, asked, lesson.threads).astype(np.float64)
        return lesson.judge(chances(found, lesson.loss))

    rows = material.rows
    epochs, batch_size = config.epochs or epochs_for(rows), config.batch_size or batch_for(rows)
    pace = Pace(epochs, batch_size, training_of(config))
    targets = _targets(lesson)
    how = {"seed": lesson.seed, "threads": lesson.threads, "progress": progress}
    chosen = train(net, tensors, material, targets, judge, pace, **how)
    if not chosen["epoch"]:
        raise ConfigError(
            f"learning_rate={config.learning_rate:g} is too large: the weights grew beyond all "
            "bounds",
            hint="Give a smaller one, or none.",
        )
    return Learned(fitted=fitted, chosen=chosen)


def training_of(config: BilstmConfig) -> TrainingConfig:
    """Return what the optimizer goes by."""
    return TrainingConfig(
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_proportion=0.05,
        adam_epsilon=1e-8,
    )


def _targets(lesson: Lesson) -> NDArray:
    if lesson.loss == "softmax":
        return lesson.targets.argmax(axis=1).astype(np.int32)
    return lesson.targets.astype(np.float32)


def _tensors(net: Net, rows: int) -> Tensors:
    return Tensors(_shapes(net, rows))


def _shapes(net: Net, rows: int) -> list[tuple[str, tuple[int, ...]]]:
    return [(_TABLE, (rows, net.width)), *shapes(net)]


def _words_of(texts: Texts | Sentences) -> tuple[Strings, NDArray[np.int64]]:
    """Return all words, and the borders of sentences or texts, all first ones first."""
    if isinstance(texts, Sentences):
        return texts.words, texts.borders
    return split_words(join_strings(texts), BERT_CASED)


def _material(
    spelled: Spelled,
    borders: NDArray[np.int64],
    net: Net,
    max_words: int,
    word_dropout: float = 0.0,
) -> Material:
    """Return what is read: of long texts the first half of the words and the last."""
    items = np.arange(borders[-1])
    if net.texts:
        lengths = np.diff(borders)
        kept = np.minimum(lengths, max_words)
        head = (kept + 1) // 2
        number = range_items(np.zeros_like(kept), kept)
        skipped = np.where(number < np.repeat(head, kept), 0, np.repeat(lengths - kept, kept))
        items = np.repeat(borders[:-1], kept) + number + skipped
        borders = np.concatenate([[0], np.cumsum(kept)])
    return Material(WordInputs(spelled, items, word_dropout), borders, net.texts)


def load(tensors: Mapping[str, NDArray]) -> BilstmModel:
    """Return the model that `BilstmModel.tensors` describes."""
    spelling = Spelling(tensors["hashes"], int(tensors["subwords"]))
    net = Net(*tensors["sizes"].tolist())
    weights = _tensors(net, spelling.rows)
    for name, view in weights.views.items():
        view[...] = tensors[name]
    return BilstmModel(spelling, weights, net, str(tensors["loss"]), int(tensors["max_words"]))


def _word_count(texts: Texts | Sentences) -> int:
    if isinstance(texts, Sentences):
        return len(texts.words)
    return sum(column.nbytes for column in texts) // _WORD_BYTES


def needs(parts: Mapping[str, Any], config: BilstmConfig, threads: int) -> Needs:
    """Return what learning takes."""
    words = sum(_word_count(inputs_of(part)) for part in parts.values())
    rows = min(config.max_features, int(_ROWS * words**0.5))
    hidden, outputs = config.hidden, len(parts["train"].names)
    net = Net(config.dimensions, hidden, config.layers, outputs, texts_of(parts["train"]))
    block = 4 * sum(math.prod(shape) for _, shape in _shapes(net, rows))
    item = 4 * (2 * config.dimensions + hidden * (16 * config.layers + 8) + outputs)
    maps = sum(math.prod(shape) for name, shape in shapes(net) if name.endswith("weight"))
    memory = {
        "vectors and weights": 4 * block,
        "gradients": SHARDS * block,
        "activations": max(threads, SHARDS) * BATCH_ITEMS * item,
        "words": words * (_WORD_MEMORY + 24 * outputs * (not net.texts)),
    }
    fewer = "Lower --max-features or --dimensions."
    hints = {
        "vectors and weights": fewer,
        "gradients": fewer,
        "activations": "Lower --hidden, --layers or --threads.",
        "words": "Take a part of the rows.",
    }
    train_rows = len(parts["train"])
    epochs, share = (
        config.epochs or epochs_for(train_rows),
        train_rows / sum(map(len, parts.values())),
    )
    seconds = epochs * share * words * (_WORD_SECONDS + 6 * maps / _OPERATIONS)
    return Needs(memory, hints, block + 8 * rows, seconds / min(threads, SHARDS))


METHOD = Method(name="bilstm", config=BilstmConfig, fit=fit, load=load, needs=needs)
