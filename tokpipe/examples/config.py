"""Settings of training examples and their masks; the names are those of BERT's and HF's scripts."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError

_OBJECTIVES = {"bert": "nsp", "roberta": "none"}
_SHORT_SEQ_PROB = 0.1  # BERT's, for pairs


@dataclass(frozen=True, kw_only=True)
class ExampleConfig(Config):
    """How sentences become examples.

    The properties `task`, `pairs` and `short_share` say what "recipe" and None come to.
    """

    recipe: str = setting(
        "bert",
        "BERT: segment pairs with next-sentence labels. RoBERTa: full sentences packed to length.",
        choices=("bert", "roberta"),
    )
    max_seq_length: int = setting(
        128, "Most tokens in an example, special ones included.", least=8, most=65_535
    )
    short_seq_prob: float | None = setting(
        None,
        "Share of documents (pairs) or examples (packed) made shorter, so that short inputs are "
        "seen too. None: 0.1 for pairs, 0 for packed sentences.",
        least=0,
        most=1,
    )
    objective: str = setting(
        "recipe",
        "Task beside the masked words: next sentence (nsp), sentence order (sop), or none.",
        choices=("recipe", "nsp", "sop", "none"),
    )
    nsp_balance: str = setting(
        "google",
        "google: half of the pairs, and every pair of a lone sentence, get a random next. "
        "exact: lone sentences are made up for, so that half of all are random.",
        choices=("google", "exact"),
    )
    packing: str = setting(
        "full-sentences",
        "Without pairs: sentences fill an example across documents, or within one.",
        choices=("full-sentences", "doc-sentences"),
    )

    @property
    def task(self) -> str:
        """The objective: nsp, sop or none."""
        return _OBJECTIVES[self.recipe] if self.objective == "recipe" else self.objective

    @property
    def pairs(self) -> bool:
        """Whether an example is a pair of segments."""
        return self.task != "none"

    @property
    def short_share(self) -> float:
        """The share of documents or examples made shorter."""
        if self.short_seq_prob is None:
            return _SHORT_SEQ_PROB if self.pairs else 0.0
        return self.short_seq_prob


@dataclass(frozen=True, kw_only=True)
class MaskConfig(Config):
    """Which tokens are to be predicted, and what stands in their place."""

    masking: str = setting(
        "dynamic",
        "dynamic: masks are drawn anew each epoch, at load. static: they are stored.",
        choices=("static", "dynamic"),
    )
    masked_lm_prob: float = setting(
        0.15, "Share of an example's tokens to predict.", least=0.001, most=1
    )
    max_predictions_per_seq: int | None = setting(
        None, "Most tokens to predict in an example. None: no limit beside the share.", least=1
    )
    mask_replace_prob: float = setting(
        0.8, "Share of the chosen tokens that become the mask token.", least=0, most=1
    )
    random_replace_prob: float = setting(
        0.1, "Share of the chosen tokens that become a random token; the rest stays.",
        least=0, most=1,
    )  # fmt: skip
    whole_word: bool = setting(False, "Choose all pieces of a word or none.")
    span: str = setting(
        "none",
        "geometric: choose runs of whole words, as SpanBERT does.",
        choices=("none", "geometric"),
    )
    span_prob: float = setting(
        0.2, "The chance that a run of words ends after each word.", least=0.001, most=1
    )
    span_longest: int = setting(10, "Most words in a run.", least=1, most=255)
    dupe_factor: int = setting(
        5, "Copies of the corpus with masks of their own (static masking).", least=1, most=1_000
    )
    compat: str = setting(
        "none",
        "google: unknown tokens may be chosen and special ones drawn as random tokens, as in "
        "BERT's own script.",
        choices=("none", "google"),
    )

    def check(self) -> None:
        """Refuse shares that add up to more than all."""
        if self.mask_replace_prob + self.random_replace_prob > 1 + 1e-9:
            raise ConfigError(
                f"mask_replace_prob={self.mask_replace_prob!r} and random_replace_prob="
                f"{self.random_replace_prob!r} add up to more than 1"
            )

    @property
    def copies(self) -> int:
        """How many masked copies of each document are stored."""
        return self.dupe_factor if self.masking == "static" else 1

    @property
    def by_words(self) -> bool:
        """Whether words are chosen, and not single tokens."""
        return self.whole_word or self.span != "none"
