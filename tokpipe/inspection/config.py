"""Settings of views; light, because the command line makes its options from them."""

from dataclasses import dataclass
from typing import Any

from tokpipe.foundation.config import Config, setting
from tokpipe.vocab.config import VocabConfig

# The views of `attention`. Each is a module with `content` (its figures, as JSON types) and
# `renderable`, both of a `Chosen`; HEADS, what it takes for --head besides a number (the first is
# the default, else head 1); ALL_LAYERS, whether it shows all where none is named; and TAKES, its
# further options.
_TERMINAL = "tokpipe.inspection.terminal"
ATTENTION_VIEWS = {
    "model": f"{_TERMINAL}.attention_model",
    "head": f"{_TERMINAL}.attention_head",
    "neuron": f"{_TERMINAL}.attention_neuron",
}
# The chapters of `explain` that are told by steps. Each is a module with `toy` and `real`, which
# return a `Chapter` on numbers made up and on those of a model; HEADS, ALL_LAYERS and TAKES as
# above; and TEXTS, what a model reads where no text is given.
_CHAPTERS = "tokpipe.inspection.chapters"
CHAPTERS = {
    "ffn": f"{_CHAPTERS}.ffn",
    "activations": f"{_CHAPTERS}.activations",
    "input": f"{_CHAPTERS}.inputs",
    "attention": f"{_CHAPTERS}.attention",
    "multi-head": f"{_CHAPTERS}.multi_head",
    "position": f"{_CHAPTERS}.position",
    "add-norm": f"{_CHAPTERS}.add_norm",
    "encoder": f"{_CHAPTERS}.encoder",
    "depth": f"{_CHAPTERS}.depth",
    "mlm": f"{_CHAPTERS}.mlm",
    "nsp": f"{_CHAPTERS}.nsp",
    "contextual": f"{_CHAPTERS}.contextual",
}


@dataclass(frozen=True, kw_only=True)
class _ExplainConfig(Config):
    """What both have."""

    steps: int = setting(10, "How many merges to make, if there are so many.", least=0, most=1000)
    tie_break: str = setting(
        "first-seen",
        "Among equal scores: the shortest and first seen (textbooks), or the lower ids.",
        choices=("first-seen", "lowest-id"),
    )
    min_frequency: int = setting(2, "Fewest occurrences of a pair that may be merged.", least=1)
    continuing_subword_prefix: str = setting("", "Marks a token that goes on inside a word.")
    encode: str | None = setting(None, "Then encode this word with what was learnt.")

    def _vocab_config(self, model: str, **others: Any) -> VocabConfig:
        return VocabConfig(
            model=model,
            special_tokens=(),
            tie_break=self.tie_break,
            min_frequency=self.min_frequency,
            continuing_subword_prefix=self.continuing_subword_prefix,
            **others,
        )


@dataclass(frozen=True, kw_only=True)
class ExplainBpeConfig(_ExplainConfig):
    """Settings of `explain bpe`."""

    end_of_word_suffix: str = setting("", "Marks a token that ends a word, such as </w>.")

    def vocab_config(self) -> VocabConfig:
        """Return the settings of the training that is shown."""
        return self._vocab_config("bpe", end_of_word_suffix=self.end_of_word_suffix)


@dataclass(frozen=True, kw_only=True)
class ExplainWordpieceConfig(_ExplainConfig):
    """Settings of `explain wordpiece`."""

    score: str = setting(
        "likelihood",
        "count(pair) / (count(left) * count(right)), or the bare count as trainers in use have it.",
        choices=("likelihood", "frequency"),
    )
    continuing_subword_prefix: str = setting("##", "Marks a token that goes on inside a word.")

    def vocab_config(self) -> VocabConfig:
        """Return the settings of the training that is shown."""
        return self._vocab_config("wordpiece", score=self.score)
