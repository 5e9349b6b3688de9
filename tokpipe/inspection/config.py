"""Settings of `explain`; light, because the command line makes its options from them."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.vocab.config import VocabConfig

_TIE_BREAK = "Among equal scores: the shortest and first seen (textbooks), or the lower ids."
_FLOOR = "Fewest occurrences of a pair that may be merged."
_ENCODE = "Then encode this word with what was learnt."


@dataclass(frozen=True, kw_only=True)
class ExplainBpeConfig(Config):
    """Settings of `explain bpe`."""

    steps: int = setting(10, "How many merges to make, if there are so many.", least=0, most=1000)
    tie_break: str = setting("first-seen", _TIE_BREAK, choices=("first-seen", "lowest-id"))
    min_frequency: int = setting(2, _FLOOR, least=1)
    continuing_subword_prefix: str = setting("", "Marks a token that goes on inside a word.")
    end_of_word_suffix: str = setting("", "Marks a token that ends a word, such as </w>.")
    encode: str | None = setting(None, _ENCODE)

    def vocab_config(self) -> VocabConfig:
        """Return the settings of the training that is shown."""
        return VocabConfig(
            model="bpe",
            special_tokens=(),
            tie_break=self.tie_break,
            min_frequency=self.min_frequency,
            continuing_subword_prefix=self.continuing_subword_prefix,
            end_of_word_suffix=self.end_of_word_suffix,
        )


@dataclass(frozen=True, kw_only=True)
class ExplainWordpieceConfig(Config):
    """Settings of `explain wordpiece`."""

    steps: int = setting(10, "How many merges to make, if there are so many.", least=0, most=1000)
    score: str = setting(
        "likelihood",
        "count(pair) / (count(left) * count(right)), or the bare count as trainers in use have it.",
        choices=("likelihood", "frequency"),
    )
    tie_break: str = setting("first-seen", _TIE_BREAK, choices=("first-seen", "lowest-id"))
    min_frequency: int = setting(2, _FLOOR, least=1)
    continuing_subword_prefix: str = setting("##", "Marks a token that goes on inside a word.")
    encode: str | None = setting(None, _ENCODE)

    def vocab_config(self) -> VocabConfig:
        """Return the settings of the training that is shown."""
        return VocabConfig(
            model="wordpiece",
            special_tokens=(),
            score=self.score,
            tie_break=self.tie_break,
            min_frequency=self.min_frequency,
            continuing_subword_prefix=self.continuing_subword_prefix,
        )
