"""Settings of vocabulary training; the names follow `tokenizers.trainers.BpeTrainer`."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError

# No honest token is longer, and a corpus with one word of 100 MB gives tokens of 64 MB without it.
LONGEST_TOKEN = 1 << 16

BERT_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")

_DEFAULT_SIZES = {"wordpiece": 30_522, "bpe": 30_000, "byte-bpe": 30_000}
_DEFAULT_SPECIALS = {
    "wordpiece": BERT_SPECIAL_TOKENS,
    "bpe": ROBERTA_SPECIAL_TOKENS,
    "byte-bpe": ROBERTA_SPECIAL_TOKENS,
}
DEFAULT_UNKNOWN = {"wordpiece": "[UNK]", "bpe": "<unk>", "byte-bpe": ""}


@dataclass(frozen=True, kw_only=True)
class VocabConfig(Config):
    """Settings of `tokpipe.vocab.train.train`.

    A setting of None (or an empty `vocab_size`) follows the model; the properties `sizes`,
    `specials`, `prefix` and `unknown` give what it comes to.
    """

    model: str = setting(
        "wordpiece",
        "Kind of vocabulary: characters or bytes merged (bpe, byte-bpe), or BERT's (wordpiece).",
        choices=("bpe", "byte-bpe", "wordpiece"),
    )
    vocab_size: tuple[int, ...] = setting(
        (),
        "Tokens to reach, special ones included; several sizes share one run. "
        "None given: 30522 for wordpiece, 30000 otherwise.",
    )
    # 2, as in BertWordPieceTokenizer and ByteLevelBPETokenizer (the bare BpeTrainer has 0): a pair
    # that occurs once makes a token for one word of the corpus, and half of all pairs are such.
    min_frequency: int = setting(
        2,
        "Fewest occurrences of a pair that may be merged. The likelihood score wants a high floor: "
        "without one rare pairs come first (1000 suits 100 MB).",
        least=0,
    )
    score: str = setting(
        "frequency",
        "Which pair is merged next: the commonest, or by count(ij) / (count(i) * count(j)).",
        choices=("frequency", "likelihood"),
    )
    tie_break: str = setting(
        "lowest-id",
        "Among equal scores: the lower ids (as tokenizers does), or the shortest and first seen.",
        choices=("lowest-id", "first-seen"),
    )
    limit_alphabet: int = setting(
        1_000, "Most characters kept in the alphabet, the commonest; bytes are always all kept.",
        least=1,
    )  # fmt: skip
    initial_alphabet: str = setting("", "Characters that are in the alphabet, seen or not.")
    max_token_length: int | None = setting(
        None,
        "Merges stop short of tokens of this many characters (as tokenizers counts them); "
        "65536 if not given.",
        least=1,
    )
    max_input_chars_per_word: int = setting(
        100,
        "Longer words are unknown, unseen (wordpiece); text without spaces needs more.",
        least=1,
        most=1 << 20,
    )
    special_tokens: tuple[str, ...] | None = setting(
        None,
        "Tokens with the first ids; a comma in one is written \\,. "
        "None: BERT's for wordpiece, RoBERTa's otherwise.",
    )
    continuing_subword_prefix: str | None = setting(
        None, "Marks a token that goes on inside a word. None: ## for wordpiece, nothing otherwise."
    )
    end_of_word_suffix: str = setting("", "Marks a token that ends a word (bpe), such as </w>.")
    unk_token: str | None = setting(
        None, "Stands for unknown text. None: the model's usual one if it is a special token."
    )

    def check(self) -> None:
        """Refuse sizes, special tokens and marks that contradict each other or the model."""
        for size in self.vocab_size:
            if size < 1:
                raise ConfigError(f"vocab_size={size} is below the least allowed value, 1")
        for token in self.specials:
            if not token or self.specials.count(token) > 1:
                raise ConfigError(f"special_tokens: {token!r} is empty or given twice")
        if self.unk_token and self.unk_token not in self.specials:
            raise ConfigError(
                f"unk_token={self.unk_token!r} is not one of the special tokens",
                hint="Add it to special_tokens.",
            )
        self._check_marks()

    def _check_marks(self) -> None:
        if self.model == "byte-bpe" and (self.prefix or self.end_of_word_suffix):
            raise ConfigError(
                "byte-bpe takes no continuing_subword_prefix and no end_of_word_suffix",
                hint="Words keep their space as a byte; use --model bpe for marked tokens.",
            )
        if self.model == "wordpiece" and (self.end_of_word_suffix or not self.prefix):
            raise ConfigError(
                "wordpiece needs a continuing_subword_prefix and takes no end_of_word_suffix",
                hint="Use --model bpe for other marks.",
            )
        if self.model != "wordpiece" and self.max_input_chars_per_word != 100:
            raise ConfigError(
                f"max_input_chars_per_word={self.max_input_chars_per_word} belongs to wordpiece; "
                f"{self.model} looks at words of any length",
                hint="Leave it out.",
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes asked for, ascending, each once."""
        return tuple(sorted(set(self.vocab_size))) or (_DEFAULT_SIZES[self.model],)

    @property
    def specials(self) -> tuple[str, ...]:
        """The special tokens in the order of their ids."""
        return _DEFAULT_SPECIALS[self.model] if self.special_tokens is None else self.special_tokens

    @property
    def longest_token(self) -> int:
        """How many characters no merged token reaches."""
        return self.max_token_length or LONGEST_TOKEN

    @property
    def prefix(self) -> str:
        """The mark of tokens inside a word, or an empty string."""
        if self.continuing_subword_prefix is not None:
            return self.continuing_subword_prefix
        return "##" if self.model == "wordpiece" else ""

    @property
    def unknown(self) -> str:
        """The token for unknown text, or an empty string where there is none."""
        if self.unk_token is not None:
            return self.unk_token
        usual = DEFAULT_UNKNOWN[self.model]
        return usual if usual in self.specials else ""
