"""Settings of normalisation and pre-tokenisation: what makes a word of a text."""

from dataclasses import dataclass, fields, replace

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError

NORMALIZERS = ("bert", "nfc", "nfd", "nfkc", "nfkd", "none")
PRE_TOKENIZERS = ("bert", "gpt2", "whitespace", "whitespace-split", "none")
_ONLY_BERT = ("clean_text", "handle_chinese_chars")


@dataclass(frozen=True, kw_only=True)
class WordsConfig(Config):
    r"""How texts are normalised and split; each choice means what `tokenizers` means by it.

    ========================  ==================================================================
    normalizer                in the `tokenizers` library
    ========================  ==================================================================
    bert                      ``BertNormalizer`` with all four switches given, none derived
    nfc, nfd, nfkc, nfkd      that normal form, then ``Lowercase``, then ``StripAccents``, if asked
    none                      nothing, then ``Lowercase`` if asked
    ========================  ==================================================================

    ========================  ==================================================================
    pre_tokenizer             in the `tokenizers` library
    ========================  ==================================================================
    bert                      ``BertPreTokenizer``
    gpt2                      ``ByteLevel(use_regex=True)``; words stay bytes until they are shown
    whitespace                ``Whitespace``: ``\w+|[^\w\s]+``
    whitespace-split          ``WhitespaceSplit``
    none                      no pre-tokenizer: a text is a word
    ========================  ==================================================================
    """

    normalizer: str = setting("bert", "What is done to a text first.", choices=NORMALIZERS)
    clean_text: bool = setting(
        True, "Drop control characters, make white space plain spaces (bert normalizer)."
    )
    handle_chinese_chars: bool = setting(
        True, "Make each Chinese character a word (bert normalizer)."
    )
    lowercase: bool = setting(True, "Lower-case all letters.")
    strip_accents: bool = setting(
        False, "Strip accents: å becomes a (bert, nfd and nfkd normalizers)."
    )
    pre_tokenizer: str = setting("bert", "What splits a text into words.", choices=PRE_TOKENIZERS)
    add_prefix_space: bool = setting(
        False, "Put a space before a text that has none (gpt2 pre-tokenizer)."
    )

    def check(self) -> None:
        """Refuse to strip accents that are not apart from their letters."""
        if self.strip_accents and self.normalizer in ("nfc", "nfkc", "none"):
            raise ConfigError(
                f"strip_accents does nothing after normalizer={self.normalizer!r},"
                " which leaves accents joined to their letters",
                hint="Use nfd or nfkd in its place, or the bert normalizer.",
            )
        if self.add_prefix_space and self.pre_tokenizer != "gpt2":
            raise ConfigError(
                f"add_prefix_space belongs to the gpt2 pre-tokenizer, not {self.pre_tokenizer!r}"
            )

    def effective(self) -> "WordsConfig":
        """Return the same with settings that have no effect at their defaults, to compare by."""
        if self.normalizer == "bert":
            return self
        defaults = {f.name: f.default for f in fields(self) if f.name in _ONLY_BERT}
        return replace(self, **defaults)


BERT_UNCASED = WordsConfig()
BERT_CASED = WordsConfig(lowercase=False)
GPT2 = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="gpt2")
