"""Settings of the tokens that a vocabulary is extended with."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.vocab.config import VocabConfig


@dataclass(frozen=True, kw_only=True)
class ExtendConfig(Config):
    """Which tokens are added, and under which ids."""

    add: int | None = setting(None, "Tokens to learn from the text, at most.", least=1)
    fill_unused: bool = setting(
        False, "Give new tokens the ids of [unused0], [unused1] and so on first."
    )
    min_frequency: int = setting(
        2, "Fewest occurrences of a pair that may be merged, and of a new character.", least=0
    )
    limit_alphabet: int = setting(
        1_000,
        "Most characters to add, the commonest of those that the vocabulary lacks; their tokens "
        "are half of the new ones at most.",
        least=0,
    )
    score: str = setting(
        "frequency",
        "Which pair is merged next: the commonest, or by count(ij) / (count(i) * count(j)).",
        choices=("frequency", "likelihood"),
    )
    max_token_length: int | None = setting(
        None, "Merges stop short of tokens of this many characters.", least=1
    )

    def merging(self, model: str, prefix: str, suffix: str, known: int) -> VocabConfig:
        """Return the settings of a training that goes on from so many known tokens."""
        return VocabConfig(
            model=model,
            vocab_size=(known + (self.add or 0),),
            min_frequency=self.min_frequency,
            score=self.score,
            max_token_length=self.max_token_length,
            special_tokens=(),
            continuing_subword_prefix=prefix,
            end_of_word_suffix=suffix,
        )
