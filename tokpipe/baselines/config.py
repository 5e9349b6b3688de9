"""Settings of the methods, without anything heavy behind them."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError

LAYER_HEADS = ("linear", "bilstm")


def _grams(default: int) -> int:
    return setting(default, "Words of the longest n-gram.", least=1, most=5)


def _least(default: int) -> int:
    return setting(default, "In how many training texts a word or n-gram must be.", least=1)


def _most() -> int:
    return setting(
        2_000_000, "Words and n-grams at most; those in most texts are kept.", least=1, most=2**31
    )


def _strength() -> float | None:
    return setting(
        None,
        "What the loss counts against the penalty on weights; None: the best for the validation "
        "part.",
        least=1e-6,
        most=1e6,
    )


@dataclass(frozen=True, kw_only=True)
class BowConfig(Config):
    """Settings of counts with TF-IDF."""

    ngrams: int = _grams(2)
    min_texts: int = _least(2)
    max_features: int = _most()
    strength: float | None = _strength()


@dataclass(frozen=True, kw_only=True)
class NbsvmConfig(Config):
    """Settings of naive Bayes with a linear model."""

    ngrams: int = _grams(3)
    min_texts: int = _least(2)
    max_features: int = _most()
    smoothing: float = setting(
        1.0, "Added to the number of texts that a word is in.", least=1e-3, most=1e3
    )
    strength: float | None = _strength()
    interpolation: float = setting(
        1.0, "Share of the learned weights against naive Bayes alone.", least=0.0, most=1.0
    )


@dataclass(frozen=True, kw_only=True)
class VectorsConfig(Config):
    """Settings of averaged vectors."""

    ngrams: int = _grams(3)
    min_texts: int = _least(2)
    max_features: int = _most()
    dimensions: int = setting(10, "Numbers in the vector of a word.", least=1, most=1000)
    epochs: int = setting(8, "Times through the training part; the best is kept.", least=1)
    learning_rate: float | None = setting(
        None, "At the beginning; None: the best for the validation part.", least=1e-6, most=100.0
    )
    word_dropout: float | None = setting(
        None,
        "Share of the words and n-grams of a text that are left out; None: the best for the "
        "validation part.",
        least=0.0,
        most=0.95,
    )


@dataclass(frozen=True, kw_only=True)
class BilstmConfig(Config):
    """Settings of a BiLSTM."""

    dimensions: int = setting(100, "Numbers in the vector of a word.", least=1, most=2000)
    hidden: int = setting(128, "Numbers in a state of one direction.", least=1, most=2000)
    layers: int = setting(1, "Layers of the BiLSTM.", least=1, most=8)
    subwords: int = setting(
        4, "Characters of the longest n-gram that a word is spelled by; below 2: none.", most=8
    )
    min_count: int = setting(
        2, "How often a word or an n-gram of characters must be in the training part.", least=1
    )
    max_features: int = setting(
        500_000, "Words and n-grams at most; the most frequent are kept.", least=1, most=2**24
    )
    max_words: int = setting(
        512, "Words of a text that are read; of longer ones both ends.", least=2
    )
    epochs: int | None = setting(
        None,
        "Times through the training part; the best is kept. None: 5 to 20, more for few rows.",
        least=1,
    )
    batch_size: int | None = setting(
        None, "Rows to a step of the optimizer. None: 4 to 32, fewer for few rows.", least=1
    )
    learning_rate: float = setting(2e-3, "Greatest learning rate.", least=1e-6, most=1.0)
    weight_decay: float = setting(0.01, "Decay of weights, times the learning rate.", least=0.0)
    dropout: float = setting(
        0.4,
        "Share of the numbers that go into and out of the BiLSTM that are dropped.",
        least=0.0,
        most=0.95,
    )
    word_dropout: float = setting(
        0.25,
        "A word is left out with this share of itself and how often it is there; what is left is "
        "its spelling.",
        least=0.0,
        most=1000.0,
    )


@dataclass(frozen=True, kw_only=True)
class LayersConfig(Config):
    """How the layers of a model are compared."""

    seeds: int = setting(
        3, "How often each model is learned, with other rows held out.", least=1, most=100
    )
    held_out: float = setting(
        0.1, "Share of the rows by which the strength is chosen.", least=0.001, most=0.9
    )
    pooling: str = setting(
        "cls",
        "The vector of a text: that of its first token ([CLS]), or the mean over its tokens.",
        choices=("cls", "mean"),
    )
    precision: str = setting(
        "f32", "How the vectors are kept on disk; f16 takes half the room.", choices=("f32", "f16")
    )
    heads: tuple[str, ...] = setting(
        ("linear",),
        "What learns from the vectors: linear, bilstm, or both. A BiLSTM reads the words of a "
        "sentence, or the tokens of a text, and takes minutes where a linear model takes seconds.",
    )
    epochs: int = setting(
        6, "Times that a BiLSTM goes through the training part; the best is kept.", least=1
    )

    def check(self) -> None:
        """Refuse heads that there are not, and one that is asked for twice."""
        for head in self.heads:
            if head not in LAYER_HEADS:
                raise ConfigError(f"heads={head!r} is not one of {', '.join(LAYER_HEADS)}")
        if not self.heads or len({*self.heads}) < len(self.heads):
            raise ConfigError(f"heads={','.join(self.heads)!r}: each once, and one at least")
